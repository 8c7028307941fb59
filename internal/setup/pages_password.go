package setup

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// busyFor is what is asked of whoever met a full line for hashing.
const busyFor = 5 * time.Second

type passwordView struct {
	frame
	Least int
}

// password asks for a new password in place of one that fails the rule.
func (rm *Room) password(w http.ResponseWriter, r *http.Request, status int, p stage, faults ...*fault.Fault) error {
	view := &passwordView{frame: rm.frame(r, p, Password, faults), Least: password.Shortest}
	return rm.pages.Show(w, r, status, "password", "setup.password_title", view)
}

// keepPassword keeps a new password aside, hashed. It counts from the end of
// set-up on: until then the old one does, and half-way nothing has changed.
func (rm *Room) keepPassword(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	v := session.Of(r.Context())
	p, err := rm.read(r, verification.Setup)
	if err != nil {
		return err
	}
	if next := Next(p.Facts); next != Password {
		return page.See(w, string(next)) // nobody makes this server hash for nothing
	}
	typed := password.Typed(form, password.Shortest, password.Person{Email: p.person.Email, Name: p.person.Name,
		Organization: v.OrganizationName, Phone: p.person.Phone, Portal: rm.Site.Name})
	if !form.OK() {
		return rm.password(w, r, http.StatusUnprocessableEntity, p, form.Faults()...)
	}
	hash, err := rm.Pool.Hash(r.Context(), typed)
	if errors.Is(err, password.ErrBusy) {
		page.RetryAfter(w, rm.Site.Now(), rm.Site.Now().Add(busyFor))
		return rm.password(w, r, http.StatusServiceUnavailable, p, fault.Field("", "setup.busy"))
	}
	if err != nil {
		return err
	}
	p, err = rm.decide(r, verification.Setup, func(ctx context.Context, tx *store.Tx, p stage) error {
		if Next(p.Facts) != Password {
			return nil
		}
		return keepPassword(ctx, tx, v.Session, hash)
	})
	switch {
	case err != nil:
		return err
	case Next(p.Facts) != Password:
		return page.See(w, string(Next(p.Facts)))
	}
	return page.See(w, string(Next(p.With(Password))))
}
