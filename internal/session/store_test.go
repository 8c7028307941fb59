package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var (
	suzuki = account.Ref{Organization: "yamada", ID: "suzuki"}
	tanaka = account.Ref{Organization: "yamada", ID: "tanaka"}
	abroad = account.Ref{Organization: "aoba", ID: "suzuki"} // the same id in another organization
)

func write(t *testing.T, w storetest.World, do func(ctx context.Context, tx *store.Tx) error) error {
	t.Helper()
	return w.DB.Write(t.Context(), do)
}

func start(t *testing.T, w storetest.World, ref account.Ref, passID string) (token string, s Session) {
	t.Helper()
	err := write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
		token, s, err = Start(ctx, tx, ref, "192.0.2.1", "Firefox", passID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

// kept is what the database has of a cookie's value; false when that value is dead.
type kept struct {
	id, method, pass, why string
	code, fresh, password store.Instant
	seen, ended           store.Instant
	wrong                 int
}

func by(t *testing.T, w storetest.World, token string) (k kept, alive bool) {
	t.Helper()
	err := w.DB.QueryRow(t.Context(), `select id, coalesce(code_method, ''), coalesce(pass_id, ''), coalesce(ended_why, ''),
			code_at, fresh_code_at, fresh_password_at, seen_at, ended_at, wrong_codes
		from session where digest = $1`, secret.Digest(token)).
		Scan(&k.id, &k.method, &k.pass, &k.why, &k.code, &k.fresh, &k.password, &k.seen, &k.ended, &k.wrong)
	if errors.Is(err, store.ErrNone) {
		return kept{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return k, k.ended.IsZero()
}

func TestASessionStartsWithItsPasswordAloneAndNoTokenIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, s := start(t, w, suzuki, "")
		k, alive := by(t, w, token)
		if !alive || k.id != s.ID || !k.code.IsZero() || !k.fresh.IsZero() || k.method != "" || k.pass != "" || k.password.Time != storetest.Start {
			t.Errorf("%+v", k)
		}
		if !s.Live(w.Clock.Now()) || !s.PasswordFresh(w.Clock.Now()) || s.CodeFresh(w.Clock.Now()) || len(token) != 43 {
			t.Errorf("%+v, token of %d", s, len(token))
		}
		var digest []byte
		if err := w.DB.QueryRow(t.Context(), `select digest from session`).Scan(&digest); err != nil || bytes.Contains(digest, []byte(token)) {
			t.Errorf("the database holds %q, %v", digest, err)
		}
		if other, _ := start(t, w, suzuki, ""); other == token {
			t.Error("two sessions have one value")
		}
	})
}

// Whoever planted the value of a pending sign-in must not hold the finished one.
func TestEachRiseOfWhatIsProvedKillsTheOldValue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		for _, c := range []struct {
			name string
			rise func(ctx context.Context, tx *store.Tx, s Session) (string, error)
			want func(k kept) bool
		}{
			{"code proved", func(ctx context.Context, tx *store.Tx, s Session) (string, error) {
				return Rise(ctx, tx, s, account.MailOTP)
			},
				func(k kept) bool {
					return k.code.Time == w.Clock.Now() && k.fresh.Time == w.Clock.Now() && k.method == "mailotp" && k.pass == "" && k.wrong == 0
				}},
			{"password proved again", ConfirmPassword,
				func(k kept) bool { return k.password.Time == w.Clock.Now() && k.code.IsZero() && k.fresh.IsZero() }},
			{"pass redeemed", func(ctx context.Context, tx *store.Tx, s Session) (string, error) {
				return Redeem(ctx, tx, s, "another pass")
			},
				func(k kept) bool { return k.pass == "another pass" && k.code.IsZero() }},
			{"renewed", Renew, func(k kept) bool { return k.pass == "a pass" && k.code.IsZero() && k.wrong == 1 }},
		} {
			old, s := start(t, w, suzuki, "a pass")
			if err := write(t, w, func(ctx context.Context, tx *store.Tx) error { _, err := Wrong(ctx, tx, suzuki, s.ID); return err }); err != nil {
				t.Fatal(err)
			}
			w.Clock.Set(w.Clock.Now().Add(time.Minute))
			var token string
			err := write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
				token, err = c.rise(ctx, tx, s)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, alive := by(t, w, old); alive || old == token {
				t.Errorf("%s: the old value lives", c.name)
			}
			if k, alive := by(t, w, token); !alive || k.id != s.ID || k.seen.Time != w.Clock.Now() || !c.want(k) {
				t.Errorf("%s: %+v", c.name, k)
			}
			stranger := s
			stranger.Ref = abroad
			if err := write(t, w, func(ctx context.Context, tx *store.Tx) error { _, err := c.rise(ctx, tx, stranger); return err }); !errors.Is(err, store.ErrNone) {
				t.Errorf("%s, from another organization: %v", c.name, err)
			}
			if err := write(t, w, func(ctx context.Context, tx *store.Tx) error { return End(ctx, tx, suzuki, s.ID, "signed out") }); err != nil {
				t.Fatal(err)
			}
			if err := write(t, w, func(ctx context.Context, tx *store.Tx) error { _, err := c.rise(ctx, tx, s); return err }); !errors.Is(err, store.ErrNone) {
				t.Errorf("%s, after its end: %v", c.name, err)
			}
		}
	})
}

