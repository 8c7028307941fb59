package password

import (
	"context"
	"errors"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type changeView struct {
	page.View
	Least int
	Aside Aside // its ID is empty when none waits
	Mail  string
}

func (m *Room) showChange(w http.ResponseWriter, r *http.Request) error {
	state, err := Read(r.Context(), m.DB, session.Of(r.Context()).Ref)
	if err != nil {
		return err
	}
	return m.change(w, r, http.StatusOK, state, nil)
}

func (m *Room) change(w http.ResponseWriter, r *http.Request, status int, state State, faults []*fault.Fault) error {
	view := &changeView{Least: least(state.Enrolled), Mail: session.Of(r.Context()).Person.Email}
	if state.Aside.Waits(m.Site.Now()) {
		view.Aside = state.Aside
	}
	view.Faults = faults
	return m.page.Show(w, r, status, "change", "password.change_title", view)
}

func (m *Room) postChange(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	v := session.Of(r.Context())
	if form.Text("act") == "refuse" {
		return m.refuse(w, r, v)
	}
	state, err := Read(r.Context(), m.DB, v.Ref)
	if err != nil {
		return err
	}
	person := Person{Email: v.Person.Email, Name: v.Person.Name, Organization: v.OrganizationName,
		Phone: v.Person.Phone, Portal: m.Site.Name}
	typed := Typed(form, least(state.Enrolled), person)
	if !form.OK() {
		return m.change(w, r, http.StatusUnprocessableEntity, state, form.Faults())
	}
	right, now := Right(m.Keys, v.Person.EmailKey, v.From), m.Site.Now()
	again, err := limit.Peek(r.Context(), m.DB, now, right)
	if err != nil {
		return err
	}
	if !again.IsZero() {
		page.RetryAfter(w, now, again)
		wait := fault.Field("", "password.too_fast", "wait", m.Site.Speak(r).Span(again.Sub(now)))
		return m.change(w, r, http.StatusTooManyRequests, state, []*fault.Fault{wait})
	}
	hash, busy, err := m.hash(w, r, typed)
	if busy {
		return m.change(w, r, http.StatusServiceUnavailable, state, []*fault.Fault{fault.Field("", "password.busy")})
	}
	if err != nil {
		return err
	}
	var token string
	err = m.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		token, err = m.replace(ctx, tx, v, hash, right)
		return err
	})
	if err != nil {
		return err
	}
	m.Wake()
	session.Give(w, m.Site, token)
	return page.See(w, "/profile?done=password")
}

// replace sets the password that the owner chose while signed in. Whoever else is
// signed in by the old one is not any more; this session goes on under a new value.
func (m *Room) replace(ctx context.Context, tx *store.Tx, v *session.Visit, hash string, right limit.Key) (token string, err error) {
	if err := v.Still(ctx, tx); err != nil {
		return "", err
	}
	if err := limit.Spend(ctx, tx, right); err != nil {
		return "", err
	}
	if err := Set(ctx, tx, v.Ref, hash, Changed); err != nil {
		return "", err
	}
	if _, err := session.EndAll(ctx, tx, v.Ref, v.Session.ID, "password changed"); err != nil {
		return "", err
	}
	if token, err = session.Renew(ctx, tx, v.Session); err != nil {
		return "", err
	}
	if err := m.record(ctx, tx, v, "account:password:changed"); err != nil {
		return "", err
	}
	return token, m.changedLetter(ctx, tx, v)
}

// refuse ends a password that waits: the owner's no to a reset that was not his.
func (m *Room) refuse(w http.ResponseWriter, r *http.Request, v *session.Visit) error {
	err := m.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if err := Refuse(ctx, tx, v.Ref, v.Ref.ID); err != nil {
			return err
		}
		if err := m.record(ctx, tx, v, "account:reset:refused"); err != nil {
			return err
		}
		admins, err := account.Admins(ctx, tx, v.Ref.Organization)
		if err != nil {
			return err
		}
		return m.refusedLetters(ctx, tx, v, admins)
	})
	if errors.Is(err, store.ErrNone) {
		return fault.New(fault.NotFound, "password.nothing_waits")
	}
	if err != nil {
		return err
	}
	m.Wake()
	return page.See(w, "/profile?done=refused")
}
