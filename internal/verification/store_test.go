package verification

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// bench is a desk with one account whose app is enrolled.
type bench struct {
	storetest.World
	t    *testing.T
	desk *Desk
	who  account.Account
	key  []byte
}

func sit(t *testing.T, w storetest.World, method account.Method) *bench {
	t.Helper()
	book, err := phrase.NewBook(phrase.Words, page.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Portal", House: time.UTC, Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clock.Start(t.Context(), w.DB, w.Clock, "test"); err != nil {
		t.Fatal(err)
	}
	b := &bench{World: w, t: t, desk: &Desk{Keys: w.Keys, Site: site}, key: totp.NewSecret()}
	b.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, "Aozora")
		if err != nil {
			return err
		}
		b.who, err = account.Add(ctx, tx, w.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: "taro@aozora.example",
			Name: "Taro", Phone: "1", Authority: account.PortalAdmin, Language: phrase.English, Zone: "UTC"}, "test")
		if err != nil {
			return err
		}
		b.who.Method = method
		if err := password.Set(ctx, tx, b.who.Ref, "hash", password.Changed); err != nil || method == account.MailOTP {
			return err
		}
		return totp.Enroll(ctx, tx, w.Keys, b.who.Ref, b.key, 0, 0)
	})
	return b
}

func (b *bench) write(do func(ctx context.Context, tx *store.Tx) error) {
	b.t.Helper()
	if err := b.DB.Write(context.Background(), do); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) session() string {
	b.t.Helper()
	var s session.Session
	b.write(func(ctx context.Context, tx *store.Tx) (err error) {
		_, s, err = session.Start(ctx, tx, b.who.Ref, "192.0.2.1/32", "test", "")
		return err
	})
	return s.ID
}

func (b *bench) attempt(sessionID, code string) Attempt {
	return Attempt{Ref: b.who.Ref, Person: b.who, Session: sessionID, Door: SignIn, Method: b.who.Method, Code: code, Network: "192.0.2.1/32"}
}

func (b *bench) try(a Attempt) (o Outcome) {
	b.t.Helper()
	b.write(func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = b.desk.Prove(ctx, tx, a)
		return err
	})
	return o
}

func (b *bench) right() string { return totp.Code(b.key, totp.Step(b.Clock.Now())) }

// wrong is a code that no step near now has.
func (b *bench) wrong() string {
	for _, code := range []string{"000000", "111111", "222222"} {
		if m := totp.Search(b.key, code, b.Clock.Now()); !m.Right && m.Off == 0 {
			return code
		}
	}
	b.t.Fatal("three codes at once are near")
	return ""
}

func (b *bench) later(d time.Duration) { b.Clock.Set(b.Clock.Now().Add(d)) }

func (b *bench) number(text string, args ...any) (n int) {
	b.t.Helper()
	if err := b.DB.QueryRow(context.Background(), text, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func each(t *testing.T, method account.Method, test func(t *testing.T, b *bench)) {
	storetest.Each(t, func(t *testing.T, w storetest.World) { test(t, sit(t, w, method)) })
}

func TestOfFiftyAtOnceOneCodeIsAccepted(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		code := b.right()
		sessions := make([]string, 50)
		for i := range sessions {
			sessions[i] = b.session()
		}
		counts := b.atOnce(50, func(i int) Attempt { return b.attempt(sessions[i], code) })
		if counts[Right] != 1 || counts[Spent] != 49 {
			t.Errorf("%v", counts)
		}
		if n := b.number(`select count(*) from second_step`); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}

func TestOfFiftyAtOnceOneMailedCodeIsAccepted(t *testing.T) {
	each(t, account.MailOTP, func(t *testing.T, b *bench) {
		id, code := b.session(), ""
		b.write(func(ctx context.Context, tx *store.Tx) (err error) {
			code, _, err = mailotp.Issue(ctx, tx, b.Keys, b.who.Ref, id, mailotp.SignIn, b.who.EmailKey)
			return err
		})
		counts := b.atOnce(50, func(int) Attempt { return b.attempt(id, code) })
		if counts[Right] != 1 {
			t.Errorf("%v", counts)
		}
		if n := b.number(`select count(*) from mailotp`); n != 1 {
			t.Error("the first right code of an assigned MailOTP did not enroll it")
		}
	})
}

func TestOfFiftyWrongOnesAtOnceFiveAreLookedAt(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		id, code := b.session(), b.wrong()
		counts := b.atOnce(50, func(int) Attempt { return b.attempt(id, code) })
		if counts[Wrong] != 5 || counts[Waiting] != 45 {
			t.Errorf("%v", counts)
		}
		if n := b.number(`select count(*) from session where ended_at is null`); n != 0 {
			t.Error("the fifth wrong code did not end the session")
		}
	})
}

func (b *bench) atOnce(n int, attempt func(i int) Attempt) map[Verdict]int {
	b.t.Helper()
	counts := map[Verdict]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var o Outcome
			err := b.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
				o, err = b.desk.Prove(ctx, tx, attempt(i))
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				b.t.Error(err)
			}
			counts[o.Verdict]++
		})
	}
	all.Wait()
	return counts
}

