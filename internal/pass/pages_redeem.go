package pass

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// tryRate slows the codes typed for one account, whether or not it has a pass: the
// answers stay alike, and nobody fills the record.
var tryRate = limit.Rate{Burst: 2 * Tries, Every: 6 * time.Minute}

// trying is what counts the typed codes of a holder.
func trying(ref account.Ref) limit.Key {
	return limit.Key{Name: "pass " + ref.Organization + " " + ref.ID, Rate: tryRate}
}

// errDead is told of a link that is unknown, spent, replaced, too old or another
// account's, alike.
var errDead = fault.New(fault.NotFound, "pass.dead")

type typedView struct{ page.View }

func (rm *Room) showTyped(w http.ResponseWriter, r *http.Request) error {
	return rm.typed(w, r, http.StatusOK, nil)
}

func (rm *Room) typed(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault) error {
	view := &typedView{}
	view.Faults, view.Stair = faults, 2
	return rm.page.Show(w, r, status, "typed", "pass.title", view)
}

// postTyped redeems the pass whose code was handed over in person.
func (rm *Room) postTyped(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	raw := form.Need("code", "pass.missing")
	code, ok := Typed(raw)
	if raw != "" && !ok {
		form.Fault("code", "pass.shape", "n", Characters)
	}
	if !form.OK() {
		return rm.typed(w, r, http.StatusUnprocessableEntity, form.Faults())
	}
	token, again, err := rm.try(r.Context(), code)
	switch {
	case err != nil:
		return err
	case !again.IsZero():
		page.RetryAfter(w, rm.Site.Now(), again)
		return rm.typed(w, r, http.StatusTooManyRequests,
			[]*fault.Fault{fault.Field("code", "pass.later", "until", rm.Site.Speak(r).Zones.Clock(again))})
	case token == "":
		rm.Wake()
		return rm.typed(w, r, http.StatusUnprocessableEntity, []*fault.Fault{fault.Field("code", "pass.wrong")})
	}
	return rm.on(w, token)
}

// try holds a typed code against the pass of this very account, in a transaction
// of its own: a wrong one is counted, and committed, before it is answered. The
// token is empty when it was wrong.
func (rm *Room) try(ctx context.Context, code string) (token string, again time.Time, err error) {
	v := session.Of(ctx)
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		token = ""
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if again, err = limit.Try(ctx, tx, trying(v.Ref)); err != nil || !again.IsZero() {
			return err
		}
		has, err := current(ctx, tx, v.Ref)
		if err != nil && !errors.Is(err, store.ErrNone) {
			return err
		}
		// Compared in every case, so that time does not tell who has a pass.
		right := isCode(rm.Keys, has.digest, v.Ref, has.ID, code)
		if right && has.Valid(tx.Now()) && has.tries < Tries {
			token, err = rm.redeem(ctx, tx, v, has.Pass, "typed")
			return err
		}
		return rm.missed(ctx, tx, v, has)
	})
	return token, again, err
}

// missed counts a wrong code, and tells the owner of the last that counted:
// whoever types them has the right password.
func (rm *Room) missed(ctx context.Context, tx *store.Tx, v *session.Visit, has handed) error {
	if err := audit.Record(ctx, tx, rm.Keys, v.Entry("account:pass:refused", nil)); err != nil {
		return err
	}
	if has.digest == nil {
		return nil
	}
	n, err := miss(ctx, tx, v.Ref, has.ID)
	if errors.Is(err, store.ErrNone) || err == nil && n < Tries {
		return nil
	}
	if err != nil {
		return err
	}
	say := rm.Site.Speaker(v.Person.Language, v.Person.Location())
	return mail.Queue(ctx, tx, rm.Keys, mail.Letter{
		Organization: v.Ref.Organization, Holder: v.Ref.ID, Lane: mail.Notice, Kind: "pass-tries",
		To: v.Person.Email, Language: v.Person.Language, Subject: say.T("pass.tries_subject", "portal", rm.Site.Name),
		Text: say.T("pass.tries_text", "name", v.Person.Name, "portal", rm.Site.Name, "when", say.Moment(tx.Now()), "where", v.From),
	})
}

// redeem binds a valid pass to the session whose password was proved: the one end
// of both ways, the link and the code. It spends nothing: proving a second
// verification does.
func (rm *Room) redeem(ctx context.Context, tx *store.Tx, v *session.Visit, p Pass, way string) (string, error) {
	if p.Kind != Latecomer || !p.Valid(tx.Now()) {
		return "", errDead
	}
	token, err := session.Redeem(ctx, tx, v.Session, p.ID)
	if err != nil {
		return "", err
	}
	return token, audit.Record(ctx, tx, rm.Keys, v.Entry("account:pass:redeemed", map[string]string{"pass": p.ID, "way": way}))
}

// on gives the session's new value and lets the gate name what comes next.
func (rm *Room) on(w http.ResponseWriter, token string) error {
	session.Give(w, rm.Site, token)
	return page.See(w, "/")
}

type linkView struct {
	page.View
	Known   bool // a password was proved in this session
	TwoStep bool // and a code: there is nothing to set up
}

// showLink says what the link is. It is the same page for every token: whether
// there is such a pass is looked up when it is redeemed.
func (rm *Room) showLink(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	view := &linkView{Known: v.Session.ID != "", TwoStep: v.TwoStep}
	if view.Stair = 1; view.Known {
		view.Stair = 2
	}
	if view.TwoStep {
		view.Stair = 0
	}
	return rm.page.Show(w, r, http.StatusOK, "link", "pass.title", view)
}

// postLink redeems the pass of a mailed link, for the account it was given to.
func (rm *Room) postLink(w http.ResponseWriter, r *http.Request) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	v := session.Of(r.Context())
	var token string
	err := rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		ref, p, err := ByToken(ctx, tx, r.PathValue("token"))
		switch {
		case errors.Is(err, store.ErrNone), err == nil && ref != v.Ref:
			return errDead
		case err != nil:
			return err
		}
		token, err = rm.redeem(ctx, tx, v, p, "link")
		return err
	})
	if err != nil {
		return err
	}
	return rm.on(w, token)
}
