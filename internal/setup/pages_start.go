package setup

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// The second form of a starting guide carries the first one's answers again, and
// they are held against the record again: between the two pages nothing is kept,
// neither here nor in a cookie. A session begins when both were right.
const stepPassword = "password"

type startView struct {
	page.View
	identity
	Least  int
	Denied bool // says what to do next
	Other  bool // this browser is signed in already
}

// showStart is the same page for every link: it looks nothing up and spends
// nothing, whoever opens it and how often.
func (rm *Room) showStart(w http.ResponseWriter, r *http.Request) error {
	return rm.start(w, r, http.StatusOK, &startView{}, nil)
}

func (rm *Room) start(w http.ResponseWriter, r *http.Request, status int, view *startView, faults []*fault.Fault) error {
	view.Faults, view.Stair, view.Other = faults, 1, session.Of(r.Context()).Session.ID != ""
	return rm.pages.Show(w, r, status, "start", "setup.start_title", view)
}

func (rm *Room) startPassword(w http.ResponseWriter, r *http.Request, status int, view *startView, faults []*fault.Fault) error {
	view.Faults, view.Stair, view.Least = faults, 1, password.Shortest
	return rm.pages.Show(w, r, status, "start-password", "setup.start_password_title", view)
}

// postStart takes both forms of the page: who somebody is, and then the password.
func (rm *Room) postStart(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &startView{identity: identity{
		Email: form.Need("email", "setup.start_email_missing"),
		Name:  form.Need("name", "setup.start_name_missing"),
		Phone: form.Need("phone", "setup.start_phone_missing"),
	}}
	if view.Email != "" && account.Key(view.Email) == "" {
		form.Fault("email", "setup.start_email_shape")
	}
	if !form.OK() {
		return rm.start(w, r, http.StatusUnprocessableEntity, view, form.Faults())
	}
	second := form.Text("step") == stepPassword || form.Has("password") || form.Has("password_again")
	who, again, err := rm.identify(r, view.identity, second)
	switch {
	case err != nil:
		return err
	case !again.IsZero():
		page.RetryAfter(w, rm.Site.Now(), again)
		often := fault.Field("", "setup.start_often", "until", rm.Site.Speak(r).Zones.Clock(again))
		return rm.start(w, r, http.StatusTooManyRequests, view, []*fault.Fault{often})
	case who == nil:
		return rm.denied(w, r, view)
	case !second:
		return rm.startPassword(w, r, http.StatusOK, view, nil)
	}
	return rm.begin(w, r, form, view, *who)
}

// denied answers an identity that differs and a link that does not work (any
// more), whichever it was, alike.
func (rm *Room) denied(w http.ResponseWriter, r *http.Request, view *startView) error {
	view.Denied = true
	return rm.start(w, r, http.StatusUnprocessableEntity, view, []*fault.Fault{fault.Field("", "setup.start_denied")})
}

// identify holds what was typed against the record, in a transaction of its own:
// the try is counted, and committed, before it is answered. Whoever is right gets
// the try back. who is nil when the link does not lead on for him.
func (rm *Room) identify(r *http.Request, typed identity, second bool) (who *starter, again time.Time, err error) {
	token, from := r.PathValue("token"), session.Of(r.Context()).From
	link, network := rm.tries("link", token, perLink), rm.tries("network", from, perNetwork)
	err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		who = nil
		for _, key := range []limit.Key{link, network} {
			if again, err = limit.Try(ctx, tx, key); err != nil || !again.IsZero() {
				return err
			}
		}
		s, err := byGuide(ctx, tx, token)
		if err != nil {
			return err
		}
		if !s.opens(tx.Now(), typed) {
			return audit.Record(ctx, tx, rm.Keys, s.entry("account:guide:denied", from))
		}
		who = &s
		if err := limit.Refund(ctx, tx, link, network); err != nil {
			return err
		}
		if second {
			again, err = limit.Try(ctx, tx, rm.tries("password", s.Pass.ID, perPassword))
			return err
		}
		return audit.Record(ctx, tx, rm.Keys, s.entry("account:guide:identified", from))
	})
	return who, again, err
}

