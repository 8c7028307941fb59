package password

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func (s *scene) asked(a account.Account) (token string) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		token, _, err = ask(ctx, tx, a.Ref)
		return err
	})
	return token
}

func (s *scene) found(token string) Link {
	s.t.Helper()
	l, _, err := byToken(s.t.Context(), s.DB, token)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// aside keeps a password aside for an account, by a link of its own.
func (s *scene) aside(a account.Account, hash string, e Effect) (token string) {
	s.t.Helper()
	token = s.asked(a)
	id := s.found(token).ID
	s.in(func(ctx context.Context, tx *store.Tx) error { return use(ctx, tx, s.Keys, a.Ref, id, hash, e) })
	return token
}

func (s *scene) waiting() Effect { return Effect{Aside: true, WaitsUntil: s.Clock.Now().Add(asideFor)} }

func (s *scene) counts(a account.Account) Kept {
	s.t.Helper()
	_, kept, _, err := Lookup(s.t.Context(), s.DB, s.Keys, a.EmailKey, s.Clock.Now(), [4]limit.Key{})
	if err != nil {
		s.t.Fatal(err)
	}
	return kept
}

func TestOfFiftyWhoUseOneLinkAtOnceOneWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		id := s.found(s.asked(a)).ID
		var won, lost atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				err := s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					return use(ctx, tx, s.Keys, a.Ref, id, "hash", Effect{})
				})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, store.ErrNone):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 49 {
			t.Errorf("%d won and %d lost", won.Load(), lost.Load())
		}
	})
}

func TestANewerLinkReplacesTheOlderOneAndNoPasswordThatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		s.aside(a, "waiting", s.waiting())
		first := s.asked(a)
		second := s.asked(a)
		if s.found(first).Open(s.Clock.Now()) || !s.found(second).Open(s.Clock.Now()) {
			t.Error("the newest link alone is open")
		}
		w.Clock.Set(storetest.Start.Add(asideFor))
		if got := s.counts(a).Hash; got != "waiting" {
			t.Errorf("asking for a link cancelled the password that waits: %q counts", got)
		}
	})
}

func TestALinkThatIsUsedReplacesThePasswordThatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		s.aside(a, "first", s.waiting())
		w.Clock.Set(storetest.Start.Add(time.Hour))
		s.aside(a, "second", s.waiting())
		w.Clock.Set(storetest.Start.Add(asideFor))
		if kept := s.counts(a); kept.ResetID != "" {
			t.Errorf("%q counts after the first one's day", kept.Hash)
		}
		w.Clock.Set(storetest.Start.Add(asideFor + time.Hour))
		if kept := s.counts(a); kept.Hash != "second" {
			t.Errorf("%q counts after the second one's day", kept.Hash)
		}
	})
}

func TestAPasswordSetByItsOwnerEndsLinksAndWhatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		s.aside(a, "waiting", s.waiting())
		link := s.asked(a)
		s.in(func(ctx context.Context, tx *store.Tx) error { return Set(ctx, tx, a.Ref, "own", Changed) })
		if s.found(link).Open(s.Clock.Now()) {
			t.Error("the link is still open")
		}
		w.Clock.Set(storetest.Start.Add(asideFor))
		if kept := s.counts(a); kept.Hash != "own" || kept.ResetID != "" {
			t.Errorf("%+v counts", kept)
		}
		if n := s.number(`select count(*) from password_reset where aside is not null`); n != 0 {
			t.Error("the sealed hash stays")
		}
	})
}

func TestAPasswordKeptAsideTakesEffectOnceAndEndsEverySession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		s.aside(a, "waiting", s.waiting())
		w.Clock.Set(storetest.Start.Add(asideFor))
		v, _ := s.visit(a)
		kept := s.counts(a)
		effect := func(ctx context.Context, tx *store.Tx) error { return TakeEffect(ctx, tx, s.Keys, a.Ref, kept, "") }
		s.in(effect)
		if s.signedIn(a, v.Session.ID) {
			t.Error("a session of the old password goes on")
		}
		if got := s.counts(a); got.Hash != "waiting" || got.ResetID != "" {
			t.Errorf("%+v counts", got)
		}
		if at := s.number(`select reset_at from password where holder_id = $1`, a.ID); at != store.Micros(s.Clock.Now()) {
			t.Error("a stop of the second verification would not end: no reset is noted")
		}
		if acts := s.acts(); !slices.Contains(acts, "account:password:reset") {
			t.Errorf("the record has %q", acts)
		}
		if err := s.DB.Write(t.Context(), effect); !errors.Is(err, ErrMeanwhile) {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestWhatWasRefusedBetweenLookupAndSignInDoesNotTakeEffect(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		token := s.aside(a, "waiting", s.waiting())
		stale := Kept{Hash: "waiting", ResetID: s.found(token).ID}
		s.in(func(ctx context.Context, tx *store.Tx) error { return Refuse(ctx, tx, a.Ref, a.ID) })
		err := s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return TakeEffect(ctx, tx, s.Keys, a.Ref, stale, "")
		})
		if !errors.Is(err, ErrMeanwhile) {
			t.Errorf("it took effect: %v", err)
		}
	})
}

