package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// machine is a machine's clock that a test stops and sets; it runs otherwise.
type machine struct {
	ahead atomic.Int64
	still atomic.Pointer[time.Time]
}

func (m *machine) now() time.Time {
	if at := m.still.Load(); at != nil {
		return *at
	}
	return time.Now().Add(time.Duration(m.ahead.Load()))
}

// hearing opens a node on PostgreSQL that listens.
func hearing(t *testing.T, source string) (*store.DB, *told, *machine, *atomic.Int64) {
	t.Helper()
	db, m, lost := node(t, source), &machine{}, &atomic.Int64{}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { db.Listen(ctx, m.now, func(error) { lost.Add(1) }) })
	t.Cleanup(func() { stop(); all.Wait() })
	l := heeding(db)
	sure(t, db)
	l.forget()
	return db, l, m, lost
}

// soon waits for what other connections bring about.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 2000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it never happens: " + what)
}

func TestOnPostgreSQLEachNodeHearsOfADeedWithItsCommit(t *testing.T) {
	source := storetest.PostgreSQL(t)
	own, l, _, _ := hearing(t, source)
	third, of3, _, _ := hearing(t, source)
	silent := node(t, source) // as a command of the console: it says, and hears nothing
	if silent.Sure(time.Now()) {
		t.Error("a node that does not listen is sure")
	}
	seeing(t, silent, about)
	soon(t, "a narrow change", func() bool { return l.about(whoever) && of3.about(whoever) })
	if l.all() != 0 {
		t.Error("everybody forgets for a narrow change")
	}
	seeing(t, silent, plainly)
	soon(t, "a wide change", func() bool { return l.all() == 1 && of3.all() == 1 })
	// What is for this node alone is not said to others, and of an own deed nothing comes back.
	l.forget()
	of3.forget()
	if err := own.Write(t.Context(), stating(func(tx *store.Tx) *store.Tx { return tx.AboutHere("o", "h") },
		`update session set network = $1 where organization_id = $2 and holder_id = $3`, "x", "o", "h")); err != nil {
		t.Fatal(err)
	}
	seeing(t, own, plainly)
	soon(t, "a wide change of the other", func() bool { return of3.all() == 1 })
	seeing(t, third, about)
	soon(t, "a narrow change", func() bool { return l.about(whoever) })
	if l.all() != 1 || of3.about(store.Holder{Organization: "x"}) {
		t.Errorf("of its own deed it is told %d times", l.all())
	}
	// Nothing is said of what was taken back.
	of3.forget()
	err := silent.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(stating(plainly, `update session set network = 'x'`)(ctx, tx), store.ErrNone)
	})
	if !errors.Is(err, store.ErrNone) {
		t.Fatal(err)
	}
	seeing(t, silent, about)
	soon(t, "the next change", func() bool { return of3.about(whoever) })
	if of3.all() != 0 {
		t.Error("what was rolled back was said")
	}
}

// backends ends the connections that listen.
const backends = `select count(pg_terminate_backend(pid)) from pg_stat_activity
	where datname = current_database() and application_name = 'nidan listening'`

func TestAListenerThatIsKilledIsNotSureUntilItHearsAgain(t *testing.T) {
	source := storetest.PostgreSQL(t)
	own, l, _, lost := hearing(t, source)
	silent := node(t, source)
	var n int
	if err := silent.QueryRow(t.Context(), backends).Scan(&n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	soon(t, "the loss", func() bool { return lost.Load() > 0 })
	seeing(t, silent, about) // nobody hears this
	sure(t, own)
	if l.all() < 2 { // when it was lost, and when it came back
		t.Errorf("what was said meanwhile may be lost: forgotten %d times", l.all())
	}
	l.forget()
	seeing(t, silent, about)
	soon(t, "a change after it came back", func() bool { return l.about(whoever) })
}

// A process that is stopped for a while, or a machine that slept, is not sure when it
// goes on: by the monotonic clock and by the wall's.
func TestAStoppedNodeIsNotSureWhenItGoesOn(t *testing.T) {
	own, _, m, _ := hearing(t, storetest.PostgreSQL(t))
	at := m.now()
	m.still.Store(&at) // no beat is sent at a later time from here on
	soon(t, "beats of the moment it stopped", func() bool { return own.Sure(at) })
	time.Sleep(600 * time.Millisecond) // one beat more, so that the latest is of that time
	for _, c := range []struct {
		name string
		now  time.Time
		sure bool
	}{
		{"at once", at, true},
		{"before two seconds", at.Add(2*time.Second - 1), true},
		{"after two seconds", at.Add(2 * time.Second), false},
		{"after a minute", at.Add(time.Minute), false},
		{"the monotonic clock stood still", at.Round(0).Add(time.Minute), false},
		{"the wall clock was set back", at.Round(0).Add(-time.Minute), false},
	} {
		if own.Sure(c.now) != c.sure {
			t.Errorf("%s: sure: %t", c.name, !c.sure)
		}
	}
	m.still.Store(nil)
	sure(t, own)
}
