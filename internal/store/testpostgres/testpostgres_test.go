package testpostgres

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestEachDatabaseIsFreshAndItsOwn(t *testing.T) {
	first, second := open(t, Database(t)), open(t, Database(t))
	for _, db := range []*sql.DB{first, second} {
		if _, err := db.Exec("create table mark (id text primary key)"); err != nil {
			t.Errorf("a fresh database already had the table: %v", err)
		}
	}
}

func TestTextIsOrderedByBytes(t *testing.T) {
	db := open(t, Database(t))
	var capitalFirst bool
	if err := db.QueryRow("select 'B' < 'a'").Scan(&capitalFirst); err != nil {
		t.Fatal(err)
	}
	if !capitalFirst {
		t.Error("the order is a language's, not that of the bytes: SQLite would sort otherwise")
	}
}

func TestADatabaseIsGoneAfterItsTest(t *testing.T) {
	var address string
	t.Run("a test that leaves a connection open", func(inner *testing.T) {
		address = Database(inner)
		db := open(t, address) // closed only after the outer test
		if err := db.Ping(); err != nil {
			inner.Fatal(err)
		}
	})
	if answers(address) {
		t.Error("the database is still there")
	}
}

func TestAServerLeavesNothingBehind(t *testing.T) {
	parent, err := os.MkdirTemp("", "nidan-testpostgres.*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	if err := os.Chmod(parent, 0o711); err != nil { // the server's user must come through
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "server")
	address, err := Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !answers(address) {
		t.Error("started, but does not answer")
	}
	if err := Stop(dir); err != nil {
		t.Error(err)
	}
	if answers(address) {
		t.Error("stopped, but still answers")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}
