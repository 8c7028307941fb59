package store_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// One row outside of a transaction is read another way than inside of one: whatever is
// asked, both say the same.
func TestOneRowIsTheSameOutsideOfATransactionAndInside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		for text, into := range map[string]func() []any{
			`select name, n, n, cast(n as integer), n from tally where name = 'b'`: func() []any {
				return []any{new(string), new(int64), new(int), new(int64), new(store.Instant)}
			},
			`select cast(-1 as bigint), cast(-2 as integer), cast(-1520650800000001 as bigint)`: func() []any { return []any{new(int64), new(int), new(store.Instant)} },
			`select n > 0, n < 0, n is null from tally where name = 'b'`:                        func() []any { return []any{new(bool), new(bool), new(bool)} },
			`select cast(null as bigint)`:                                                       func() []any { return []any{&store.Instant{Time: time.Unix(1, 0)}} },
			`select cast(null as bigint) /* a number */`:                                        func() []any { return []any{new(int64)} },
			`select cast(null as text)`:                                                         func() []any { return []any{new(string)} },
			`select cast(null as text) /* a pointer */`:                                         func() []any { return []any{new(*string)} },
			`select sum(n) from tally`:                                                          func() []any { return []any{new(int64)} },
			`select count(*), max(n), min(name) from tally`:                                     func() []any { return []any{new(int), new(int64), new(string)} },
			`select n from tally order by name`:                                                 func() []any { return []any{new(string)} },
			`select name from tally where name = 'b'`:                                           func() []any { return []any{new(int64)} },
			`select name, n from tally where name = 'b'`:                                        func() []any { return []any{new(string)} },
			`select n from tally where name = 'nobody'`:                                         func() []any { return []any{new(int64)} },
			`select cast(1.5 as double precision), '検証', ''`:                                    func() []any { return []any{new(float64), new(string), new(string)} },
			`select name, n from tally where n = n and name = 'a' and n < 0 or name = 'b'`:      func() []any { return []any{new([]byte), new(any)} },
		} {
			for round := range 3 { // what is not read directly is known by the second
				outside, inside := into(), into()
				err := w.DB.QueryRow(t.Context(), text).Scan(outside...)
				var within error
				_ = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					within = tx.QueryRow(ctx, text).Scan(inside...)
					return nil
				})
				if (err == nil) != (within == nil) || errors.Is(err, store.ErrNone) != errors.Is(within, store.ErrNone) {
					t.Errorf("%s: outside %v, inside %v", text, err, within)
				}
				if err == nil && !reflect.DeepEqual(outside, inside) {
					t.Errorf("%s: %v and %v (round %d)", text, outside, inside, round)
				}
			}
		}
		// A connection is as good as before, whatever was read on it.
		var n int
		if err := w.DB.QueryRow(t.Context(), strings.Repeat(" ", 9)+`select count(*) from tally`).Scan(&n); err != nil {
			t.Error(err)
		}
	})
}

// Whoever hangs up ends what was asked, and the next question is answered.
func TestOneRowOfWhoeverHangsUpIsNotRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		gone, hangUp := context.WithCancel(t.Context())
		hangUp()
		var n int
		if err := w.DB.QueryRow(gone, `select count(*) from tally`).Scan(&n); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := w.DB.QueryRow(t.Context(), `select count(*) from tally`).Scan(&n); err != nil || n == 0 {
			t.Errorf("%d, %v", n, err)
		}
	})
}
