// Package storetest gives a test a real database of each engine.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Start is the instant at which a test's clock stands: in the announcement's period.
var Start = time.Date(2018, 3, 10, 3, 0, 0, 0, time.UTC)

// World is a migrated, empty database with its clock and keys.
type World struct {
	DB    *store.DB
	Clock *clock.Clock
	Keys  *secret.Keys
}

// Each runs a test on a temporary SQLite file and on PostgreSQL, each with a
// clock that stands at Start.
func Each(t *testing.T, test func(t *testing.T, w World)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, Open(t, SQLite(t))) })
	t.Run("postgresql", func(t *testing.T) { test(t, Open(t, PostgreSQL(t))) })
}

// Open opens one database for a test and migrates what is not. A file that is not
// there becomes a copy, as SQLite makes.
func Open(t testing.TB, source string) World {
	t.Helper()
	if absent(source) {
		copyTo(t, source)
	}
	w := World{Clock: clock.At(Start), Keys: Keys(t)}
	db, err := store.Open(context.Background(), source, w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.DB = db
	return w
}

// Keys are fixed keys for tests.
func Keys(t testing.TB) *secret.Keys {
	t.Helper()
	keys, err := secret.NewKeys([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TwoKeys are Keys with a second key beside it, as read from a key file. The first
// seals, until Adopt says otherwise.
func TwoKeys(t testing.TB) *secret.Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nidan.key")
	err := os.WriteFile(path, []byte("nidan-key-1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"), 0o600)
	if err == nil {
		_, _, err = secret.AddKey(path, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secret.ReadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
