package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// A file that may not grow is what a full disk is to SQLite.
func TestAFullFileKeepsNothingAndGoesOnWhenThereIsRoom(t *testing.T) {
	w := storetest.Open(t, file(t))
	tally(t, w)
	pages := func(most string) { // fewer than there are is as many as there are
		t.Helper()
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.QueryRow(ctx, `pragma max_page_count = `+most).Scan(new(int))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	pages("1")
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := set(ctx, tx, "a", 7); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `create table large as select randomblob(1000000) as bytes`)
		return err
	})
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("a full file is %v", err)
	}
	if n := count(t, w, "a"); n != 0 {
		t.Errorf("%d of it stays", n)
	}
	pages("1000000")
	err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return set(ctx, tx, "a", 8) })
	if n := count(t, w, "a"); err != nil || n != 8 {
		t.Errorf("with room again: %d, %v", n, err)
	}
}

// alter is another connection to a database, as an operator's tool has one.
func alter(t *testing.T, address string, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	other := storetest.Open(t, address)
	if err := other.DB.Write(t.Context(), do); err != nil {
		t.Error(err)
	}
}

func TestAConnectionThatIsLostIsTold(t *testing.T) {
	address := postgres(t)
	w := storetest.Open(t, address)
	tally(t, w)
	for _, c := range []struct {
		name   string
		commit bool
		want   error
	}{{"in a transaction", false, store.ErrAway}, {"at its commit", true, store.ErrUnsure}} {
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var pid int
			if err := tx.QueryRow(ctx, `select pg_backend_pid()`).Scan(&pid); err != nil {
				return err
			}
			if err := set(ctx, tx, "a", 9); err != nil {
				return err
			}
			alter(t, address, func(ctx context.Context, tx *store.Tx) error {
				return tx.QueryRow(ctx, `select pg_terminate_backend($1, 5000)`, pid).Scan(new(bool))
			})
			if c.commit {
				return nil
			}
			return set(ctx, tx, "b", 9)
		})
		if !errors.Is(err, c.want) || errors.Is(err, store.ErrUnsure) != c.commit {
			t.Errorf("%s: %v", c.name, err)
		}
		if n := count(t, w, "a"); n != 0 { // and a new connection serves
			t.Errorf("%s: %d of it stays", c.name, n)
		}
	}
}

func TestWhoeverWaitsForALockIsToldThatItIsBusy(t *testing.T) {
	address := postgres(t)
	w := storetest.Open(t, address+"&lock_timeout=50ms&idle_in_transaction_session_timeout=0")
	tally(t, w)
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `lock table tally in access exclusive mode`); err != nil {
			return err
		}
		var n int
		if err := w.DB.QueryRow(t.Context(), `select n from tally where name = 'a'`).Scan(&n); !errors.Is(err, store.ErrBusy) {
			t.Errorf("who reads: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if n := count(t, w, "a"); n != 0 {
		t.Error(n)
	}
}

// A node that was stopped in the middle of a transaction keeps its rows for a while only.
func TestATransactionThatStandsStillIsEndedAndSaysSo(t *testing.T) {
	w := storetest.Open(t, postgres(t)+"&idle_in_transaction_session_timeout=50ms")
	tally(t, w)
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := set(ctx, tx, "a", 5); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond)
		return set(ctx, tx, "b", 5)
	})
	if n := count(t, w, "a"); !errors.Is(err, store.ErrAway) || n != 0 {
		t.Errorf("%d stays, %v", n, err)
	}
	err = w.DB.Snapshot(t.Context(), func(ctx context.Context, r store.Reader) error { // a copy may pause
		time.Sleep(300 * time.Millisecond)
		return r.QueryRow(ctx, `select n from tally where name = 'a'`).Scan(new(int))
	})
	if err != nil {
		t.Errorf("a snapshot: %v", err)
	}
}
