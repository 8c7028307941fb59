package totp

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var suzuki = account.Ref{Organization: "yamada", ID: "suzuki"}

func write(t *testing.T, w storetest.World, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func enroll(t *testing.T, w storetest.World, ref account.Ref, key []byte, step, epoch int64) {
	t.Helper()
	write(t, w, func(ctx context.Context, tx *store.Tx) error { return Enroll(ctx, tx, w.Keys, ref, key, step, epoch) })
}

func raise(t *testing.T, w storetest.World, ref account.Ref, step, epoch int64) (rose bool) {
	t.Helper()
	write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
		rose, err = Raise(ctx, tx, ref, step, epoch)
		return err
	})
	return rose
}

func TestAnEnrolledSecretComesBackWithTheStepThatProvedIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		if _, err := Find(t.Context(), w.DB, w.Keys, suzuki); !errors.Is(err, store.ErrNone) {
			t.Errorf("before: %v", err)
		}
		enroll(t, w, suzuki, someKey, 100, 1)
		got, err := Find(t.Context(), w.DB, w.Keys, suzuki)
		if err != nil || !bytes.Equal(got.Secret, someKey) || got.LastStep != 100 || got.Epoch != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		for _, other := range []account.Ref{{Organization: "yamada", ID: "tanaka"}, {Organization: "aoba", ID: "suzuki"}} {
			if _, err := Find(t.Context(), w.DB, w.Keys, other); !errors.Is(err, store.ErrNone) {
				t.Errorf("%v: %v", other, err)
			}
		}
		write(t, w, func(ctx context.Context, tx *store.Tx) error { return Remove(ctx, tx, suzuki) })
		if _, err := Find(t.Context(), w.DB, w.Keys, suzuki); !errors.Is(err, store.ErrNone) {
			t.Errorf("after its removal: %v", err)
		}
	})
}

func TestANewSecretTakesThePlaceOfTheOld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		enroll(t, w, suzuki, someKey, 100, 1)
		other := []byte("another secret's key")
		enroll(t, w, suzuki, other, 90, 1)
		got, err := Find(t.Context(), w.DB, w.Keys, suzuki)
		if err != nil || !bytes.Equal(got.Secret, other) || got.LastStep != 90 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestAcceptedStepsStrictlyRiseWithinAnEpoch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		enroll(t, w, suzuki, someKey, 100, 1)
		for _, c := range []struct {
			name        string
			step, epoch int64
			rose        bool
		}{
			{"the step that enrolled it", 100, 1, false},
			{"an older one", 99, 1, false},
			{"the next", 101, 1, true},
			{"the same again", 101, 1, false},
			{"one further on", 120, 1, true},
			{"one between", 110, 1, false},
			{"an older one in a new epoch", 50, 2, true},
			{"the same in that epoch", 50, 2, false},
			{"a newer one of the old epoch", 200, 1, false},
			{"the next in the new epoch", 51, 2, true},
		} {
			if got := raise(t, w, suzuki, c.step, c.epoch); got != c.rose {
				t.Errorf("%s: rose %t", c.name, got)
			}
		}
		if raise(t, w, account.Ref{Organization: "aoba", ID: "suzuki"}, 300, 9) {
			t.Error("another organization's holder of that id had none to raise")
		}
		if got, err := Find(t.Context(), w.DB, w.Keys, suzuki); err != nil || got.LastStep != 51 || got.Epoch != 2 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestOfFiftyAtOnceOneRaisesAStep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		enroll(t, w, suzuki, someKey, 100, 1)
		for _, step := range []int64{101, 102} {
			var rose atomic.Int64
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					var won bool
					err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
						won, err = Raise(ctx, tx, suzuki, step, 1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
					if won {
						rose.Add(1)
					}
				})
			}
			all.Wait()
			if n := rose.Load(); n != 1 {
				t.Errorf("step %d was accepted %d times", step, n)
			}
		}
	})
}

func TestASecretIsSealedForItsHolder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		enroll(t, w, suzuki, someKey, 100, 1)
		var sealed []byte
		if err := w.DB.QueryRow(t.Context(), `select secret from totp where holder_id = $1`, suzuki.ID).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if len(sealed) <= len(someKey) || bytes.Contains(sealed, someKey) || bytes.Contains(sealed, []byte(Text(someKey))) {
			t.Errorf("the database holds %q", sealed)
		}
		// Whoever can write to the database moves his own secret to another's row.
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update totp set holder_id = $1 where holder_id = $2`, "tanaka", suzuki.ID)
			return err
		})
		_, err := Find(t.Context(), w.DB, w.Keys, account.Ref{Organization: "yamada", ID: "tanaka"})
		if !errors.Is(err, secret.ErrKey) {
			t.Errorf("moved to another's row: %v", err)
		}
	})
}
