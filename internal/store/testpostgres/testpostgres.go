// Package testpostgres gives tests a real PostgreSQL: a fresh, empty database
// for each that asks. The server is the one NIDAN_TEST_POSTGRES names, as
// ./test.sh sets it, or else one private to this user, started on first use and
// kept for later runs. It is never the portal's own, and no test skips for want of it.
package testpostgres

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// URL is the address of the test server as its superuser. A test that only
// wants tables asks Database instead.
func URL(t testing.TB) string {
	t.Helper()
	address, err := server()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	return address
}

// Database creates an empty database, ordered by bytes as SQLite orders, and
// returns its URL. It is dropped when the test ends, even with connections open.
func Database(t testing.TB) string {
	t.Helper()
	return create(t, empty)
}

// empty is how an empty database is made.
const empty = " template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"

// create makes a database for one test.
func create(t testing.TB, how string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	address, err := address(name)
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	admin, err := connect()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	if _, err := admin.ExecContext(t.Context(), "create database "+name+how); err != nil {
		t.Fatalf("PostgreSQL for tests: create a database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("drop database if exists " + name + " with (force)"); err != nil {
			t.Errorf("PostgreSQL for tests: drop %s: %v", name, err)
		}
	})
	return address
}

// address is the URL of one database of the test server.
func address(name string) (string, error) {
	text, err := server()
	if err != nil {
		return "", err
	}
	address, err := url.Parse(text)
	if err != nil || address.Host == "" {
		return "", errors.New("NIDAN_TEST_POSTGRES must be a URL like postgres://user:password@host:port/postgres")
	}
	address.Path = "/" + name
	return address.String(), nil
}

var server = sync.OnceValues(func() (string, error) {
	if address := os.Getenv("NIDAN_TEST_POSTGRES"); address != "" {
		return address, nil
	}
	return startShared()
})

var connect = sync.OnceValues(func() (*sql.DB, error) {
	address, err := server()
	if err != nil {
		return nil, err
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		return nil, fmt.Errorf("read the URL of the test server: %w", err)
	}
	admin.SetMaxOpenConns(2) // every test binary holds these; the server has 200 for all
	return admin, nil
})