// begin takes the password, and begins the session that goes on to the second
// verification. The account does not get the password before that is proved: it is
// kept in the set-up's row, so that a set-up left half-way has changed nothing.
func (rm *Room) begin(w http.ResponseWriter, r *http.Request, form *page.Form, view *startView, who starter) error {
	typed := password.Typed(form, password.Shortest, password.Person{Email: who.Email, Name: who.Name,
		Organization: who.OrganizationName, Phone: who.Phone, Portal: rm.Site.Name})
	if !form.OK() {
		return rm.startPassword(w, r, http.StatusUnprocessableEntity, view, form.Faults())
	}
	hash, err := rm.Pool.Hash(r.Context(), typed)
	if errors.Is(err, password.ErrBusy) {
		page.RetryAfter(w, rm.Site.Now(), rm.Site.Now().Add(busyFor))
		return rm.startPassword(w, r, http.StatusServiceUnavailable, view, []*fault.Fault{fault.Field("", "setup.busy")})
	}
	if err != nil {
		return err
	}
	var token string
	err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		token, err = rm.enter(ctx, tx, r, view.identity, hash)
		return err
	})
	switch {
	case err != nil:
		return err
	case token == "":
		return rm.denied(w, r, view)
	}
	session.Give(w, rm.Site, token)
	return page.See(w, string(Address))
}

// enter asks everything again, since a hash takes its time, and begins the
// session. The token is empty when the guide leads nowhere any more.
func (rm *Room) enter(ctx context.Context, tx *store.Tx, r *http.Request, typed identity, hash string) (token string, err error) {
	v := session.Of(r.Context())
	s, err := byGuide(ctx, tx, r.PathValue("token"))
	if err != nil {
		return "", err
	}
	if !s.opens(tx.Now(), typed) {
		return "", audit.Record(ctx, tx, rm.Keys, s.entry("account:guide:denied", v.From))
	}
	if v.Session.ID != "" { // one browser, one session
		err := session.End(ctx, tx, v.Session.Ref, v.Session.ID, "began by a starting guide")
		if err != nil && !errors.Is(err, store.ErrNone) {
			return "", err
		}
	}
	token, begun, err := session.Start(ctx, tx, s.Ref, v.From, r.UserAgent(), s.Pass.ID)
	if err != nil {
		return "", err
	}
	if err := begin(ctx, tx, begun, verification.Setup); err != nil {
		return "", err
	}
	if err := keepPassword(ctx, tx, begun, hash); err != nil {
		return "", err
	}
	return token, audit.Record(ctx, tx, rm.Keys, s.entry("account:guide:begun", v.From))
}

// entry is a record about a guide: in the chain of its holder's organization, or
// of the portal where there is none. Whoever was identified is the account.
func (s starter) entry(act, from string) audit.Entry {
	e := audit.Entry{Chain: s.Organization, Act: act, Actor: audit.Actor{Kind: audit.KindAccount, ID: s.Account.ID},
		Subject: s.Account.ID, Network: from, Detail: map[string]string{"pass": s.Pass.ID}}
	if act == "account:guide:denied" {
		e.Actor = audit.Actor{Kind: audit.KindStranger, ID: "-"}
	}
	if s.Account.ID == "" {
		e.Chain, e.Subject, e.Detail = audit.Operators, "-", nil
	}
	return e
}

// tries names a counter by a keyed digest: neither a link nor a network stands in it.
func (rm *Room) tries(what, of string, rate limit.Rate) limit.Key {
	digest := rm.Keys.Digest(secret.ForAddress, "starting guide", what, of)
	return limit.Key{Name: "start:" + hex.EncodeToString(digest[:16]), Rate: rate}
}
