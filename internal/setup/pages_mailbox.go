package setup

import (
	"context"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

type addressView struct {
	frame
	Admin bool // may choose the method
}

// address shows the registered address and asks to make sure that it receives mail.
func (rm *Room) address(w http.ResponseWriter, r *http.Request, status int, p stage, faults ...*fault.Fault) error {
	view := &addressView{frame: rm.frame(r, p, Address, faults), Admin: p.MayChoose()}
	return rm.pages.Show(w, r, status, "setup", "setup.title", view)
}

// sendCode mails a code to the registered address. It is the first button of
// set-up, and "Send a new code" of the page after it.
func (rm *Room) sendCode(w http.ResponseWriter, r *http.Request) error {
	var again time.Time
	p, err := rm.decide(r, verification.Setup, func(ctx context.Context, tx *store.Tx, p stage) (err error) {
		again = time.Time{}
		if !mails(p.Facts) || p.CodeSent && tx.Now().Before(p.sent.Add(samePress)) {
			return nil
		}
		again, err = rm.mailCode(ctx, tx, p)
		return err
	})
	switch {
	case err != nil:
		return err
	case !mails(p.Facts):
		return page.See(w, string(Next(p.Facts)))
	case again.IsZero():
		rm.Wake()
		return page.See(w, string(Next(p.With(Address))))
	}
	enough := rm.wait(w, r, "", "setup.mails_enough", again)
	if p.CodeSent {
		return rm.mailbox(w, r, http.StatusTooManyRequests, p, enough)
	}
	return rm.address(w, r, http.StatusTooManyRequests, p, enough)
}

// mails says whether set-up is where a code may be mailed.
func mails(f Facts) bool { return Next(f) == Address || Next(f) == Mailbox }

// mailCode puts a code into the outbox, or says when the next one may go.
func (rm *Room) mailCode(ctx context.Context, tx *store.Tx, p stage) (again time.Time, err error) {
	code, again, err := mailotp.Issue(ctx, tx, rm.Keys, p.person.Ref, session.Of(ctx).Session.ID, mailotp.Setup, p.person.EmailKey)
	if err != nil || !again.IsZero() {
		return again, err
	}
	say, expires := rm.Site.Speaker(p.person.Language, p.person.Location()), tx.Now().Add(mailotp.Valid)
	return time.Time{}, mail.Queue(ctx, tx, rm.Keys, mail.Letter{
		Organization: p.person.Organization, Holder: p.person.ID, Lane: mail.Code, Kind: "code",
		To: p.person.Email, Language: p.person.Language, Expires: expires,
		Subject: say.T("setup.code_mail_subject", "portal", rm.Site.Name),
		Text: say.T("setup.code_mail_text", "name", p.person.Name, "portal", rm.Site.Name,
			"code", page.Group(4, code), "until", say.Zones.Clock(expires)),
	})
}

type mailboxView struct {
	frame
	Sent time.Time
}

// mailbox asks for the mailed code.
func (rm *Room) mailbox(w http.ResponseWriter, r *http.Request, status int, p stage, faults ...*fault.Fault) error {
	view := &mailboxView{frame: rm.frame(r, p, Mailbox, faults), Sent: p.sent}
	return rm.pages.Show(w, r, status, "mailbox", "setup.mailbox_title", view)
}

// proveMailbox tries the mailed code. For TOTP it shows that the mailbox answers;
// for MailOTP it is the proof of the method and finishes set-up.
func (rm *Room) proveMailbox(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	code := form.Code("code", mailotp.Digits, "setup.code_missing")
	if !form.OK() {
		return rm.again(w, r, Mailbox, rm.mailbox, form.Faults())
	}
	var o verification.Outcome
	var token string
	p, err := rm.decide(r, verification.Setup, func(ctx context.Context, tx *store.Tx, p stage) (err error) {
		o, token = verification.Outcome{}, ""
		if Next(p.Facts) != Mailbox {
			return nil
		}
		o, token, err = rm.tryMailed(ctx, tx, p, code)
		return err
	})
	switch {
	case err != nil:
		return err
	case Next(p.Facts) != Mailbox:
		return page.See(w, string(Next(p.Facts)))
	}
	rm.Wake()
	if o.Verdict != verification.Right {
		return rm.refuseMailed(w, r, p, o)
	}
	if token != "" {
		session.Give(w, rm.Site, token)
	}
	return page.See(w, string(Next(p.With(Mailbox))))
}

func (rm *Room) tryMailed(ctx context.Context, tx *store.Tx, p stage, code string) (o verification.Outcome, token string, err error) {
	v := session.Of(ctx)
	enroll, door := p.Method() == account.MailOTP, verification.Mailbox
	if enroll {
		door = verification.Setup
	}
	o, err = rm.Desk.ProveMailbox(ctx, tx, verification.Attempt{
		Ref: v.Ref, Person: p.person, Session: v.Session.ID, Door: door,
		Method: account.MailOTP, Code: code, Network: v.From, Pass: p.Pass,
	}, enroll)
	switch {
	case err != nil || o.Verdict != verification.Right:
		return o, "", err
	case !enroll:
		return o, "", keepMailbox(ctx, tx, v.Session)
	}
	token, err = rm.finish(ctx, tx, p, verification.Setup, account.MailOTP)
	return o, token, err
}

// errEnded is told when wrong codes have ended the session.
var errEnded = fault.New(fault.Refused, "setup.ended")

// refuseMailed answers a mailed code that was not accepted.
func (rm *Room) refuseMailed(w http.ResponseWriter, r *http.Request, p stage, o verification.Outcome) error {
	if o.Ended {
		session.Take(w, rm.Site)
		return errEnded
	}
	status, wrong := http.StatusUnprocessableEntity, fault.Field("code", "setup.mailed_wrong", "n", o.Left)
	switch o.Verdict {
	case verification.Wrong:
	case verification.Expired:
		wrong.Phrase = "setup.mailed_expired"
	case verification.Waiting:
		status, wrong = http.StatusTooManyRequests, rm.wait(w, r, "code", "setup.code_waiting", o.Until)
	case verification.Refused:
		return errVoid
	default:
		return fault.New(fault.Refused, "setup.stopped")
	}
	return rm.mailbox(w, r, status, p, wrong)
}

// again shows a step's form once more, with what is wrong in it, to whoever is at
// that step.
func (rm *Room) again(w http.ResponseWriter, r *http.Request, step Step, show shower, faults []*fault.Fault) error {
	p, err := rm.read(r, verification.Setup)
	if err != nil {
		return err
	}
	if next := Next(p.Facts); next != step {
		return page.See(w, string(next))
	}
	return show(w, r, http.StatusUnprocessableEntity, p, faults...)
}
