package limit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/limit"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func key(name string, burst int, every time.Duration) limit.Key {
	return limit.Key{Name: name, Rate: limit.Rate{Burst: burst, Every: every}}
}

// in runs one of the package's writing functions in a transaction of its own.
func in(t *testing.T, w storetest.World, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func spend(t *testing.T, w storetest.World, keys ...limit.Key) {
	t.Helper()
	in(t, w, func(ctx context.Context, tx *store.Tx) error { return limit.Spend(ctx, tx, keys...) })
}

func try(t *testing.T, w storetest.World, k limit.Key) (again time.Time) {
	t.Helper()
	in(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
		again, err = limit.Try(ctx, tx, k)
		return err
	})
	return again
}

func peek(t *testing.T, w storetest.World, keys ...limit.Key) time.Time {
	t.Helper()
	again, err := limit.Peek(t.Context(), w.DB, w.Clock.Now(), keys...)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func rows(t *testing.T, w storetest.World) (n int) {
	t.Helper()
	if err := w.DB.QueryRow(t.Context(), `select count(*) from allowance`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPeekSpendsNothingAndNamesTheLatestInstantOfAllKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		short, long, free := key("short", 1, time.Minute), key("long", 1, time.Hour), key("free", 2, time.Hour)
		for range 3 {
			if again := peek(t, w, short, long, free); !again.IsZero() {
				t.Fatalf("an allowance never spent says %s", again)
			}
		}
		spend(t, w, short, long, free)
		if got, want := peek(t, w, short, long, free), storetest.Start.Add(time.Hour); !got.Equal(want) {
			t.Errorf("all three: %s, want %s", got, want)
		}
		if got := peek(t, w, free); !got.IsZero() {
			t.Errorf("one of two spent: %s, want now", got)
		}
		w.Clock.Set(storetest.Start.Add(time.Hour))
		if got := peek(t, w, short, long, free); !got.IsZero() {
			t.Errorf("at the promised instant: %s, want now", got)
		}
	})
}

func TestTheStatementsDoAsTheRuleSays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		chance := rand.New(rand.NewPCG(1, 2))
		keys := []limit.Key{key("a", 1, time.Second), key("b", 5, time.Minute), key("c", 3, 7*time.Second+time.Microsecond)}
		fullAt := map[string]time.Time{}
		for range 120 {
			w.Clock.Set(w.Clock.Now().Add(time.Duration(chance.Int64N(int64(20 * time.Second)))))
			now, k := w.Clock.Now(), keys[chance.IntN(len(keys))]
			ok, again := k.Rate.Next(now, fullAt[k.Name])
			if got := peek(t, w, k); !got.Equal(again) {
				t.Fatalf("peek says %s, the rule %s", got, again)
			}
			if chance.IntN(2) == 0 { // spends also what is not allowed
				spend(t, w, k)
				fullAt[k.Name] = k.Rate.Spent(now, fullAt[k.Name])
				continue
			}
			if got := try(t, w, k); !got.Equal(again) {
				t.Fatalf("try says %s, the rule %s", got, again)
			}
			if ok {
				fullAt[k.Name] = k.Rate.Spent(now, fullAt[k.Name])
			}
		}
	})
}

func TestFiftyTriesAtOnceOnABurstOfFiveTakeExactlyFive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := key("door", 5, time.Minute)
		var taken, refused atomic.Int64
		at50(t, func(int) error {
			var again time.Time
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				again, err = limit.Try(ctx, tx, k)
				return err
			})
			if again.IsZero() {
				taken.Add(1)
			} else if again.Equal(storetest.Start.Add(time.Minute)) {
				refused.Add(1)
			}
			return err
		})
		if taken.Load() != 5 || refused.Load() != 45 {
			t.Errorf("%d taken and %d refused until a minute later, want 5 and 45", taken.Load(), refused.Load())
		}
	})
}

func TestFiftySpentAtOnceAreFiftyCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		account, network := key("account", 5, time.Minute), key("network", 5, time.Hour)
		at50(t, func(i int) error {
			keys := []limit.Key{account, network}
			if i%2 == 0 { // in both orders: they must not lock each other out
				keys = []limit.Key{network, account}
			}
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return limit.Spend(ctx, tx, keys...) })
		})
		if got, want := peek(t, w, account), storetest.Start.Add(46*time.Minute); !got.Equal(want) {
			t.Errorf("the account may again at %s, want %s", got, want)
		}
		if got, want := peek(t, w, network), storetest.Start.Add(46*time.Hour); !got.Equal(want) {
			t.Errorf("the network may again at %s, want %s", got, want)
		}
	})
}