func TestAPasswordIsRefusedOnlyWhileItWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		refuse := func() error {
			return s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Refuse(ctx, tx, a.Ref, a.ID) })
		}
		if err := refuse(); !errors.Is(err, store.ErrNone) {
			t.Errorf("nothing waits: %v", err)
		}
		s.aside(a, "waiting", s.waiting())
		link := s.asked(a)
		if err := refuse(); err != nil {
			t.Fatal(err)
		}
		if s.found(link).Open(s.Clock.Now()) {
			t.Error("the next link of whoever reads the mail is still open")
		}
		w.Clock.Set(storetest.Start.Add(asideFor))
		if kept := s.counts(a); kept.ResetID != "" {
			t.Error("what was refused counts")
		}
		s.aside(a, "again", s.waiting())
		w.Clock.Set(storetest.Start.Add(2 * asideFor))
		if err := refuse(); !errors.Is(err, store.ErrNone) {
			t.Errorf("it counts already: %v", err)
		}
	})
}

func TestWhoBecomesAPortalAdminWhileAPasswordWaitsNeedsAnApproval(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		s.aside(a, "waiting", s.waiting())
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update account set authority = 'portal_admin' where id = $1`, a.ID)
			return err
		})
		w.Clock.Set(storetest.Start.Add(asideFor))
		if kept := s.counts(a); kept.ResetID != "" {
			t.Error("time sufficed for a Portal Admin")
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update password_reset set approved_at = $1 where holder_id = $2`, store.Micros(tx.Now()), a.ID)
			return err
		})
		if kept := s.counts(a); kept.Hash != "waiting" {
			t.Error("approved, it does not count")
		}
	})
}

func TestTheHashKeptAsideIsSealedToItsRow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		s.aside(a, "a hash in plain", s.waiting())
		var sealed []byte
		if err := s.DB.QueryRow(t.Context(), `select aside from password_reset where aside is not null`).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if slices.Contains([]string{string(sealed)}, "a hash in plain") || len(sealed) < len("a hash in plain")+16 {
			t.Error("the hash stands there unsealed")
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update password_reset set id = 'another' where aside is not null`)
			return err
		})
		if _, _, _, err := Lookup(t.Context(), s.DB, s.Keys, a.EmailKey, s.Clock.Now(), [4]limit.Key{}); err == nil {
			t.Error("it opens in another row")
		}
	})
}

func TestAnotherAddressEndsLinksAndWhatWaitsButNoPasswordThatCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, b := s.add("taro@example.com", "Taro Abe", person{}), s.add("jiro@example.com", "Jiro Abe", person{})
		end := func() {
			s.in(func(ctx context.Context, tx *store.Tx) error { return EndResets(ctx, tx, a.Ref) })
		}
		theirs := s.asked(b)
		s.aside(a, "waiting", s.waiting())
		link := s.asked(a)
		end()
		w.Clock.Set(storetest.Start.Add(asideFor))
		if s.found(link).Open(storetest.Start) || s.counts(a).ResetID != "" {
			t.Error("a link still opens, or what waited counts")
		}
		if !s.found(theirs).Open(storetest.Start) {
			t.Error("somebody else's link is dead")
		}
		s.aside(a, "counts", s.waiting())
		w.Clock.Set(storetest.Start.Add(2 * asideFor))
		link = s.asked(a)
		end()
		if kept := s.counts(a); kept.Hash != "counts" || s.found(link).Open(w.Clock.Now()) {
			t.Errorf("the password that counts is gone, or the link opens: %+v", kept)
		}
	})
}
