package store_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/store/testpostgres"
)

func file(t *testing.T) string     { return filepath.Join(t.TempDir(), "nidan.db") }
func postgres(t *testing.T) string { return testpostgres.Database(t) }

func TestBothEnginesRefuseInTheSameWords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		for _, c := range []struct {
			name, text string
			want       error
		}{
			{"a primary key twice", `insert into tally (name, n) values ('a', 1)`, store.ErrTaken},
			{"an integer primary key twice", `insert into policy (id, version) values (1, 1)`, store.ErrTaken},
			{"a unique value twice", `insert into organization (id, name, name_key, created_at) values ('1', 'x', 'x', 0), ('2', 'X', 'x', 0)`, store.ErrTaken},
			{"a row it refers to is gone", `insert into mark (id, tally) values ('1', 'z')`, store.ErrMissing},
			{"a row others refer to goes", `delete from tally where name = 'b'`, store.ErrMissing},
			{"one it refers to is gone, seen at the end", `insert into mark (id, tally, other) values ('2', 'a', 'z')`, store.ErrMissing},
			{"outside its check", `update tally set n = -1 where name = 'a'`, store.ErrCheck},
		} {
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if c.name == "a row others refer to goes" {
					if _, err := tx.Exec(ctx, `insert into mark (id, tally) values ('0', 'b')`); err != nil {
						return err
					}
				}
				_, err := tx.Exec(ctx, c.text)
				return err
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
			for _, other := range []error{store.ErrNone, store.ErrTaken, store.ErrMissing, store.ErrCheck, store.ErrBusy} {
				if other != c.want && errors.Is(err, other) { //nolint:errorlint // which of them it is not
					t.Errorf("%s: %v is also %v", c.name, err, other)
				}
			}
		}
		var marks int
		if err := w.DB.QueryRow(t.Context(), `select count(*) from mark`).Scan(&marks); err != nil || marks != 0 {
			t.Errorf("%d rows of refused transactions are there, %v", marks, err)
		}
	})
}

func TestAnErrorOfTheDriverThatHasNoNameHereStaysAsItIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		err := w.DB.QueryRow(t.Context(), `select n from nowhere`).Scan(new(int))
		if err == nil || !strings.Contains(err.Error(), "nowhere") || errors.Is(err, store.ErrNone) {
			t.Errorf("%v", err)
		}
	})
}

func TestNoRowIsAnErrorOfItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		const text = `select n from tally where name = 'z'`
		var n int64
		if err := w.DB.QueryRow(t.Context(), text).Scan(&n); !errors.Is(err, store.ErrNone) {
			t.Errorf("outside: %v", err)
		}
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := tx.QueryRow(ctx, text).Scan(&n); !errors.Is(err, store.ErrNone) {
				t.Errorf("inside: %v", err)
			}
			if err := tx.QueryRow(ctx, `update tally set n = 5 where name = 'z' returning n`).Scan(&n); !errors.Is(err, store.ErrNone) {
				t.Errorf("a conditional write: %v", err)
			}
			return tx.QueryRow(ctx, `update tally set n = 5 where name = 'a' returning n`).Scan(&n)
		})
		if err != nil || n != 5 || count(t, w, "a") != 5 {
			t.Errorf("a write that returns its row: %d, %v", n, err)
		}
	})
}

// modernc does not keep read-only transactions; what reads has connections that cannot write.
func TestAReaderOfSQLiteCannotWrite(t *testing.T) {
	w := storetest.Open(t, file(t))
	tally(t, w)
	for _, text := range []string{
		`update tally set n = 7 where name = 'a' returning n`,
		`insert into tally (name, n) values ('c', 1) returning n`,
		`delete from tally returning n`,
	} {
		if err := w.DB.QueryRow(t.Context(), text).Scan(new(int64)); err == nil || errors.Is(err, store.ErrNone) {
			t.Errorf("%s: %v", text, err)
		}
	}
	var rows int
	if err := w.DB.QueryRow(t.Context(), `select count(*) from tally where n = 0`).Scan(&rows); err != nil || rows != 2 {
		t.Errorf("%d rows are as they were, %v", rows, err)
	}
}

func TestAReaderSeesWhatWasCommittedAndNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := set(ctx, tx, "a", 1); err != nil {
				return err
			}
			if n := count(t, w, "a"); n != 0 {
				t.Errorf("%d is read before it is committed", n)
			}
			return nil
		})
		if n := count(t, w, "a"); err != nil || n != 1 {
			t.Errorf("%d is read once it is committed, %v", n, err)
		}
	})
}

func TestRoundTripsAreCountedEachOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tally(t, w)
		ctx, trips := store.Counting(t.Context())
		step := func(name string, want int64, do func() error) {
			before := trips.N()
			if err := do(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := trips.N() - before; got != want {
				t.Errorf("%s: %d round trips, want %d", name, got, want)
			}
		}
		var n int64
		step("one row", 1, func() error { return w.DB.QueryRow(ctx, `select n from tally where name = 'a'`).Scan(&n) })
		step("many rows", 1, func() error {
			rows, err := w.DB.Query(ctx, `select name from tally`)
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return errors.Join(rows.Err(), rows.Close())
		})
		begins := int64(1)
		if w.DB.Engine() == store.PostgreSQL {
			begins = 0 // it goes with the first statement
		}
		step("begin, two statements, commit", begins+3, func() error {
			return w.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.QueryRow(ctx, `select n from tally where name = 'a'`).Scan(&n); err != nil {
					return err
				}
				return set(ctx, tx, "a", n+1)
			})
		})
		step("begin, and nothing to commit", begins, func() error {
			broken := errors.New("broken off")
			if err := w.DB.Write(ctx, func(context.Context, *store.Tx) error { return broken }); !errors.Is(err, broken) {
				return err
			}
			return nil
		})
		step("what others do", 0, func() error { return w.DB.QueryRow(t.Context(), `select n from tally where name = 'a'`).Scan(&n) })
	})
}

func TestAnInstantIsKeptToTheMicrosecondInUTC(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `create table instant (at bigint)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		tokyo := time.FixedZone("JST", 9*3600)
		for _, c := range []struct{ kept, read time.Time }{
			{time.Time{}, time.Time{}},
			{time.Date(2018, 4, 25, 0, 0, 0, 123456000, tokyo), time.Date(2018, 4, 24, 15, 0, 0, 123456000, time.UTC)},
			{time.Date(2018, 4, 24, 15, 0, 0, 999, time.UTC), time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)},
			{time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)},
			{time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)},
		} {
			var read store.Instant
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return tx.QueryRow(ctx, `insert into instant (at) values ($1) returning at`, store.When(c.kept)).Scan(&read)
			})
			if err != nil || read.Time != c.read || store.Time(store.Micros(c.kept)) != c.read {
				t.Errorf("%s is read as %s, %v", c.kept, read, err)
			}
		}
		var missing int
		if err := w.DB.QueryRow(t.Context(), `select count(*) from instant where at is null`).Scan(&missing); err != nil || missing != 1 {
			t.Errorf("%d of them are null, %v", missing, err)
		}
		if err := new(store.Instant).Scan("2018-04-24"); err == nil {
			t.Error("a text is an instant")
		}
	})
}

func TestADatabasesNameHoldsNoPassword(t *testing.T) {
	u, err := url.Parse(postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	secret, set := u.User.Password()
	if !set { // a server that trusts everybody takes any
		secret = "correct-horse"
		u.User = url.UserPassword(u.User.Username(), secret)
	}
	name := storetest.Open(t, u.String()).DB.Name()
	if strings.Contains(name, secret) || !strings.Contains(name, u.Path) {
		t.Errorf("%s", name)
	}
	path := file(t)
	if w := storetest.Open(t, path); w.DB.Name() != path || w.DB.Engine() != store.SQLite {
		t.Errorf("%s on %s", w.DB.Name(), w.DB.Engine())
	}
}

func TestAnSQLiteFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "nidan.db")
	empty(t, path) // makes the folder and the file, of which Open would make a copy
	w := storetest.Open(t, path)
	tally(t, w)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 { // with its -wal
		t.Fatal(files, err)
	}
	for _, name := range append(files, filepath.Dir(path)) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %04o", filepath.Base(name), info.Mode().Perm())
		}
	}
}

func TestTheDatabasesOwnTimeIsAnInstant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		before := time.Now().Add(-time.Minute)
		at, err := w.DB.Clock(t.Context())
		if err != nil || at.Before(before) || at.After(before.Add(3*time.Minute)) {
			t.Errorf("%s, %v", at, err)
		}
	})
}