func at50(t *testing.T, do func(i int) error) {
	t.Helper()
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			if err := do(i); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestARefundGivesBackWhatWasSpentAndNothingOnTop(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a, b := key("a", 1, time.Minute), key("b", 1, time.Hour)
		spend(t, w, a, b)
		refund := func(ctx context.Context, tx *store.Tx) error {
			return limit.Refund(ctx, tx, a, b, key("never spent", 1, time.Hour))
		}
		in(t, w, refund)
		if again := peek(t, w, a, b); !again.IsZero() {
			t.Errorf("after the refund: %s, want now", again)
		}
		for range 5 {
			in(t, w, refund)
		}
		spend(t, w, a, b)
		if again := peek(t, w, a); !again.Equal(storetest.Start.Add(time.Minute)) {
			t.Errorf("refunds of nothing were saved up: %s", again)
		}
		if n := rows(t, w); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
	})
}

func TestClearMakesAnAllowanceFullAndLeavesTheOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a, b, c := key("a", 1, time.Minute), key("b", 1, time.Minute), key("c", 1, time.Minute)
		spend(t, w, a, b, c)
		in(t, w, func(ctx context.Context, tx *store.Tx) error { return limit.Clear(ctx, tx, "a", "b", "unknown") })
		if again := peek(t, w, a, b); !again.IsZero() {
			t.Errorf("cleared: %s, want now", again)
		}
		if again := peek(t, w, c); again.IsZero() {
			t.Error("another allowance was cleared too")
		}
	})
}

func TestPruneRemovesOnlyWhatHasLongBeenFull(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		spend(t, w, key("short", 1, time.Minute), key("long", 1, 24*time.Hour))
		for _, step := range []struct {
			after time.Duration
			left  int
		}{{time.Hour, 2}, {time.Hour + 2*time.Minute, 1}, {26 * time.Hour, 0}} {
			in(t, w, func(ctx context.Context, tx *store.Tx) error {
				return limit.Prune(ctx, tx, storetest.Start.Add(step.after))
			})
			if n := rows(t, w); n != step.left {
				t.Errorf("after %s: %d rows, want %d", step.after, n, step.left)
			}
		}
	})
}

func TestEachQuestionIsOneStatement(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		keys := []limit.Key{key("a", 1, time.Minute), key("b", 1, time.Minute), key("c", 1, time.Minute)}
		for name, do := range map[string]func(ctx context.Context, tx *store.Tx) error{
			"peek": func(ctx context.Context, tx *store.Tx) error {
				_, err := limit.Peek(ctx, tx, tx.Now(), keys...)
				return err
			},
			"spend": func(ctx context.Context, tx *store.Tx) error { return limit.Spend(ctx, tx, keys...) },
			"try": func(ctx context.Context, tx *store.Tx) error {
				_, err := limit.Try(ctx, tx, key("d", 1, time.Hour))
				return err
			},
			"refund": func(ctx context.Context, tx *store.Tx) error { return limit.Refund(ctx, tx, keys...) },
			"clear":  func(ctx context.Context, tx *store.Tx) error { return limit.Clear(ctx, tx, "a", "b") },
		} {
			in(t, w, func(ctx context.Context, tx *store.Tx) error {
				ctx, trips := store.Counting(ctx)
				if err := do(ctx, tx); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if trips.Statements() != 1 {
					t.Errorf("%s takes %d statements, want 1", name, trips.Statements())
				}
				return nil
			})
		}
	})
}

func TestAKeyThatCannotBeCountedIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		for name, keys := range map[string][]limit.Key{
			"no name":         {key("", 1, time.Minute)},
			"a long name":     {key(strings.Repeat("x", 121), 1, time.Minute)},
			"no burst":        {key("a", 0, time.Minute)},
			"no interval":     {key("a", 1, 0)},
			"a rate past all": {key("a", 1<<40, time.Hour)},
			"one name twice":  {key("a", 1, time.Minute), key("a", 2, time.Minute)},
		} {
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return limit.Spend(ctx, tx, keys...) })
			if !errors.Is(err, limit.ErrKey) {
				t.Errorf("spend with %s: %v, want ErrKey", name, err)
			}
			if _, err := limit.Peek(t.Context(), w.DB, storetest.Start, keys...); !errors.Is(err, limit.ErrKey) {
				t.Errorf("peek with %s: %v, want ErrKey", name, err)
			}
		}
		if n := rows(t, w); n != 0 {
			t.Errorf("%d rows, want none", n)
		}
		if again := peek(t, w); !again.IsZero() {
			t.Errorf("without keys: %s, want now", again)
		}
	})
}
