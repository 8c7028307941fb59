package password

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type resetView struct {
	page.View
	Least  int
	Effect Effect
}

// showReset shows the form. It spends nothing: programs that look into mails open
// every link.
func (m *Room) showReset(w http.ResponseWriter, r *http.Request) error {
	_, owner, err := m.open(r.Context(), m.DB, r.PathValue("token"), m.Site.Now())
	if errors.Is(err, store.ErrNone) {
		return m.dead(w, r)
	}
	if err != nil {
		return err
	}
	return m.reset(w, r, http.StatusOK, owner, nil)
}

func (m *Room) reset(w http.ResponseWriter, r *http.Request, status int, owner Owner, faults []*fault.Fault) error {
	view := &resetView{Least: owner.Least(), Effect: owner.Effect(m.Site.Now())}
	view.Faults = faults
	return m.page.Show(w, r, status, "reset", "password.reset_title", view)
}

// open finds a link that may be used now; store.ErrNone for an unknown, used,
// replaced or expired one alike, and for one whose owner was suspended since.
func (m *Room) open(ctx context.Context, r store.Reader, token string, now time.Time) (Link, Owner, error) {
	link, owner, err := byToken(ctx, r, token)
	if err != nil {
		return Link{}, Owner{}, err
	}
	if !link.Open(now) || !owner.Resettable() {
		return Link{}, Owner{}, store.ErrNone
	}
	return link, owner, nil
}

// dead answers a link that does not work (any more), without saying which kind it is.
func (m *Room) dead(w http.ResponseWriter, r *http.Request) error {
	return m.page.Show(w, r, http.StatusNotFound, "dead", "password.dead_title", &struct{ page.View }{})
}

func (m *Room) postReset(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	_, owner, err := m.open(r.Context(), m.DB, token, m.Site.Now())
	if errors.Is(err, store.ErrNone) {
		return m.dead(w, r) // before a hash: nobody makes us hash without a link
	}
	if err != nil {
		return err
	}
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	typed := Typed(form, owner.Least(), owner.Person(m.Site.Name))
	if !form.OK() {
		return m.reset(w, r, http.StatusUnprocessableEntity, owner, form.Faults())
	}
	hash, busy, err := m.hash(w, r, typed)
	if busy {
		return m.reset(w, r, http.StatusServiceUnavailable, owner, []*fault.Fault{fault.Field("", "password.busy")})
	}
	if err != nil {
		return err
	}
	from := session.Of(r.Context()).From
	err = m.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		return m.renew(ctx, tx, token, hash, owner.Least(), from)
	})
	if errors.Is(err, store.ErrNone) {
		return m.dead(w, r)
	}
	if err != nil {
		return err
	}
	m.Wake()
	return page.See(w, "/password/reset/"+token+"/done")
}

// renew spends the link and does what it is for. What the page was shown with is
// read again: the method may have been changed meanwhile, and the effect follows
// from how things are now.
func (m *Room) renew(ctx context.Context, tx *store.Tx, token, hash string, least int, from string) error {
	link, owner, err := m.open(ctx, tx, token, tx.Now())
	if err != nil {
		return err
	}
	if owner.Least() > least {
		return fault.New(fault.Refused, "password.meanwhile")
	}
	effect := owner.Effect(tx.Now())
	entry := audit.Entry{Chain: owner.Organization, Act: "account:password:reset", Subject: owner.ID,
		Actor: audit.Actor{Kind: audit.KindAccount, ID: owner.ID}, Network: from}
	if effect.Aside {
		entry.Act = "account:password:set-aside"
		err = m.setAside(ctx, tx, owner, link.ID, hash, effect, from)
	} else {
		err = m.setNow(ctx, tx, owner, link.ID, hash, from)
	}
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, m.Keys, entry)
}

func (m *Room) setNow(ctx context.Context, tx *store.Tx, owner Owner, id, hash, from string) error {
	if err := use(ctx, tx, m.Keys, owner.Ref, id, hash, Effect{}); err != nil {
		return err
	}
	if err := Set(ctx, tx, owner.Ref, hash, Reset); err != nil {
		return err
	}
	if _, err := session.EndAll(ctx, tx, owner.Ref, "", "password reset"); err != nil {
		return err
	}
	return m.resetLetter(ctx, tx, owner.Account, from)
}

func (m *Room) setAside(ctx context.Context, tx *store.Tx, owner Owner, id, hash string, effect Effect, from string) error {
	// One kept aside earlier may count by now without anybody having signed in with
	// it. Then it is the old password, and the one before it is dead.
	_, kept, _, err := Lookup(ctx, tx, m.Keys, owner.EmailKey, tx.Now(), [4]limit.Key{})
	if err != nil {
		return err
	}
	if err := use(ctx, tx, m.Keys, owner.Ref, id, hash, effect); err != nil {
		return err
	}
	if kept.ResetID != "" {
		if err := put(ctx, tx, owner.Ref, kept.Hash, Reset); err != nil {
			return err
		}
		if _, err := session.EndAll(ctx, tx, owner.Ref, "", "password reset"); err != nil {
			return err
		}
	}
	admins, err := account.Admins(ctx, tx, owner.Organization)
	if err != nil {
		return err
	}
	return m.asideLetters(ctx, tx, owner, admins, effect, from)
}

type doneView struct {
	page.View
	Outcome Outcome
	Aside   Aside
}

// showDone says what the link led to and from when on the password counts. It
// stands under the link's own address, so that a reload or the other language says
// the same, and no longer than the link would have lived.
func (m *Room) showDone(w http.ResponseWriter, r *http.Request) error {
	link, _, err := byToken(r.Context(), m.DB, r.PathValue("token"))
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	outcome := link.Outcome(m.Site.Now())
	if outcome == "" {
		return m.dead(w, r)
	}
	return m.page.Show(w, r, http.StatusOK, "done", "password.done_"+string(outcome)+"_title",
		&doneView{Outcome: outcome, Aside: link.Aside})
}