// guess types wrong codes, five a session, with the waits kept, until n were looked at.
func (b *bench) guess(n int) {
	b.t.Helper()
	id := ""
	for i := range n {
		if i%5 == 0 {
			id = b.session()
		}
		b.later(61 * time.Minute)
		o := b.try(b.attempt(id, b.wrong()))
		if o.Verdict != Wrong {
			b.t.Fatalf("wrong code %d: %+v", i+1, o)
		}
	}
}

func TestTheTwentyFifthWrongCodeStopsUntilThePasswordIsReset(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		b.guess(24)
		// A right code in between does not move the cap.
		b.later(61 * time.Minute)
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Right {
			t.Fatalf("%+v", o)
		}
		b.guess(1)
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Stopped {
			t.Errorf("after the cap: %+v", o)
		}
		// It lasts, however long one waits, and a change of the password is no reset.
		b.later(60 * 24 * time.Hour)
		b.write(func(ctx context.Context, tx *store.Tx) error {
			return password.Set(ctx, tx, b.who.Ref, "new", password.Changed)
		})
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Stopped {
			t.Errorf("sixty days later: %+v", o)
		}
		b.later(time.Minute)
		b.write(func(ctx context.Context, tx *store.Tx) error {
			return password.Set(ctx, tx, b.who.Ref, "newer", password.Reset)
		})
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Right {
			t.Errorf("after the reset: %+v", o)
		}
		b.toldOfStops(1)
		b.chainIsWhole()
	})
}

func TestAHundredWrongCodesOverAllResetsMakeItVoid(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		for range 4 {
			b.guess(25)
			b.later(time.Minute)
			b.write(func(ctx context.Context, tx *store.Tx) error {
				return password.Set(ctx, tx, b.who.Ref, "new", password.Reset)
			})
		}
		b.later(61 * time.Minute)
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Refused {
			t.Errorf("a void second verification answered %+v", o)
		}
		// Only a newly proved method ends it, set up by a pass.
		key := totp.NewSecret()
		a := b.attempt(b.session(), totp.Code(key, totp.Step(b.Clock.Now())))
		for _, a.Door = range []Door{Setup, Phone, Mailbox} {
			b.write(func(ctx context.Context, tx *store.Tx) error {
				o, err := b.desk.ProveNew(ctx, tx, a, key)
				if o.Verdict != Refused {
					t.Errorf("at %s without a pass: %+v", a.Door, o)
				}
				return err
			})
		}
		a.Door, a.Pass = Setup, true
		b.write(func(ctx context.Context, tx *store.Tx) error {
			o, err := b.desk.ProveNew(ctx, tx, a, key)
			if o.Verdict != Right {
				t.Errorf("%+v", o)
			}
			return err
		})
		b.key = key
		b.later(time.Minute)
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Right {
			t.Errorf("after set-up: %+v", o)
		}
		b.chainIsWhole()
	})
}

func TestTheOwnerIsToldFromTheThirdWrongCodeOn(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		id := b.session()
		for i, want := range []int{0, 0, 1, 2, 3} {
			if o := b.try(b.attempt(id, b.wrong())); o.Verdict != Wrong || o.Left != 4-i || o.Ended != (i == 4) {
				t.Errorf("wrong code %d: %+v", i+1, o)
			}
			if n := b.number(`select count(*) from mail where kind = 'second-step-failed'`); n != want {
				t.Errorf("after %d wrong codes %d mails", i+1, n)
			}
		}
	})
}

func TestACodeAtOrBelowTheFloorIsNotAccepted(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		b.write(clock.RaiseFloor)
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Spent {
			t.Errorf("at the floor: %+v", o)
		}
		b.later(30 * time.Second)
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Right {
			t.Errorf("above the floor: %+v", o)
		}
	})
}

func TestStepsRiseOverTheOldAndTheNewSecretOfAnAccount(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		if o := b.try(b.attempt(b.session(), b.right())); o.Verdict != Right {
			t.Fatalf("%+v", o)
		}
		key := totp.NewSecret()
		prove := func() (o Outcome) {
			a := b.attempt(b.session(), totp.Code(key, totp.Step(b.Clock.Now())))
			a.Door = Phone
			b.write(func(ctx context.Context, tx *store.Tx) (err error) {
				o, err = b.desk.ProveNew(ctx, tx, a, key)
				return err
			})
			return o
		}
		if o := prove(); o.Verdict != Spent {
			t.Errorf("in the same half minute: %+v", o)
		}
		b.later(30 * time.Second)
		if o := prove(); o.Verdict != Right {
			t.Errorf("in the next: %+v", o)
		}
	})
}

// toldOfStops counts the mails of stops in the outbox.
func (b *bench) toldOfStops(want int) {
	b.t.Helper()
	if n := b.number(`select count(*) from mail where subject like '%stopped%'`); n != want {
		b.t.Errorf("%d mails of a stop, wanted %d", n, want)
	}
}

func (b *bench) chainIsWhole() {
	b.t.Helper()
	report, err := audit.Verify(context.Background(), b.DB, b.Keys, func(int64, int64) {})
	if err != nil || len(report.Broken) > 0 {
		b.t.Errorf("%v %v", report.Broken, err)
	}
}
