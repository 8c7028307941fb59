package signin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/session"
	"nidan/internal/store"
)

type startView struct {
	page.View
	First bool // the first operator says who he is
	Email string
	Name  string
}

// errLink is told of a link that is unknown, used, replaced or too old, alike.
var errLink = fault.New(fault.NotFound, "signin.start_dead")

// byFirstLink is who made the first operator, in the record.
const byFirstLink = "first link"

// link finds whom a one-time link of an operator is for; errLink when it opens nothing.
func (s *Room) link(ctx context.Context, r store.Reader, token string) (account.Ref, error) {
	ref, p, err := pass.ByToken(ctx, r, token)
	if isNone(err) {
		return account.Ref{}, errLink
	}
	if err != nil {
		return account.Ref{}, err
	}
	if p.Kind != pass.Operator || !p.Valid(s.Gate.Clock.Now()) {
		return account.Ref{}, errLink
	}
	if ref != operator.First {
		return ref, nil
	}
	there, err := operator.Enrolled(ctx, r)
	if err == nil && there {
		err = errLink
	}
	return ref, err
}

// closedTo says whether a window that lists not this operator closes the portal now.
func (s *Room) closedTo(ref account.Ref) (closed bool, until time.Time) {
	plan := s.Gate.copy.Load() // the gate has just compared it with the store
	closed, until, lists := maintenance.Covering(plan.windows, s.Gate.Clock.Now())
	return closed && !lists(ref.ID), until
}

func (s *Room) showStart(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.link(r.Context(), s.db, r.PathValue("token"))
	if err != nil {
		return err
	}
	if closed, until := s.closedTo(ref); closed {
		return s.Gate.closed(w, r, s.Gate.Clock.Now(), until)
	}
	return s.showStarting(w, r, http.StatusOK, &startView{First: ref == operator.First}, nil)
}

func (s *Room) showStarting(w http.ResponseWriter, r *http.Request, status int, view *startView, faults []*fault.Fault) error {
	view.Faults, view.Stair = faults, 1
	return s.page.Show(w, r, status, "start", "signin.start_title", view)
}

// postStart sets the operator's password and goes on to TOTP. The link is not
// spent by this: whoever closes the browser half-way can use it again.
func (s *Room) postStart(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	ref, err := s.link(r.Context(), s.db, r.PathValue("token"))
	if err != nil {
		return err
	}
	if closed, until := s.closedTo(ref); closed {
		return s.Gate.closed(w, r, s.Gate.Clock.Now(), until)
	}
	view := &startView{First: ref == operator.First}
	who, err := s.starting(r, form, view, ref)
	if err != nil {
		return err
	}
	typed := password.Typed(form, password.Shortest, password.Person{Email: who.Email, Name: who.Name, Portal: s.site.Name})
	if !form.OK() {
		return s.showStarting(w, r, http.StatusUnprocessableEntity, view, form.Faults())
	}
	hash, err := s.Pool.Hash(r.Context(), typed)
	if errors.Is(err, password.ErrBusy) {
		now := s.Gate.Clock.Now()
		page.RetryAfter(w, now, now.Add(busyFor))
		return s.showStarting(w, r, http.StatusServiceUnavailable, view, []*fault.Fault{fault.Field("", "signin.busy")})
	}
	if err != nil {
		return err
	}
	token, err := s.startOperator(r, who, ref, hash)
	if errors.Is(err, store.ErrTaken) {
		form.Fault("email", "signin.start_taken")
		return s.showStarting(w, r, http.StatusUnprocessableEntity, view, form.Faults())
	}
	if err != nil {
		return err
	}
	session.Give(w, s.site, token)
	return page.See(w, "/setup")
}

// starting is who begins: the first operator as typed, a later one as on record.
func (s *Room) starting(r *http.Request, form *page.Form, view *startView, ref account.Ref) (operator.Operator, error) {
	if !view.First {
		return operator.Get(r.Context(), s.db, ref.ID)
	}
	view.Email = form.Need("email", "signin.email_missing")
	view.Name = form.Need("name", "signin.start_name_missing")
	if account.Key(view.Email) == "" && view.Email != "" {
		form.Fault("email", "signin.email_shape")
	}
	return operator.Operator{Email: view.Email, Name: view.Name, Language: page.Lang(r), Zone: s.site.House.String()}, nil
}

func (s *Room) startOperator(r *http.Request, who operator.Operator, ref account.Ref, hash string) (token string, err error) {
	err = s.db.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := s.link(ctx, tx, r.PathValue("token")); err != nil {
			return err
		}
		_, p, err := pass.ByToken(ctx, tx, r.PathValue("token"))
		if err != nil {
			return err
		}
		if ref == operator.First {
			if who, p, err = s.firstOperator(ctx, tx, who); err != nil {
				return err
			}
		}
		if err := password.Set(ctx, tx, who.Ref(), hash, password.Changed); err != nil {
			return err
		}
		network := limit.Network(s.Gate.Client(r))
		if token, _, err = session.Start(ctx, tx, who.Ref(), network, r.UserAgent(), p.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, audit.Entry{Chain: who.Ref().Organization, Act: "operator:password:set", Subject: who.ID,
			Actor: actor(who.Ref()), Network: network})
	})
	return token, err
}

// firstOperator writes the first operator, or finds the one whose set-up was left
// half-way, with a link of his own for this session.
func (s *Room) firstOperator(ctx context.Context, tx *store.Tx, who operator.Operator) (operator.Operator, pass.Pass, error) {
	there, err := operator.Find(ctx, tx, account.Key(who.Email))
	switch {
	case err == nil:
		who = there
	case isNone(err):
		if who, err = operator.Add(ctx, tx, who, byFirstLink); err != nil {
			return operator.Operator{}, pass.Pass{}, err
		}
	default:
		return operator.Operator{}, pass.Pass{}, err
	}
	// One is begun at a time: who used the link before, as somebody else, is out.
	if err := pass.WithdrawGiven(ctx, tx, organization.Operators, byFirstLink); err != nil {
		return operator.Operator{}, pass.Pass{}, err
	}
	_, p, err := pass.Give(ctx, tx, who.Ref(), pass.Operator, pass.Given{By: byFirstLink, Why: "first operator"})
	return who, p, err
}
