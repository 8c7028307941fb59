package people

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

type methodView struct {
	page.View
	Person
	Options []page.Option
	Self    bool
	Sent    time.Time // mailbox: when the code that waits was mailed
}

func (rm *Room) showMethod(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.about(r, act.ChangeMethod, false)
	if err != nil {
		return err
	}
	return rm.method(w, r, http.StatusOK, p, nil)
}

func (rm *Room) method(w http.ResponseWriter, r *http.Request, status int, p Person, faults []*fault.Fault) error {
	view := &methodView{Person: p, Self: self(r.Context(), p)}
	say := rm.Site.Speak(r)
	for _, m := range []account.Method{account.TOTP, account.MailOTP} {
		view.Options = append(view.Options, page.Option{Value: string(m), Label: say.T("people." + string(m)),
			Hint: say.T("people." + string(m) + "_about"), Checked: m == p.Method})
	}
	view.Faults = faults
	return rm.page.Show(w, r, status, "method", "people.method_title", view)
}

// postMethod changes the method of somebody. One's own change to MailOTP goes on to
// the mailbox, which has to answer first.
func (rm *Room) postMethod(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	wanted := account.Method(form.Need("method", "people.method_missing"))
	if !form.OK() {
		p, err := rm.about(r, act.ChangeMethod, false)
		if err != nil {
			return err
		}
		return rm.method(w, r, http.StatusUnprocessableEntity, p, form.Faults())
	}
	changed, err := rm.change(r.Context(), id, wanted)
	if f := fault.Of(err); f != nil && f.Phrase == string(account.MailboxFirst) {
		p, err := rm.own(r)
		if err != nil {
			return err
		}
		return rm.sendMailbox(w, r, p)
	}
	switch {
	case err != nil:
		return err
	case !changed:
		return page.See(w, "/accounts/"+id+"?done=same")
	}
	rm.Wake()
	if session.Of(r.Context()).Ref.ID == id {
		session.Take(w, rm.Site)
		return page.See(w, "/signin")
	}
	return page.See(w, "/accounts/"+id+"?done="+string(wanted))
}

// place is a person's page.
func place(p Person) string { return "/accounts/" + p.ID }

// whys are what a refusal of account.Govern says here. Whoever is another
// organization's was not found before; a request that names no method was made up.
var whys = map[account.Why]string{
	account.NoSuchMethod: "people.method_missing", account.OnlyAdmins: "people.only_admins",
	account.OtherCompany: "people.nobody", account.OperatorsTOTP: "people.only_admins",
}

// change sets the method of a person, if the visitor may.
func (rm *Room) change(ctx context.Context, id string, wanted account.Method) (changed bool, err error) {
	v := session.Of(ctx)
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		changed = false
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		now, err := rm.of(ctx, tx, id)
		if err != nil {
			return err
		}
		// A MailOTP whose mailbox never answered is not proved: its account is not able.
		// One's own is asked for that answer first.
		loses := wanted == account.MailOTP && now.Method != wanted && now.MailOTP.IsZero() && !self(ctx, now)
		if err := may(ctx, tx, tx.Now(), act.ChangeMethod, now, loses); err != nil || now.Method == wanted {
			return err
		}
		if why := account.Govern(actor(v), now.Ref, wanted, false); why != "" {
			phrase, ok := whys[why]
			if !ok {
				phrase = string(why)
			}
			return fault.New(fault.Refused, phrase)
		}
		changed = true
		return rm.save(ctx, tx, v, now, wanted, "list")
	})
	return changed, err
}

func actor(v *session.Visit) account.Actor {
	return account.Actor{Ref: v.Ref, Authority: v.Person.Authority, Operator: v.Operator()}
}

// save is the one end of every change of a method: it is assigned, all sessions of
// the account end, the owner is told, and it is recorded.
func (rm *Room) save(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, wanted account.Method, door string) error {
	if err := account.Assign(ctx, tx, p.Ref, wanted, v.Ref.ID); err != nil {
		return err
	}
	if p.Authority == account.GeneralUser && p.Preset != "" { // whoever decides answers the request too
		if err := account.Answered(ctx, tx, p.Ref); err != nil {
			return err
		}
	}
	if _, err := session.EndAll(ctx, tx, p.Ref, "", "method changed"); err != nil {
		return err
	}
	err := audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: p.Organization, Act: "account:method:changed", Actor: v.Actor(), Subject: p.ID,
		Network: v.From, Detail: map[string]string{"from": string(p.Method), "to": string(wanted), "door": door}})
	if err != nil {
		return err
	}
	say := rm.Site.Speaker(p.Language, p.Location())
	return mail.Queue(ctx, tx, rm.Keys, mail.Letter{Organization: p.Organization, Holder: p.ID, Lane: mail.Notice, Kind: "method-changed",
		To: p.Email, Language: p.Language, Subject: say.T("people.told_subject", "portal", rm.Site.Name, "method", say.T("people."+string(wanted)+"_short")),
		Text: say.T("people.told_text", "name", p.Name, "portal", rm.Site.Name, "when", say.Moment(tx.Now()), "who", v.Person.Name,
			"what", say.T("people.told_"+string(wanted)))})
}

