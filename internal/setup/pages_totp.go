package setup

import (
	"context"
	"html/template"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// manyWrong is from how many wrong codes on the page says what else it may be.
const manyWrong = 3

// phonePage is the page of a new phone; where its end is told.
const (
	phonePage = "/profile/totp"
	phoneDone = "/profile?done=phone"
)

type appView struct {
	frame
	Phone bool         // a new phone, from the profile
	Link  template.URL // for an app on this device
	Key   string
	QR    picture
	Stuck bool // several wrong codes: say what else it may be
	Admin bool // may choose another method
}

// app shows the new secret, as QR, as text and as a link.
func (rm *Room) app(w http.ResponseWriter, r *http.Request, status int, p stage, faults ...*fault.Fault) error {
	view := &appView{frame: rm.frame(r, p, App, faults), Admin: p.MayChoose()}
	return rm.showSecret(w, r, status, p, verification.Setup, view, "setup.totp_title")
}

// phone shows a new secret to whoever has a new phone. The old one works until
// the new one is proved.
func (rm *Room) phone(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.read(r, verification.Phone)
	switch {
	case err != nil:
		return err
	case p.Finished:
		return page.See(w, phoneDone)
	}
	return rm.showPhone(w, r, http.StatusOK, p)
}

func (rm *Room) showPhone(w http.ResponseWriter, r *http.Request, status int, p stage, faults ...*fault.Fault) error {
	if err := hasTOTP(p); err != nil {
		return err
	}
	view := &appView{frame: rm.frame(r, p, App, faults), Phone: true}
	view.Stair, view.Leave = 0, "/profile"
	return rm.showSecret(w, r, status, p, verification.Phone, view, "setup.phone_title")
}

// hasTOTP refuses a new secret to an account that signs in with MailOTP: it would
// never be asked for, and the account's method is for a Portal Admin to change.
func hasTOTP(p stage) error {
	if p.Assigned == account.MailOTP && !p.Operator {
		return fault.New(fault.Refused, "setup.phone_mailotp")
	}
	return nil
}

func (rm *Room) showSecret(w http.ResponseWriter, r *http.Request, status int, p stage, door verification.Door, view *appView, title string) error {
	sealed := p.sealed
	if len(sealed) == 0 {
		var err error
		if p, sealed, err = rm.makeSecret(r, door); err != nil {
			return err
		}
		if p.Finished {
			return page.See(w, doneAt(door))
		}
	}
	key, err := rm.Keys.Open(secret.ForTOTP, row(session.Of(r.Context()).Session), sealed)
	if err != nil {
		return err
	}
	link := totp.URI(rm.Site.Name, p.person.Email, key)
	if view.QR, err = draw(link); err != nil {
		return err
	}
	view.Key, view.Link, view.Stuck = totp.Text(key), template.URL(link), p.wrong >= manyWrong //nolint:gosec // made by totp.URI, escaped there
	return rm.pages.Show(w, r, status, "totp", title, view)
}

// makeSecret gives the set-up its secret, once.
func (rm *Room) makeSecret(r *http.Request, door verification.Door) (p stage, sealed []byte, err error) {
	key := totp.NewSecret()
	p, err = rm.decide(r, door, func(ctx context.Context, tx *store.Tx, _ stage) (err error) {
		sealed, err = keepSecret(ctx, tx, rm.Keys, session.Of(ctx).Session, key)
		return err
	})
	return p, sealed, err
}

func doneAt(door verification.Door) string {
	if door == verification.Phone {
		return phoneDone
	}
	return string(Done)
}

// proveApp tries the first code of the new secret, which finishes set-up.
func (rm *Room) proveApp(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	code := form.Code("code", totp.Digits, "setup.code_missing")
	if !form.OK() {
		return rm.again(w, r, App, rm.app, form.Faults())
	}
	var end proof
	p, err := rm.decide(r, verification.Setup, func(ctx context.Context, tx *store.Tx, p stage) (err error) {
		end = proof{}
		if Next(p.Facts) != App {
			return nil
		}
		end, err = rm.tryNew(ctx, tx, p, verification.Setup, code)
		return err
	})
	switch {
	case err != nil:
		return err
	case Next(p.Facts) != App:
		return page.See(w, string(Next(p.Facts)))
	}
	return rm.answer(w, r, p, end, rm.app, string(Next(p.With(App))))
}

// provePhone tries the first code of a new phone.
func (rm *Room) provePhone(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	code := form.Code("code", totp.Digits, "setup.code_missing")
	if !form.OK() {
		p, err := rm.read(r, verification.Phone)
		if err != nil {
			return err
		}
		return rm.showPhone(w, r, http.StatusUnprocessableEntity, p, form.Faults()...)
	}
	var end proof
	p, err := rm.decide(r, verification.Phone, func(ctx context.Context, tx *store.Tx, p stage) (err error) {
		if err := hasTOTP(p); err != nil {
			return err
		}
		end, err = rm.tryNew(ctx, tx, p, verification.Phone, code)
		return err
	})
	switch {
	case err != nil:
		return err
	case p.Finished:
		return page.See(w, phoneDone)
	}
	return rm.answer(w, r, p, end, rm.showPhone, phoneDone)
}

// proof is what became of the first code of a new secret.
type proof struct {
	verification.Outcome
	unseen bool   // there is no secret yet: the page with the QR was never shown
	token  string // the session's new value, when it was right
}

// tryNew tries the first code of the secret that is being set up.
func (rm *Room) tryNew(ctx context.Context, tx *store.Tx, p stage, door verification.Door, code string) (end proof, err error) {
	v := session.Of(ctx)
	if len(p.sealed) == 0 {
		return proof{unseen: true}, nil
	}
	key, err := rm.Keys.Open(secret.ForTOTP, row(v.Session), p.sealed)
	if err != nil {
		return proof{}, err
	}
	end.Outcome, err = rm.Desk.ProveNew(ctx, tx, verification.Attempt{
		Ref: v.Ref, Person: p.person, Session: v.Session.ID, Door: door,
		Method: account.TOTP, Code: code, Network: v.From, Pass: p.Pass,
	}, key)
	if err != nil {
		return proof{}, err
	}
	switch end.Verdict {
	case verification.Right:
	case verification.Wrong:
		return end, countWrong(ctx, tx, v.Session)
	default:
		return end, nil
	}
	end.token, err = rm.finish(ctx, tx, p, door, account.TOTP)
	return end, err
}

// errVoid is told where the second verification is void and no pass was redeemed:
// nothing but set-up by a pass ends that (security.md).
var errVoid = fault.New(fault.Refused, "setup.void")

// answer says what became of a code: on to the end, or the page once more.
func (rm *Room) answer(w http.ResponseWriter, r *http.Request, p stage, end proof, show shower, done string) error {
	if end.unseen {
		return page.See(w, r.URL.Path)
	}
	rm.Wake()
	if end.Verdict == verification.Right {
		session.Give(w, rm.Site, end.token)
		return page.See(w, done)
	}
	if end.Verdict == verification.Refused {
		return errVoid
	}
	if end.Verdict == verification.Wrong {
		p.wrong++
	}
	return show(w, r, http.StatusUnprocessableEntity, p, rm.wrong(r, end.Outcome))
}

// wrong says what is the matter with a code of the new secret.
func (rm *Room) wrong(r *http.Request, o verification.Outcome) *fault.Fault {
	say := rm.Site.Speak(r)
	switch {
	case o.Verdict == verification.Late && o.Off > 0:
		return fault.Field("code", "setup.totp_ahead", "off", say.Span(o.Off))
	case o.Verdict == verification.Late:
		return fault.Field("code", "setup.totp_behind", "off", say.Span(-o.Off))
	case o.Verdict == verification.Spent:
		return fault.Field("code", "setup.totp_spent", "wait", say.Span(o.WorksAt.Sub(rm.Site.Now())))
	}
	return fault.Field("code", "setup.totp_wrong")
}