func TestASecondCodeIsFreshButTheFirstSaysSinceWhen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		_, s := start(t, w, suzuki, "")
		var token string
		rise := func(method account.Method) {
			err := write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
				token, err = Rise(ctx, tx, s, method)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		rise(account.MailOTP)
		w.Clock.Set(storetest.Start.Add(20 * time.Minute))
		rise(account.TOTP)
		k, _ := by(t, w, token)
		if k.code.Time != storetest.Start || k.fresh.Time != w.Clock.Now() || k.method != "totp" {
			t.Errorf("%+v", k)
		}
	})
}

func TestTheFifthWrongCodeEndsASession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, s := start(t, w, suzuki, "")
		for want := 1; want <= WrongCodes; want++ {
			var n int
			err := write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = Wrong(ctx, tx, suzuki, s.ID)
				return err
			})
			if err != nil || n != want {
				t.Fatalf("the %d. is counted as %d, %v", want, n, err)
			}
			if _, alive := by(t, w, token); alive != (want < WrongCodes) {
				t.Errorf("after %d it lives: %t", want, alive)
			}
		}
		if k, _ := by(t, w, token); k.why != "wrong codes" || k.ended.Time != storetest.Start {
			t.Errorf("%+v", k)
		}
		err := write(t, w, func(ctx context.Context, tx *store.Tx) error { _, err := Wrong(ctx, tx, suzuki, s.ID); return err })
		if !errors.Is(err, store.ErrNone) {
			t.Errorf("the sixth: %v", err)
		}
	})
}

func TestOfFiftyWrongCodesAtOnceFiveCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, s := start(t, w, suzuki, "")
		var counted, refused atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				err := write(t, w, func(ctx context.Context, tx *store.Tx) error { _, err := Wrong(ctx, tx, suzuki, s.ID); return err })
				switch {
				case err == nil:
					counted.Add(1)
				case errors.Is(err, store.ErrNone):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		k, alive := by(t, w, token)
		if counted.Load() != 5 || refused.Load() != 45 || alive || k.wrong != 5 {
			t.Errorf("%d counted, %d refused, it lives: %t, %+v", counted.Load(), refused.Load(), alive, k)
		}
	})
}

func TestAllSessionsOfAHolderEndButTheOneThatAsked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		mine, own := start(t, w, suzuki, "")
		second, _ := start(t, w, suzuki, "")
		third, _ := start(t, w, suzuki, "")
		others := map[string]string{}
		others["a colleague's"], _ = start(t, w, tanaka, "")
		others["another organization's"], _ = start(t, w, abroad, "")
		endAll := func(but string) (n int64) {
			err := write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = EndAll(ctx, tx, suzuki, but, "method changed")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := endAll(own.ID); n != 2 {
			t.Errorf("%d ended", n)
		}
		for _, token := range []string{second, third} {
			if k, alive := by(t, w, token); alive || k.why != "method changed" {
				t.Errorf("%+v", k)
			}
		}
		if _, alive := by(t, w, mine); !alive {
			t.Error("the one that asked ended as well")
		}
		if n := endAll(""); n != 1 {
			t.Errorf("%d ended the second time", n)
		}
		for whose, token := range others {
			if _, alive := by(t, w, token); !alive {
				t.Errorf("%s ended as well", whose)
			}
		}
	})
}

