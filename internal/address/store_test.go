package address

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// issued is a change with its link, written at the store.
func (s *scene) issued(a account.Account) (token string, c Change) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if c, err = insert(ctx, tx, Change{Ref: a.Ref, Email: newBox, EmailKey: newBox, AskedBy: a.ID}); err != nil {
			return err
		}
		token, c, err = send(ctx, tx, c)
		return err
	})
	return token, c
}

// used asks the one function that consumes a link, and nothing before it.
func (s *scene) used(c Change, token string) error {
	return s.DB.Write(s.t.Context(), func(ctx context.Context, tx *store.Tx) error { return use(ctx, tx, c, token) })
}

func TestOfFiftyWhoConsumeOneLinkAtTheStoreOneWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		token, c := s.issued(s.user("Hanako"))
		var won atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				switch err := s.used(c, token); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrNone):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d won", won.Load())
		}
	})
}

func TestALinkThatIsOverIsNotConsumed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako, yui := s.user("Hanako"), s.user("Yui")
		token, c := s.issued(hanako)
		foreign := c
		foreign.Organization, foreign.Ref.ID = s.other, yui.ID
		for name, err := range map[string]error{"another token": s.used(c, token+"x"), "no token": s.used(c, ""), "another account": s.used(foreign, token)} {
			if !errors.Is(err, store.ErrNone) {
				t.Errorf("%s: %v", name, err)
			}
		}
		newer, again := s.issued(hanako)
		if err := s.used(c, token); !errors.Is(err, store.ErrNone) {
			t.Errorf("replaced: %v", err)
		}
		var sent string
		s.in(func(ctx context.Context, tx *store.Tx) (err error) {
			sent, again, err = send(ctx, tx, again)
			return err
		})
		if err := s.used(again, newer); !errors.Is(err, store.ErrNone) {
			t.Errorf("sent anew: %v", err)
		}
		s.in(func(ctx context.Context, tx *store.Tx) error { return withdraw(ctx, tx, again, "test") })
		if err := s.used(again, sent); !errors.Is(err, store.ErrNone) {
			t.Errorf("withdrawn: %v", err)
		}
		for age, want := range map[time.Duration]error{LinkFor - time.Microsecond: nil, LinkFor: store.ErrNone} {
			token, c = s.issued(hanako)
			s.later(age)
			if err := s.used(c, token); !errors.Is(err, want) {
				t.Errorf("%s old: %v", age, err)
			}
		}
	})
}
