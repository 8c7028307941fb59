package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
)

// SQLite is the path of a migrated, empty SQLite file of the test's own.
//
// It is a copy of one that the program's own migrations made: most of a short
// test's time was spent on making the same tables again. What migrating does is
// tested in internal/store, on databases that are empty indeed.
func SQLite(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nidan.db")
	copyTo(t, path)
	return path
}

func copyTo(t testing.TB, path string) {
	t.Helper()
	made, err := sqlite()
	if err != nil {
		t.Fatal(err)
	}
	for part, content := range made {
		if err := os.WriteFile(path+part, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// absent says that an SQLite file is not there yet.
func absent(source string) bool {
	_, err := os.Stat(source)
	return !strings.Contains(source, "://") && os.IsNotExist(err)
}

// PostgreSQL is the URL of a migrated, empty database of the test's own, a copy as
// SQLite's is.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	steps, err := store.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	all := sha256.New()
	for _, step := range steps {
		all.Write([]byte(step.Digest))
	}
	return testpostgres.Copy(t, hex.EncodeToString(all.Sum(nil)[:10]), migrate)
}

// parts are what an SQLite database is kept in: the file, and the log in which most
// of it may still stand when it was closed.
var parts = []string{"", "-wal"}

// sqlite makes the one database that is copied, once for each test binary.
var sqlite = sync.OnceValues(func() (made map[string][]byte, err error) {
	folder, err := os.MkdirTemp("", "nidan-storetest.*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "nidan.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	made = map[string][]byte{}
	for _, part := range parts {
		content, err := os.ReadFile(path + part)
		if err == nil {
			made[part] = content
		} else if !os.IsNotExist(err) {
			return nil, err
		}
	}
	return made, nil
})

func migrate(source string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, source, func() time.Time { return Start })
	if err != nil {
		return err
	}
	if _, err := db.Migrate(ctx); err != nil {
		_ = db.Close()
		return err
	}
	return db.Close()
}