func TestOneSessionEndsOnceAndOnlyItsHoldersMayEndIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, s := start(t, w, suzuki, "")
		end := func(ref account.Ref) error {
			return write(t, w, func(ctx context.Context, tx *store.Tx) error { return End(ctx, tx, ref, s.ID, "signed out") })
		}
		for _, ref := range []account.Ref{tanaka, abroad} {
			if err := end(ref); !errors.Is(err, store.ErrNone) {
				t.Errorf("%v: %v", ref, err)
			}
		}
		if err := end(suzuki); err != nil {
			t.Fatal(err)
		}
		if err := end(suzuki); !errors.Is(err, store.ErrNone) {
			t.Errorf("twice: %v", err)
		}
		if k, alive := by(t, w, token); alive || k.why != "signed out" {
			t.Errorf("%+v", k)
		}
	})
}

func TestTheListHoldsWhatIsLiveTheLatestSeenFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		_, idle := start(t, w, suzuki, "")
		w.Clock.Set(storetest.Start.Add(10 * time.Minute))
		_, first := start(t, w, suzuki, "")
		_, ended := start(t, w, suzuki, "")
		start(t, w, tanaka, "")
		start(t, w, abroad, "")
		w.Clock.Set(storetest.Start.Add(20 * time.Minute))
		_, second := start(t, w, suzuki, "")
		w.Clock.Set(storetest.Start.Add(30 * time.Minute)) // the first has idled as long as it may
		err := write(t, w, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(See(ctx, tx, first), End(ctx, tx, suzuki, ended.ID, "signed out"))
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := List(t.Context(), w.DB, suzuki, w.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		first.Seen = w.Clock.Now()
		var ids []string
		for _, s := range list {
			if !s.Live(w.Clock.Now()) {
				t.Errorf("not live: %+v", s)
			}
			ids = append(ids, s.ID)
		}
		if !slices.Equal(ids, []string{first.ID, second.ID}) {
			t.Errorf("%v, wanted %s and %s, not %s", ids, first.ID, second.ID, idle.ID)
		}
		shown := first
		shown.FreshPassword = time.Time{} // the list does not say how fresh
		if diff := cmp.Diff(shown, list[0]); diff != "" {
			t.Errorf("(-started +listed):\n%s", diff)
		}
	})
}

func TestTheLastRequestNeverMovesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, s := start(t, w, suzuki, "")
		see := func() {
			if err := write(t, w, func(ctx context.Context, tx *store.Tx) error { return See(ctx, tx, s) }); err != nil {
				t.Fatal(err)
			}
		}
		w.Clock.Set(storetest.Start.Add(5 * time.Minute))
		see()
		w.Clock.Set(storetest.Start.Add(time.Minute))
		w.Clock.Accept()
		see()
		if k, _ := by(t, w, token); k.seen.Time != storetest.Start.Add(5*time.Minute) {
			t.Errorf("last seen %s", k.seen)
		}
	})
}

func TestANetworkIsKnownForNinetyDaysAndThenForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		start(t, w, suzuki, "")
		known := func(ref account.Ref, network string) bool {
			is, err := Known(t.Context(), w.DB, ref, network, w.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		forget := func() (n int64) {
			err := write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = Forget(ctx, tx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if !known(suzuki, "192.0.2.1") || known(suzuki, "192.0.2.2") || known(tanaka, "192.0.2.1") || known(abroad, "192.0.2.1") {
			t.Error("known are others than the one it came from")
		}
		w.Clock.Set(storetest.Start.Add(remembered - moment))
		if !known(suzuki, "192.0.2.1") || forget() != 0 {
			t.Error("forgotten before 90 days")
		}
		w.Clock.Set(storetest.Start.Add(remembered))
		if known(suzuki, "192.0.2.1") {
			t.Error("known after 90 days")
		}
		w.Clock.Set(storetest.Start.Add(remembered + moment))
		if n := forget(); n != 1 {
			t.Errorf("%d are forgotten after 90 days", n)
		}
	})
}
