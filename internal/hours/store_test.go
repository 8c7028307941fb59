package hours

import (
	"context"
	"errors"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestWhatOperatorsSayOfADayIsKeptAndTakenBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		in := func(do func(ctx context.Context, tx *store.Tx) error) error { return w.DB.Write(t.Context(), do) }
		day := Day{2018, 12, 31}
		for _, s := range []Special{{Day: Day{2018, 3, 10}, Open: true}, {Day: day}, {Day: day, Note: "年末休業"}} {
			if err := in(func(ctx context.Context, tx *store.Tx) error { return Say(ctx, tx, s, "test") }); err != nil {
				t.Fatal(err)
			}
		}
		all, err := ReadSpecial(t.Context(), w.DB, Day{2018, 3, 11})
		if err != nil || len(all) != 1 || all[day] != (Special{Day: day, Note: "年末休業"}) {
			t.Fatal(all, err)
		}
		take := func() error { return in(func(ctx context.Context, tx *store.Tx) error { return Unsay(ctx, tx, day) }) }
		if err := take(); err != nil {
			t.Fatal(err)
		}
		if err := take(); !errors.Is(err, store.ErrNone) {
			t.Error(err)
		}
	})
}
