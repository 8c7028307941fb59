package store_test

import (
	"context"
	"errors"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var errElse = errors.New("it should have changed a row")

// What is said later is done with the next question or with the commit, in its order, and
// whatever it fails with fails the transaction.
func TestWhatIsSaidLaterIsDoneInItsOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		const add, raise = `insert into tally (name, n) values ($1, $2)`, `update tally set n = n + $1 where name = $2`
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			ctx, trips := store.Counting(ctx)
			said := errors.Join(tx.Later(ctx, nil, add, "new", 1), tx.Later(ctx, errElse, raise, 10, "new"), tx.Later(ctx, nil, raise, 10, "nobody"))
			if w.DB.Engine() == store.PostgreSQL && trips.N() != 0 {
				t.Errorf("%d round trips were made for what can wait", trips.N())
			}
			if trips.Statements() != 3 {
				t.Errorf("%d statements", trips.Statements())
			}
			var n int
			if err := errors.Join(said, tx.QueryRow(ctx, `select n from tally where name = 'new'`).Scan(&n)); err != nil || n != 11 {
				t.Errorf("%d, %v", n, err)
			}
			if err := tx.Later(ctx, nil, raise, 100, "new"); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, `select n from tally where name = 'new'`)
			if err != nil {
				return err
			}
			for rows.Next() {
				if err := rows.Scan(&n); err != nil || n != 111 {
					t.Errorf("%d, %v", n, err)
				}
			}
			if err := errors.Join(rows.Err(), rows.Close(), tx.Later(ctx, nil, raise, 1000, "new")); err != nil {
				return err
			}
			if changed, err := tx.Exec(ctx, raise, 1, "new"); err != nil || changed != 1 {
				t.Errorf("%d rows, %v", changed, err)
			}
			return tx.Later(ctx, errElse, raise, 10_000, "new") // goes with the commit
		})
		var n int
		if err := errors.Join(err, w.DB.QueryRow(t.Context(), `select n from tally where name = 'new'`).Scan(&n)); err != nil || n != 11112 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestWhatFailsLaterLeavesNothing(t *testing.T) {
	const add = `insert into tally (name, n) values ($1, $2)`
	asked := func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from tally`).Scan(new(int))
	}
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		for name, one := range map[string]struct {
			want  error
			later func(ctx context.Context, tx *store.Tx) error
		}{
			"taken": {store.ErrTaken, func(ctx context.Context, tx *store.Tx) error { return tx.Later(ctx, nil, add, "new", 2) }},
			"not one": {errElse, func(ctx context.Context, tx *store.Tx) error {
				return tx.Later(ctx, errElse, `update tally set n = 0 where name = 'nobody'`)
			}},
			"no such": {nil, func(ctx context.Context, tx *store.Tx) error { return tx.Later(ctx, nil, `update nothing set n = 0`) }},
		} {
			for then, do := range map[string]func(ctx context.Context, tx *store.Tx) error{
				"asked": asked, "committed": func(context.Context, *store.Tx) error { return nil },
				"asked, and the failure not heeded": func(ctx context.Context, tx *store.Tx) error {
					_ = asked(ctx, tx)
					return nil
				},
			} {
				err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := tx.Later(ctx, nil, add, "new", 1); err != nil {
						return err
					}
					if err := one.later(ctx, tx); err != nil {
						return err
					}
					return do(ctx, tx)
				})
				unheeded := then == "asked, and the failure not heeded" && err != nil // that it failed is known all the same
				if err == nil || errors.Is(err, store.ErrUnsure) || (one.want != nil && !unheeded && !errors.Is(err, one.want)) {
					t.Errorf("%s, %s: %v, want %v", name, then, err, one.want)
				}
				var n int
				if err := w.DB.QueryRow(t.Context(), `select count(*) from tally where name = 'new'`).Scan(&n); err != nil || n != 0 {
					t.Errorf("%s, %s: %d rows stay, %v", name, then, n, err)
				}
			}
		}
	})
}
