package people

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/address"
	"nidan/internal/audit"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/notice"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// deed is something done to a person on a page of its own, which names the person
// and the consequence, and has nothing to fill in.
type deed struct {
	name   string // of the page, and in its phrases
	act    act.Act
	loses  bool // the person can no longer act for the organization
	danger bool
	means  int // how many sentences say what it means
	do     func(rm *Room, ctx context.Context, tx *store.Tx, v *session.Visit, p Person, before prepared) error
}

// prepared is what a deed reads before its transaction, since it is much.
type prepared struct {
	slowing []string // names of the counters of wrong passwords for the address
}

// The deeds.
var (
	suspending = deed{name: "suspend", means: 2, act: act.Suspend, loses: true, danger: true, do: (*Room).suspend}
	lifting    = deed{name: "return", means: 2, act: act.Return, do: (*Room).lift}
	deleting   = deed{name: "delete", means: 4, act: act.Delete, loses: true, danger: true, do: (*Room).remove}
	guiding    = deed{name: "guide", means: 2, act: act.GiveGuide, do: (*Room).guide}
	unlocking  = deed{name: "unlock", means: 2, act: act.Unlock, do: (*Room).unlock}
)

type deedView struct {
	page.View
	Person
	Deed         string
	Danger       bool
	Consequences []string
}

// consequences are what a deed means for a person, each a sentence.
func consequences(say page.Speaker, d deed, p Person) (list []string) {
	var keys []string
	for i := range d.means {
		keys = append(keys, "people."+d.name+"_"+strconv.Itoa(i+1))
	}
	if d.loses && p.Authority == account.PortalAdmin {
		keys = append(keys, "people.gave")
	}
	for _, key := range append(keys, "people."+d.name+"_told") {
		list = append(list, say.T(key, "name", p.Name, "email", p.Email))
	}
	return list
}

func (rm *Room) showDeed(d deed) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := rm.about(r, d.act, d.loses)
		if err != nil {
			return err
		}
		view := &deedView{Person: p, Deed: d.name, Danger: d.danger, Consequences: consequences(rm.Site.Speak(r), d, p)}
		return rm.page.Show(w, r, http.StatusOK, "deed", "people."+d.name+"_title", view)
	}
}

func (rm *Room) postDeed(d deed) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("id")
		before, err := rm.prepare(r.Context(), d, id)
		if err != nil {
			return err
		}
		v := session.Of(r.Context())
		err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := v.Still(ctx, tx); err != nil {
				return err
			}
			now, err := rm.of(ctx, tx, id)
			if err != nil {
				return err
			}
			if err := may(ctx, tx, tx.Now(), d.act, now, d.loses); err != nil {
				return err
			}
			return d.do(rm, ctx, tx, v, now, before)
		})
		if errors.Is(err, store.ErrNone) { // done already: the form was sent twice
			return page.See(w, "/accounts/"+id)
		}
		if err != nil {
			return err
		}
		rm.Wake()
		if d.act == act.Delete {
			return page.See(w, "/accounts?done=delete")
		}
		return page.See(w, "/accounts/"+id+"?done="+d.name)
	}
}

func (rm *Room) prepare(ctx context.Context, d deed, id string) (b prepared, err error) {
	if d.act != act.Unlock {
		return b, nil
	}
	p, err := rm.of(ctx, rm.DB, id)
	if err != nil {
		return b, err
	}
	own, byNetwork := signin.Slowing(rm.Keys, p.EmailKey)
	b.slowing, err = limit.Under(ctx, rm.DB, byNetwork, 1000)
	b.slowing = append(b.slowing, own)
	return b, err
}

// suspend closes an account: its sessions end, and what its owner gave to others.
func (rm *Room) suspend(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, _ prepared) error {
	if err := account.Suspend(ctx, tx, p.Ref, v.Ref.ID); err != nil {
		return err
	}
	if err := rm.shut(ctx, tx, v, p, "suspended"); err != nil {
		return err
	}
	return rm.tell(ctx, tx, v, p, "account:person:suspended", "suspend", nil)
}

// shut ends the sessions of somebody who no longer acts for the organization, and
// the passes that he gave, whose holders are told.
func (rm *Room) shut(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, why string) error {
	if _, err := session.EndAll(ctx, tx, p.Ref, "", why); err != nil {
		return err
	}
	if p.Authority != account.PortalAdmin {
		return nil
	}
	return rm.Passes.WithdrawGiven(ctx, tx, v, p.Account, why)
}

func (rm *Room) lift(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, _ prepared) error {
	if err := account.Return(ctx, tx, p.Ref); err != nil {
		return err
	}
	return rm.tell(ctx, tx, v, p, "account:person:returned", "return", nil)
}

// remove deletes an account with all that rooms keep of it. The end of its grace, the
// record and what its sessions proved stay.
func (rm *Room) remove(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, _ prepared) error {
	if err := rollout.FinishGrace(ctx, tx, rm.Keys, p.Account, "deleted", v.Ref.ID); err != nil {
		return err
	}
	if err := rm.shut(ctx, tx, v, p, "deleted"); err != nil {
		return err
	}
	for _, remove := range append([]func(context.Context, *store.Tx, account.Ref) error{
		totp.Remove, mailotp.RemoveAll, password.Remove, pass.Remove, verification.Remove, rollout.RemoveExtensions, address.Remove, notice.Remove,
	}, rm.Removed...) {
		if err := remove(ctx, tx, p.Ref); err != nil {
			return err
		}
	}
	if err := account.Delete(ctx, tx, p.Account); err != nil {
		return err
	}
	return rm.tell(ctx, tx, v, p, "account:person:deleted", "delete", map[string]string{"name": p.Name, "email": p.Email})
}

// guide gives a new starting guide; its record and letter are the desk's.
func (rm *Room) guide(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, _ prepared) error {
	_, err := rm.Passes.Guide(ctx, tx, v, p.Account)
	return err
}

// unlock ends waits after wrong codes and wrong passwords, never a stop.
func (rm *Room) unlock(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, before prepared) error {
	if err := verification.Unlock(ctx, tx, p.Ref); err != nil {
		return err
	}
	if err := limit.Clear(ctx, tx, before.slowing...); err != nil {
		return err
	}
	return rm.tell(ctx, tx, v, p, "account:person:unlocked", "unlock", nil)
}

// tell is the end of a deed: one record, and one letter to the owner.
func (rm *Room) tell(ctx context.Context, tx *store.Tx, v *session.Visit, p Person, what, letter string, detail map[string]string, more ...string) error {
	err := audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: p.Organization, Act: what, Actor: v.Actor(), Subject: p.ID, Network: v.From, Detail: detail})
	if err != nil {
		return err
	}
	say := rm.Site.Speaker(p.Language, p.Location())
	args := []any{"name", p.Name, "portal", rm.Site.Name, "when", say.Moment(tx.Now()), "who", v.Person.Name}
	parts := []string{say.T("people."+letter+"_letter", args...)}
	for _, key := range more {
		parts = append(parts, say.T(key, args...))
	}
	parts = append(parts, say.T("people.letter_surprise", args...))
	return mail.Queue(ctx, tx, rm.Keys, mail.Letter{Organization: p.Organization, Holder: p.ID, Lane: mail.Notice, Kind: "person-" + letter,
		To: p.Email, Language: p.Language, Subject: say.T("people."+letter+"_subject", args...), Text: strings.Join(parts, "\n\n")})
}
