package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// empty opens a database and migrates nothing.
func empty(t *testing.T, source string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), source, func() time.Time { return storetest.Start })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// eachEmpty runs a test on the place of an empty database of each engine.
func eachEmpty(t *testing.T, test func(t *testing.T, source string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, file(t)) })
	t.Run("postgresql", func(t *testing.T) { test(t, postgres(t)) })
}

func change(t *testing.T, db *store.DB, text string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func known(t *testing.T) []store.Migration {
	t.Helper()
	steps, err := store.Migrations()
	if err != nil || len(steps) == 0 {
		t.Fatal(steps, err)
	}
	return steps
}

func TestOfThreeNodesThatMigrateAtOnceOneDoesTheWorkAndNoneFails(t *testing.T) {
	eachEmpty(t, func(t *testing.T, source string) {
		nodes := []*store.DB{empty(t, source), empty(t, source), empty(t, source)}
		applied := make([]int, len(nodes))
		start := make(chan struct{})
		var all sync.WaitGroup
		for i, db := range nodes {
			all.Go(func() {
				<-start
				steps, err := db.Migrate(t.Context())
				if err != nil {
					t.Errorf("node %d: %v", i, err)
				}
				applied[i] = len(steps)
			})
		}
		close(start)
		all.Wait()
		if sum := applied[0] + applied[1] + applied[2]; sum != len(known(t)) {
			t.Errorf("the nodes applied %v of %d steps", applied, len(known(t)))
		}
		for _, db := range nodes {
			if empty, err := db.Schema(t.Context()); empty || err != nil {
				t.Errorf("empty %t, %v", empty, err)
			}
		}
	})
}

func TestAnEmptyDatabaseIsToldFromAMigratedOne(t *testing.T) {
	eachEmpty(t, func(t *testing.T, source string) {
		db := empty(t, source)
		if empty, err := db.Schema(t.Context()); !empty || err != nil {
			t.Errorf("before: empty %t, %v", empty, err)
		}
		if applied, err := db.Migrate(t.Context()); err != nil || len(applied) != len(known(t)) {
			t.Fatalf("%d steps, %v", len(applied), err)
		}
		if empty, err := db.Schema(t.Context()); empty || err != nil {
			t.Errorf("after: empty %t, %v", empty, err)
		}
		if applied, err := db.Migrate(t.Context()); err != nil || len(applied) != 0 {
			t.Errorf("again: %d steps, %v", len(applied), err)
		}
	})
}

func TestASchemaOfAnotherProgramIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil, said string
		migrates    bool // what is only missing, migrating mends
	}{
		"a step with another text": {`update migration set digest = 'another' where version = 1`, "another text", false},
		"a step this program has never seen": {`insert into migration (version, name, digest, applied_at) values (9999, 'x', 'x', 0)`,
			"newer nidan", true},
		"tables without the list of steps": {`drop table migration`, "no list of migrations", false},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, w storetest.World) {
				change(t, w.DB, c.spoil)
				empty, err := w.DB.Schema(t.Context())
				if empty || !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), c.said) {
					t.Errorf("empty %t, %v", empty, err)
				}
				if _, err := w.DB.Migrate(t.Context()); (err == nil) != c.migrates {
					t.Errorf("migrating answers %v", err)
				}
			})
		})
	}
}

func TestAMissingStepAsksForMigrate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		last := known(t)[len(known(t))-1]
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `delete from migration where version = $1`, last.Version)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.DB.Schema(t.Context()); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "nidan migrate") {
			t.Errorf("%v", err)
		}
	})
}

func TestAFailedMigrationLeavesNothing(t *testing.T) {
	eachEmpty(t, func(t *testing.T, source string) {
		db := empty(t, source)
		change(t, db, `create table audit (mine text)`) // in the way of the portal's own
		if _, err := db.Migrate(t.Context()); err == nil {
			t.Fatal("another's table was taken for the portal's")
		}
		for _, table := range []string{"migration", "portal", "account"} {
			err := db.QueryRow(t.Context(), `select count(*) from `+table).Scan(new(int))
			if err == nil {
				t.Errorf("%s is there", table)
			}
		}
		change(t, db, `drop table audit`)
		if applied, err := db.Migrate(t.Context()); err != nil || len(applied) != len(known(t)) {
			t.Errorf("with the way free: %d steps, %v", len(applied), err)
		}
	})
}

func TestStepsAreNumberedInOrderAndNamedByTheirText(t *testing.T) {
	for i, step := range known(t) {
		if step.Version != i+1 || step.Text == "" || len(step.Digest) != 64 {
			t.Errorf("%+v", step)
		}
	}
}

func TestADatabaseIsMarkedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		if _, err := store.ReadPortal(t.Context(), w.DB); !errors.Is(err, store.ErrNone) {
			t.Errorf("before: %v", err)
		}
		mark := func(check string, demo bool) error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return store.MarkPortal(ctx, tx, []byte(check), demo)
			})
		}
		if err := mark("first", true); err != nil {
			t.Fatal(err)
		}
		if err := mark("second", false); !errors.Is(err, store.ErrTaken) {
			t.Errorf("a second time: %v", err)
		}
		m, err := store.ReadPortal(t.Context(), w.DB)
		if err != nil || string(m.KeyCheck) != "first" || !m.Demo || m.Created != storetest.Start {
			t.Errorf("%+v, %v", m, err)
		}
	})
}
