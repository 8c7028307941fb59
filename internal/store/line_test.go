package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Thirty read the end of one list and write behind it: in line none is undone by another.
func TestTransactionsOfOneOrganizationDoNotUndoOneAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		const many = 30
		var tries atomic.Int64
		var all sync.WaitGroup
		for range many {
			all.Go(func() {
				err := w.DB.WriteOf(t.Context(), "o1", func(ctx context.Context, tx *store.Tx) error {
					tries.Add(1)
					var n int64
					if err := tx.QueryRow(ctx, `select coalesce(max(full_at), 0) from allowance`).Scan(&n); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, `insert into allowance (name, full_at) values ($1, $2)`, string(rune('a'+n)), n+1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if tries.Load() != many {
			t.Errorf("%d tries of %d transactions", tries.Load(), many)
		}
		// Whose turn does not come is told so, and holds nothing up afterwards.
		hold, begun := make(chan struct{}), make(chan struct{})
		all.Go(func() {
			_ = w.DB.WriteOf(t.Context(), "o1", func(context.Context, *store.Tx) error { close(begun); <-hold; return store.ErrNone })
		})
		<-begun
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		nothing := func(context.Context, *store.Tx) error { return nil }
		if err := w.DB.WriteOf(ctx, "o1", nothing); err == nil {
			t.Error("it wrote out of turn")
		}
		close(hold)
		all.Wait()
		if err := w.DB.WriteOf(t.Context(), "o1", nothing); err != nil {
			t.Error(err)
		}
	})
}
