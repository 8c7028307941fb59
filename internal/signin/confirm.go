package signin

import (
	"context"
	"errors"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/mailotp"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

func (s *Room) showConfirm(w http.ResponseWriter, r *http.Request) error {
	if session.Of(r.Context()).Stopped {
		return s.Gate.showStep(w, r, Step{Kind: MustResetPassword})
	}
	return s.showFresh(w, r, http.StatusOK, nil, "")
}

// showFresh asks for a fresh proof: the own code, or in a 1-step session the password.
func (s *Room) showFresh(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault, to string) error {
	v := session.Of(r.Context())
	if to == "" {
		to = Back(r.URL.Query().Get("to"))
	}
	view := &codeView{OneStep: true}
	if v.TwoStep {
		var err error
		if view, err = s.view(r.Context(), v, v.Asks, mailotp.Confirm, len(faults) > 0); err != nil {
			return err
		}
	}
	view.Faults, view.To = faults, to
	return s.page.Show(w, r, status, "confirm", "signin.confirm_title", view)
}

func (s *Room) postConfirm(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	v := session.Of(r.Context())
	if v.Stopped { // no code is looked at, and none is mailed
		return s.Gate.showStep(w, r, Step{Kind: MustResetPassword})
	}
	to := Back(form.Text("to"))
	if !v.TwoStep {
		return s.confirmPassword(w, r, form, to)
	}
	method := v.Asks
	show := func(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault, _ string) error {
		return s.showFresh(w, r, status, faults, to)
	}
	if form.Text("act") == "send" && method == account.MailOTP {
		return s.sendConfirm(w, r, to)
	}
	code := form.Code("code", digits(method), "signin.code_missing")
	if !form.OK() {
		return show(w, r, http.StatusUnprocessableEntity, form.Faults(), "")
	}
	outcome, token, err := s.prove(r.Context(), v, verification.Confirm, method, code)
	if err != nil {
		return s.closedOr(w, r, err)
	}
	s.Wake()
	if outcome.Verdict != verification.Right {
		return s.refuseCode(w, r, outcome, show)
	}
	session.Give(w, s.site, token)
	return page.See(w, to)
}

func (s *Room) sendConfirm(w http.ResponseWriter, r *http.Request, to string) error {
	v := session.Of(r.Context())
	err := s.db.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		return s.sendCode(ctx, tx, v.Person, v.Session.ID, mailotp.Confirm, mailotp.Issue)
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.TooSoon {
		return s.showFresh(w, r, http.StatusTooManyRequests, s.later(w, r, f.Until, f.Phrase), to)
	}
	if err != nil {
		return err
	}
	s.Wake()
	return s.showFresh(w, r, http.StatusOK, nil, to)
}

// confirmPassword is the fresh proof of a 1-step session. It is slowed like a
// sign-in, by the same counters.
func (s *Room) confirmPassword(w http.ResponseWriter, r *http.Request, form *page.Form, to string) error {
	v := session.Of(r.Context())
	typed := form.Secret("password", "signin.password_missing")
	if !form.OK() {
		return s.showFresh(w, r, http.StatusUnprocessableEntity, form.Faults(), to)
	}
	a := attempt{key: v.Person.EmailKey, network: v.From}
	now := s.Gate.Clock.Now()
	counters := s.keys(a)
	_, kept, again, err := password.Lookup(r.Context(), s.db, s.Keys, a.key, now, counters)
	if err != nil {
		return err
	}
	if !again.IsZero() {
		return s.showFresh(w, r, http.StatusTooManyRequests, s.later(w, r, again, "signin.password_later"), to)
	}
	match, err := s.Pool.Verify(r.Context(), kept.Hash, typed)
	if errors.Is(err, password.ErrBusy) {
		page.RetryAfter(w, now, now.Add(busyFor))
		return s.showFresh(w, r, http.StatusServiceUnavailable, []*fault.Fault{fault.Field("", "signin.busy")}, to)
	}
	if r.Context().Err() != nil { // whoever hangs up has made us hash all the same
		return errors.Join(err, s.spend(r.Context(), counters[:3]))
	}
	if err != nil && !errors.Is(err, password.ErrUnreadable) {
		return err
	}
	var token string
	err = s.db.Write(context.WithoutCancel(r.Context()), func(ctx context.Context, tx *store.Tx) (err error) {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if !match.Right {
			if err := limit.Spend(ctx, tx, counters[:3]...); err != nil {
				return err
			}
			return s.record(ctx, tx, v.Entry("account:password:refused", map[string]string{"door": "confirm"}))
		}
		if err := limit.Spend(ctx, tx, counters[3]); err != nil {
			return err
		}
		if token, err = session.ConfirmPassword(ctx, tx, v.Session); err != nil {
			return err
		}
		return s.record(ctx, tx, v.Entry("account:password:accepted", map[string]string{"door": "confirm"}))
	})
	if err != nil {
		return s.closedOr(w, r, err)
	}
	if !match.Right {
		return s.showFresh(w, r, http.StatusUnprocessableEntity, []*fault.Fault{fault.Field("password", "signin.password_wrong")}, to)
	}
	session.Give(w, s.site, token)
	return page.See(w, to)
}
