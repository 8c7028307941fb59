package store_test

import (
	"context"
	"os"
	program "os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// told collects what a node was told to forget.
type told struct {
	mu   sync.Mutex
	alls int
	list []store.Change
}

func heeding(db *store.DB) *told {
	l := &told{}
	db.Heed(func(c store.Change) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, c)
		if c.All {
			l.alls++
		}
	})
	return l
}

func (l *told) all() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.alls
}

func (l *told) about(who store.Holder) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.list, func(c store.Change) bool { return slices.Contains(c.Whose, who) })
}

func (l *told) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alls, l.list = 0, nil
}

// node opens a database once more, as another node does.
func node(t *testing.T, source string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), source, func() time.Time { return storetest.Start })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func seeing(t *testing.T, db *store.DB, view func(*store.Tx) *store.Tx) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := view(tx).Exec(ctx, `insert into mailotp (organization_id, holder_id, enrolled_at) values ($1, $2, $3)
			on conflict (organization_id, holder_id) do update set enrolled_at = mailotp.enrolled_at + 1`, "o", "h", 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	whoever = store.Holder{Organization: "o", ID: "h"}
	about   = func(tx *store.Tx) *store.Tx { return tx.About("o", "h") }
	plainly = func(tx *store.Tx) *store.Tx { return tx }
)

func sure(t *testing.T, db *store.DB) {
	t.Helper()
	for range 2000 {
		if db.Sure(time.Now()) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it never becomes sure")
}

func TestWhatIsNotNarrowedMakesEverybodyForget(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		l := heeding(w.DB)
		for _, c := range []struct {
			name string
			do   func(ctx context.Context, tx *store.Tx) error
			all  bool
			who  []store.Holder
		}{
			{"a table nobody keeps", stating(plainly, `insert into allowance (name, full_at) values ($1, $2)`, "k", 1), false, nil},
			{"reading", stating(plainly, `select id from session where organization_id = $1`, "o"), false, nil},
			{"a row of the gate's", stating(plainly, `insert into network (id, organization_id, prefix, description) select $1, id, $2, '' from organization`, "n", "p"), true, nil},
			{"an update that finds nothing", stating(plainly, `update session set network = $1 where organization_id = $2`, "x", "o"), true, nil},
			{"one that answers rows", func(ctx context.Context, tx *store.Tx) error {
				rows, err := tx.Query(ctx, `update session set network = $1 where organization_id = $2 returning id`, "x", "o")
				if err != nil {
					return err
				}
				return rows.Close()
			}, true, nil},
			{"one behind a with", stating(plainly, `with x as (select id from session where organization_id = $1) delete from session where id in (select id from x)`, "o"), true, nil},
			{"a new column", stating(plainly, `alter table session add column mark text`), true, nil},
			{"about somebody", stating(about, `update session set network = $1 where organization_id = $2 and holder_id = $3`, "x", "o", "h"), false, []store.Holder{whoever}},
			{"here", stating(func(tx *store.Tx) *store.Tx { return tx.AboutHere("o", "h") },
				`update session set network = $1 where organization_id = $2 and holder_id = $3`, "x", "o", "h"), false, []store.Holder{whoever}},
			{"about somebody else than it says", stating(about, `update session set network = $1 where organization_id = $2 and holder_id = $3`, "x", "o", "i"), true, nil},
			{"about an organization", stating(func(tx *store.Tx) *store.Tx { return tx.About("o", "") },
				`update session set network = $1 where organization_id = $2`, "x", "o"), false, []store.Holder{{Organization: "o"}}},
			{"about nobody", stating(func(tx *store.Tx) *store.Tx { return tx.About("", "") },
				`update session set network = $1 where organization_id = $2`, "x", "o"), true, nil},
			{"new rows", stating((*store.Tx).AboutNobody, `insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values ($1, $2, $3, 1, 0, 0)`, "o", "i", []byte{1}), false, nil},
			{"no new rows", stating((*store.Tx).AboutNobody, `update session set network = $1 where organization_id = $2`, "x", "o"), true, nil},
			{"perhaps no new rows", stating((*store.Tx).AboutNobody, `insert into mailotp (organization_id, holder_id, enrolled_at) values ($1, $2, $3)
				on conflict (organization_id, holder_id) do nothing`, "o", "h", 1), true, nil},
		} {
			l.forget()
			if err := w.DB.Write(t.Context(), c.do); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if all := l.all() > 0; all != c.all {
				t.Errorf("%s: everybody forgets: %t", c.name, all)
			}
			for _, who := range c.who {
				if !l.about(who) {
					t.Errorf("%s: %v is not forgotten", c.name, who)
				}
			}
			if len(c.who) == 0 && !c.all && len(l.list) > 0 {
				t.Errorf("%s: told %v", c.name, l.list)
			}
		}
	})
}

func stating(view func(*store.Tx) *store.Tx, text string, args ...any) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		_, err := view(tx).Exec(ctx, text, args...)
		return err
	}
}

func TestWhatIsTakenBackIsForgottenAllTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		l := heeding(w.DB)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := stating(about, `update session set network = $1 where organization_id = $2 and holder_id = $3`, "x", "o", "h")(ctx, tx); err != nil {
				return err
			}
			return store.ErrNone
		})
		if err == nil || !l.about(whoever) {
			t.Error(err, l.list)
		}
	})
}

// Two connections to one file: what the other one commits is known at the next
// question, whatever this one commits meanwhile; and what this one commits is nothing
// to forget beyond what it says.
func TestOnSQLiteTheNextQuestionKnowsOfAForeignCommit(t *testing.T) {
	source := storetest.SQLite(t)
	own, other := node(t, source), node(t, source)
	l := heeding(own)
	sure(t, own)
	l.forget()
	for range 50 {
		seeing(t, own, about)
		empty := stating(about, `update session set network = $1 where organization_id = $2 and holder_id = $3`, "x", "o", "h") // finds nothing
		if err := own.Write(t.Context(), empty); err != nil || !own.Sure(time.Now()) {
			t.Fatal("not sure of an own commit", err)
		}
	}
	if l.all() != 0 {
		t.Errorf("own commits made everybody forget %d times", l.all())
	}
	var own2 sync.WaitGroup
	var stop atomic.Bool
	own2.Go(func() {
		for !stop.Load() {
			seeing(t, own, about)
		}
	})
	for i := range 100 {
		before := l.all()
		seeing(t, other, about)
		sure(t, own)
		if l.all() == before {
			t.Errorf("the %d. foreign commit was not noticed", i)
		}
	}
	stop.Store(true)
	own2.Wait()
}

// The other connection may be in another process, such as a command of the console.
func TestOnSQLiteAnotherProcessesCommitIsKnown(t *testing.T) {
	if source := os.Getenv("NIDAN_TEST_COMMIT_INTO"); source != "" {
		seeing(t, node(t, source), plainly)
		return
	}
	source := storetest.SQLite(t)
	own := node(t, source)
	l := heeding(own)
	seeing(t, own, about)
	sure(t, own)
	seeing(t, own, about)
	l.forget()
	child := program.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "NIDAN_TEST_COMMIT_INTO="+source)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !own.Sure(time.Now()) || l.all() != 1 {
		t.Errorf("told %d times", l.all())
	}
	seeing(t, own, about) // its locks are as they were
}
