package maintenance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nidan/internal/operator"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// staff are two operators, by their ids.
func staff(t *testing.T, w storetest.World) (ids []string) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ids = nil
		for _, name := range []string{"mori", "sato"} {
			o, err := operator.Add(ctx, tx, operator.Operator{Email: name + "@example.jp", Name: name, Language: phrase.Japanese}, "console")
			if err != nil {
				return err
			}
			ids = append(ids, o.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func plan(t *testing.T, w storetest.World, from, to time.Duration, operators ...string) (planned Window) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		planned, err = Plan(ctx, tx, storetest.Start.Add(from), storetest.Start.Add(to), "sato", operators...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

func cancel(t *testing.T, w storetest.World, id string) error {
	t.Helper()
	return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Cancel(ctx, tx, id, "sato") })
}

func version(t *testing.T, w storetest.World) int64 {
	t.Helper()
	v, err := Version(t.Context(), w.DB)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPlannedWindowsComeBackWithTheirListsTheLatestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ids := staff(t, w)
		before := version(t, w)
		first := plan(t, w, time.Hour, 2*time.Hour, ids...)
		alone := plan(t, w, 5*time.Hour, 6*time.Hour)
		last := plan(t, w, 10*time.Hour, 11*time.Hour, ids[1])
		if after := version(t, w); after < before+3 {
			t.Errorf("three windows raised the version from %d to %d", before, after)
		}
		got, err := Windows(t.Context(), w.DB)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Window{last, alone, first}, got); diff != "" {
			t.Errorf("(-planned +read):\n%s", diff)
		}
	})
}

func TestAWindowWithoutATimeOrWithAStrangerOnItsListIsNotKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		before := version(t, w)
		for _, c := range []struct {
			name string
			do   func(ctx context.Context, tx *store.Tx) error
			want error
		}{
			{"closes as it opens", func(ctx context.Context, tx *store.Tx) error {
				_, err := Plan(ctx, tx, tx.Now(), tx.Now(), "sato")
				return err
			}, store.ErrCheck},
			{"lists nobody known", func(ctx context.Context, tx *store.Tx) error {
				_, err := Plan(ctx, tx, tx.Now(), tx.Now().Add(time.Hour), "sato", "nobody")
				return err
			}, store.ErrMissing},
		} {
			if err := w.DB.Write(t.Context(), c.do); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if list, err := Windows(t.Context(), w.DB); err != nil || len(list) != 0 || version(t, w) != before {
			t.Errorf("%d windows are left, %v", len(list), err)
		}
	})
}

func TestAWindowIsCancelledOnceAndOnlyBeforeItOpens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ahead := plan(t, w, time.Hour, 2*time.Hour)
		open := plan(t, w, 3*time.Hour, 4*time.Hour)
		before := version(t, w)
		if err := cancel(t, w, ahead.ID); err != nil {
			t.Fatal(err)
		}
		if err := cancel(t, w, ahead.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("a second time: %v", err)
		}
		if err := cancel(t, w, "unknown"); !errors.Is(err, store.ErrNone) {
			t.Errorf("an unknown one: %v", err)
		}
		for _, at := range []time.Time{open.Opens, open.Closes.Add(-time.Microsecond), open.Closes} {
			w.Clock.Set(at)
			if err := cancel(t, w, open.ID); !errors.Is(err, store.ErrNone) {
				t.Errorf("one that has opened, at %s: %v", at, err)
			}
		}
		if after := version(t, w); after < before+1 {
			t.Errorf("one cancellation raised the version from %d to %d", before, after)
		}
		list, err := Windows(t.Context(), w.DB)
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		if list[0].Cancelled != (time.Time{}) || list[1].Cancelled != storetest.Start {
			t.Errorf("cancelled at %v and %v", list[0].Cancelled, list[1].Cancelled)
		}
	})
}

func TestAWindowIsLiftedWhileItIsOpenAndKeepsItsPlannedClose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		lift := func(id string) error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Lift(ctx, tx, id, "sato") })
		}
		find := func(id string) Window {
			one, _, err := Find(t.Context(), w.DB, id)
			if err != nil {
				t.Fatal(err)
			}
			return one
		}
		one, at := plan(t, w, time.Hour, 3*time.Hour), plan(t, w, 5*time.Hour, 6*time.Hour)
		taken := plan(t, w, time.Hour, 2*time.Hour)
		if err := lift(one.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("before it opens: %v", err)
		}
		if err := cancel(t, w, taken.ID); err != nil {
			t.Fatal(err)
		}
		middle := one.Opens.Add(time.Hour)
		w.Clock.Set(middle)
		before := version(t, w)
		if err := lift(one.ID); err != nil {
			t.Fatal(err)
		}
		for what, id := range map[string]string{"a second time": one.ID, "a cancelled one": taken.ID, "an unknown one": "unknown"} {
			if err := lift(id); !errors.Is(err, store.ErrNone) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if got := find(one.ID); got.Closes != middle || got.LiftedFrom != one.Closes || got.Covers(middle) || got.At(middle) != Lifted || version(t, w) <= before {
			t.Errorf("lifted: %+v, version %d", got, version(t, w))
		}
		// In the very instant in which it opens, it was open for that instant.
		w.Clock.Set(at.Opens)
		if err := lift(at.ID); err != nil {
			t.Fatal(err)
		}
		if got := find(at.ID); got.Covers(at.Opens.Add(time.Microsecond)) || got.LiftedFrom != at.Closes {
			t.Errorf("lifted as it opens: %+v", got)
		}
		w.Clock.Set(one.Closes)
		if got := find(one.ID); got.Opens != one.Opens || got.Closes != middle {
			t.Errorf("what has passed was moved: %+v", got)
		}
	})
}
