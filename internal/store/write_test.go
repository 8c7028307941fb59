package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// A table of their own for these tests: the portal's change with the portal.
func tally(t *testing.T, w storetest.World) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `create table tally (name text primary key, n bigint not null check (n >= 0))`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `create table mark (id text primary key, tally text not null references tally (name),
			other text references tally (name) deferrable initially deferred)`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into tally (name, n) values ('a', 0), ('b', 0)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, w storetest.World, name string) (n int64) {
	t.Helper()
	if err := w.DB.QueryRow(t.Context(), `select n from tally where name = $1`, name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func set(ctx context.Context, tx *store.Tx, name string, n int64) error {
	changed, err := tx.Exec(ctx, `update tally set n = $1 where name = $2`, n, name)
	if err == nil && changed != 1 {
		err = fmt.Errorf("%d rows changed", changed)
	}
	return err
}

// Measured once with read committed: 200 said "done", 36 were.
func TestEightWritersWhoReadAndThenUpdateLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 25 {
					err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						var n int64
						if err := tx.QueryRow(ctx, `select n from tally where name = 'a'`).Scan(&n); err != nil {
							return err
						}
						return set(ctx, tx, "a", n+1)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := count(t, w, "a"); n != 200 {
			t.Errorf("200 were counted as %d", n)
		}
	})
}

// Two that each read what the other writes: one of them has to see the other's.
func TestTwoThatDecideByWhatTheOtherChangesAreNeverBothRight(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		for round := range 10 {
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `update tally set n = 0`)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
				all.Go(func() {
					err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						var other int64
						if err := tx.QueryRow(ctx, `select n from tally where name = $1`, pair[1]).Scan(&other); err != nil {
							return err
						}
						if other > 0 {
							return nil // somebody else is in already
						}
						return set(ctx, tx, pair[0], 1)
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if in := count(t, w, "a") + count(t, w, "b"); in != 1 {
				t.Fatalf("round %d: %d came in", round, in)
			}
		}
	})
}

func TestATransactionThatLostIsRunAgainFromItsBeginning(t *testing.T) {
	w := storetest.Open(t, postgres(t)) // on SQLite writers take turns and none loses
	tally(t, w)
	var runs atomic.Int64
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var n int64
		if err := tx.QueryRow(ctx, `select n from tally where name = 'a'`).Scan(&n); err != nil {
			return err
		}
		if runs.Add(1) == 1 { // another changes it between the reading and the writing
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return set(ctx, tx, "a", 10) })
			if err != nil {
				return err
			}
		}
		return set(ctx, tx, "a", n+1)
	})
	if err != nil || runs.Load() != 2 {
		t.Errorf("%d runs, %v", runs.Load(), err)
	}
	if n := count(t, w, "a"); n != 11 {
		t.Errorf("10 and 1 are %d", n)
	}
}

func TestAConflictAmongThoseWhoAskedToStopIsNotRetriedForEver(t *testing.T) {
	w := storetest.Open(t, postgres(t))
	tally(t, w)
	ctx, stop := context.WithCancel(t.Context())
	runs := 0
	err := w.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		runs++
		var n int64
		if err := tx.QueryRow(ctx, `select n from tally where name = 'a'`).Scan(&n); err != nil {
			return err
		}
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return set(ctx, tx, "a", n+10) })
		if err != nil {
			return err
		}
		err = set(ctx, tx, "a", n+1)
		stop()
		return err
	})
	if !errors.Is(err, context.Canceled) || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
}

func TestNothingOfAFailedTransactionStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		broken := errors.New("broken off")
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := set(ctx, tx, "a", 1); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("the error comes back as %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := set(ctx, tx, "a", 2); err != nil {
					return err
				}
				panic("bug")
			})
		}()
		if n := count(t, w, "a"); n != 0 {
			t.Errorf("%d is left of it", n)
		}
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return set(ctx, tx, "a", 4) })
		if n := count(t, w, "a"); err != nil || n != 4 {
			t.Errorf("afterwards nothing can be written: %d, %v", n, err)
		}
	})
}

// Whoever leaves in the middle does not choose what is kept: a wrong code that was
// looked at is counted, whatever the client does meanwhile.
func TestWhatWasBegunGoesToItsEndThoughWhoAskedHungUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		gone, hangUp := context.WithCancel(t.Context())
		err := w.DB.Write(gone, func(ctx context.Context, tx *store.Tx) error {
			hangUp()
			return set(ctx, tx, "a", 3)
		})
		if n := count(t, w, "a"); err != nil || n != 3 {
			t.Errorf("%d, %v", n, err)
		}
		err = w.DB.Write(gone, func(context.Context, *store.Tx) error { t.Error("it was begun for nobody"); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestATransactionInsideATransactionIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		var inner error
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			inner = w.DB.Write(ctx, func(context.Context, *store.Tx) error {
				t.Error("it ran")
				return nil
			})
			return set(ctx, tx, "a", 1)
		})
		if !errors.Is(inner, store.ErrNested) || err != nil || count(t, w, "a") != 1 {
			t.Errorf("inside: %v, outside: %v", inner, err)
		}
	})
}

func TestWhoeverWaitsForTheWriterMayHangUp(t *testing.T) {
	w := storetest.Open(t, file(t))
	tally(t, w)
	holding, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = w.DB.Write(t.Context(), func(context.Context, *store.Tx) error { close(holding); <-release; return nil })
	})
	<-holding
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := w.DB.Write(ctx, func(context.Context, *store.Tx) error { t.Error("it ran"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(release)
	all.Wait()
}

// A request that waited for the lock is decided by the end of its wait.
func TestTheInstantOfATransactionIsReadAfterTheLock(t *testing.T) {
	w := storetest.Open(t, file(t))
	holding, waiting := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = w.DB.Write(t.Context(), func(context.Context, *store.Tx) error {
			close(holding)
			<-waiting
			w.Clock.Set(storetest.Start.Add(time.Minute))
			return nil
		})
	})
	<-holding
	close(waiting)
	err := w.DB.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
		if want := storetest.Start.Add(time.Minute); tx.Now() != want {
			t.Errorf("decided by %s, not by %s", tx.Now(), want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	all.Wait()
}
