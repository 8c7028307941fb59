package setup

import (
	"context"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

type methodView struct {
	frame
	Options []page.Option
}

// method offers a Portal Admin the choice, and says of each what it is worth.
func (rm *Room) method(w http.ResponseWriter, r *http.Request, status int, p stage, faults ...*fault.Fault) error {
	view := &methodView{frame: rm.frame(r, p, Choose, faults)}
	marked, say := preselected(p.Facts, p.person.Preset), rm.Site.Speak(r)
	for _, method := range []account.Method{account.TOTP, account.MailOTP} {
		view.Options = append(view.Options, page.Option{
			Value: string(method), Checked: method == marked,
			Label: say.T("setup.method_" + string(method)),
			Hint:  say.T("setup.method_"+string(method)+"_hint", "email", p.person.Email),
		})
	}
	return rm.pages.Show(w, r, status, "method", "setup.method_title", view)
}

var (
	errUnknownMethod = fault.Field("method", "setup.method_missing")
	errNotYours      = fault.New(fault.Refused, "setup.method_not_yours")
)

// choose keeps a Portal Admin's choice. Nobody else has one, whatever the form says.
func (rm *Room) choose(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	wanted := account.Method(form.Text("method"))
	p, err := rm.decide(r, verification.Setup, func(ctx context.Context, tx *store.Tx, p stage) error {
		if err := allowed(p, wanted); err != nil || !p.MayChoose() {
			return err
		}
		return keepChoice(ctx, tx, session.Of(ctx).Session, wanted)
	})
	if f := fault.Of(err); f == errUnknownMethod {
		return rm.method(w, r, http.StatusUnprocessableEntity, p, f)
	}
	if err != nil {
		return err
	}
	if p.MayChoose() {
		p.Chosen = wanted
	}
	return page.See(w, string(Next(p.Facts)))
}

// allowed says whether somebody may have the method he posted. Whoever has no
// choice in this set-up may only repeat what is assigned.
func allowed(p stage, wanted account.Method) error {
	authority := p.Authority
	if !p.MayChoose() {
		authority = account.GeneralUser
	}
	switch why := account.Choose(authority, p.Method(), wanted); why {
	case "":
		return nil
	case account.NoSuchMethod:
		if p.MayChoose() {
			return errUnknownMethod
		}
	}
	return errNotYours
}
