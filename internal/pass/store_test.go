package pass

import (
	"bytes"
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

var (
	suzuki = account.Ref{Organization: "yamada", ID: "suzuki"}
	tanaka = account.Ref{Organization: "yamada", ID: "tanaka"}
)

func give(t *testing.T, w storetest.World, ref account.Ref, kind Kind) (token string, p Pass) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		token, p, err = Give(ctx, tx, ref, kind, Given{By: "sato", Why: "lost phone", Ticket: "T-1"})
		return err
	})
	if err != nil {
		t.Error(err) // not Fatal: also called from goroutines
	}
	return token, p
}

func spend(t *testing.T, w storetest.World, ref account.Ref, id string) error {
	t.Helper()
	return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Spend(ctx, tx, ref, id) })
}

func find(t *testing.T, w storetest.World, token string) (account.Ref, Pass) {
	t.Helper()
	ref, p, err := ByToken(t.Context(), w.DB, token)
	if err != nil {
		t.Fatal(err)
	}
	return ref, p
}

func TestALinkFindsItsPassAndOpeningItSpendsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, given := give(t, w, suzuki, Guide)
		for range 3 {
			ref, p := find(t, w, token)
			if ref != suzuki || p != given || !p.Valid(w.Clock.Now()) {
				t.Fatalf("%v %+v, given %+v", ref, p, given)
			}
		}
		if given.Expires != storetest.Start.Add(72*time.Hour) {
			t.Errorf("valid until %s", given.Expires)
		}
		for _, unknown := range []string{"", token[1:], given.ID} {
			if _, p, err := ByToken(t.Context(), w.DB, unknown); !errors.Is(err, store.ErrNone) || p.Valid(w.Clock.Now()) {
				t.Errorf("%q: %+v, %v", unknown, p, err)
			}
		}
		var kept []byte
		if err := w.DB.QueryRow(t.Context(), `select digest from pass where id = $1`, given.ID).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(kept, []byte(token)) {
			t.Error("the database holds the token itself")
		}
	})
}

func TestAPassIsSpentOnceByItsHolder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, p := give(t, w, suzuki, Latecomer)
		for _, other := range []account.Ref{tanaka, {Organization: "aoba", ID: "suzuki"}} {
			if err := spend(t, w, other, p.ID); !errors.Is(err, store.ErrNone) {
				t.Errorf("by %v: %v", other, err)
			}
		}
		if err := spend(t, w, suzuki, p.ID); err != nil {
			t.Fatal(err)
		}
		if err := spend(t, w, suzuki, p.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("a second time: %v", err)
		}
		if _, p := find(t, w, token); p.Spent != storetest.Start || p.Valid(w.Clock.Now()) {
			t.Errorf("%+v", p)
		}
	})
}

func TestOfFiftyAtOnceOneSpendsAPass(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		_, p := give(t, w, suzuki, Latecomer)
		var spent, refused atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				switch err := spend(t, w, suzuki, p.ID); {
				case err == nil:
					spent.Add(1)
				case errors.Is(err, store.ErrNone):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if spent.Load() != 1 || refused.Load() != 49 {
			t.Errorf("%d spent it, %d were refused", spent.Load(), refused.Load())
		}
	})
}

func TestAReplacedWithdrawnOrExpiredPassIsNotSpent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		oldToken, old := give(t, w, suzuki, Guide)
		_, others := give(t, w, tanaka, Guide)
		_, renewed := give(t, w, suzuki, Latecomer)
		if err := spend(t, w, suzuki, old.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("replaced: %v", err)
		}
		if _, p := find(t, w, oldToken); p.Valid(w.Clock.Now()) || p.Replaced != storetest.Start {
			t.Errorf("replaced: %+v", p)
		}
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Withdraw(ctx, tx, suzuki) })
		if err != nil {
			t.Fatal(err)
		}
		if err := spend(t, w, suzuki, renewed.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("withdrawn: %v", err)
		}
		if err := spend(t, w, tanaka, others.ID); err != nil {
			t.Errorf("another holder's was not withdrawn: %v", err)
		}
		_, last := give(t, w, suzuki, Operator)
		w.Clock.Set(last.Expires)
		if err := spend(t, w, suzuki, last.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("at its end: %v", err)
		}
		_, inTime := give(t, w, suzuki, Operator)
		w.Clock.Set(inTime.Expires.Add(-time.Microsecond))
		if err := spend(t, w, suzuki, inTime.ID); err != nil {
			t.Errorf("a moment before its end: %v", err)
		}
	})
}

func TestASpentPassStaysSpentWhenAllAreWithdrawn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		token, p := give(t, w, suzuki, Latecomer)
		if err := spend(t, w, suzuki, p.ID); err != nil {
			t.Fatal(err)
		}
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Withdraw(ctx, tx, suzuki) })
		if err != nil {
			t.Fatal(err)
		}
		if _, p := find(t, w, token); p.Spent.IsZero() || !p.Withdrawn.IsZero() {
			t.Errorf("the record is now %+v", p)
		}
	})
}

func TestOfManyGivenAtOnceOneIsOpen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { give(t, w, suzuki, Latecomer) })
		}
		all.Wait()
		var open, given int
		err := w.DB.QueryRow(t.Context(), `select count(*) filter (where replaced_at is null), count(*) from pass`).Scan(&open, &given)
		if err != nil || open != 1 || given != 20 {
			t.Errorf("%d open of %d, %v", open, given, err)
		}
	})
}