// sendMailbox mails the code that one's own change to MailOTP waits for.
func (rm *Room) sendMailbox(w http.ResponseWriter, r *http.Request, p Person) error {
	v := session.Of(r.Context())
	err := rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		now, err := rm.of(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := may(ctx, tx, tx.Now(), act.ChangeMethod, now, false); err != nil {
			return err
		}
		code, again, err := mailotp.Issue(ctx, tx, rm.Keys, v.Ref, v.Session.ID, mailotp.Method, now.EmailKey)
		if err != nil {
			return err
		}
		if !again.IsZero() {
			return fault.Wait(again, "people.mails_enough")
		}
		say := rm.Site.Speaker(p.Language, p.Location())
		expires := tx.Now().Add(mailotp.Valid)
		return mail.Queue(ctx, tx, rm.Keys, mail.Letter{Organization: p.Organization, Holder: p.ID, Lane: mail.Code, Kind: "code",
			To: now.Email, Language: p.Language, Expires: expires, Subject: say.T("people.mailbox_subject", "portal", rm.Site.Name),
			Text: say.T("people.mailbox_text", "name", p.Name, "portal", rm.Site.Name, "code", page.Group(4, code), "until", say.Zones.Clock(expires))})
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.TooSoon {
		page.RetryAfter(w, rm.Site.Now(), f.Until)
		return rm.mailbox(w, r, http.StatusTooManyRequests, p,
			[]*fault.Fault{fault.Field("", f.Phrase, "until", rm.Site.Speak(r).Zones.Clock(f.Until))})
	}
	if err != nil {
		return err
	}
	rm.Wake()
	return page.See(w, place(p)+"/mailbox")
}

// own finds the visitor's own record, for pages that are about nobody else.
func (rm *Room) own(r *http.Request) (Person, error) {
	p, err := rm.of(r.Context(), rm.DB, r.PathValue("id"))
	if err == nil && !self(r.Context(), p) {
		err = errNobody
	}
	return p, err
}

func (rm *Room) showMailbox(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.own(r)
	if err != nil {
		return err
	}
	return rm.mailbox(w, r, http.StatusOK, p, nil)
}

func (rm *Room) mailbox(w http.ResponseWriter, r *http.Request, status int, p Person, faults []*fault.Fault) error {
	v := session.Of(r.Context())
	open, err := mailotp.Waiting(r.Context(), rm.DB, v.Ref, v.Session.ID, mailotp.Method)
	if errors.Is(err, store.ErrNone) && len(faults) == 0 {
		return page.See(w, place(p)+"/method")
	}
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	view := &methodView{Person: p, Self: true, Sent: open.Sent}
	view.Faults = faults
	return rm.page.Show(w, r, status, "mailbox", "people.mailbox_title", view)
}

// postMailbox saves the own change to MailOTP with the code that this mailbox has
// just received. The mailbox has answered, so the method is proved with it.
func (rm *Room) postMailbox(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	p, err := rm.own(r)
	if err != nil {
		return err
	}
	if form.Text("act") == "send" {
		return rm.sendMailbox(w, r, p)
	}
	code := form.Code("code", mailotp.Digits, "people.code_missing")
	if !form.OK() {
		return rm.mailbox(w, r, http.StatusUnprocessableEntity, p, form.Faults())
	}
	o, err := rm.proveMailbox(r.Context(), p, code)
	if err != nil {
		return err
	}
	rm.Wake()
	if o.Verdict == verification.Right || o.Ended {
		session.Take(w, rm.Site)
		return page.See(w, "/signin")
	}
	status, wrong := http.StatusUnprocessableEntity, fault.Field("code", "people.code_wrong", "n", o.Left)
	switch o.Verdict {
	case verification.Wrong:
	case verification.Expired:
		wrong.Phrase = "people.code_expired"
	case verification.Waiting:
		page.RetryAfter(w, rm.Site.Now(), o.Until)
		status, wrong = http.StatusTooManyRequests, fault.Field("code", "people.code_waiting", "until", rm.Site.Speak(r).Zones.Clock(o.Until))
	default:
		return fault.New(fault.Refused, "people.stopped")
	}
	return rm.mailbox(w, r, status, p, []*fault.Fault{wrong})
}

func (rm *Room) proveMailbox(ctx context.Context, p Person, code string) (o verification.Outcome, err error) {
	v := session.Of(ctx)
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		now, err := rm.of(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := may(ctx, tx, tx.Now(), act.ChangeMethod, now, false); err != nil {
			return err
		}
		o, err = rm.Desk.ProveMailbox(ctx, tx, verification.Attempt{Ref: v.Ref, Person: now.Account, Session: v.Session.ID,
			Door: verification.Method, Method: account.MailOTP, Code: code, Network: v.From}, false)
		if err != nil || o.Verdict != verification.Right {
			return err
		}
		if why := account.Govern(actor(v), now.Ref, account.MailOTP, true); why != "" {
			return fault.New(fault.Refused, "people.only_admins")
		}
		if _, err := mailotp.Enroll(ctx, tx, now.Ref); err != nil {
			return err
		}
		if err := totp.Remove(ctx, tx, now.Ref); err != nil {
			return err
		}
		if err := pass.Withdraw(ctx, tx, now.Ref); err != nil { // any enrollment ends them
			return err
		}
		return rm.save(ctx, tx, v, now, account.MailOTP, "mailbox")
	})
	return o, err
}
