package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// The pragmas of every connection. FULL: what was answered as done is there after
// a power cut, and a spent code stays spent. The page cache is 4 MiB a connection.
// The log is taken into the file at 16 MiB, not at 4: a mailing changes the same
// pages again and again, and whoever commits at that moment waits for all of them.
const pragmas = "_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
	"&_pragma=wal_autocheckpoint(4000)&_pragma=foreign_keys(1)&_pragma=cache_size(-4000)&_pragma=trusted_schema(0)"

// The pragmas of a scratch database: it is thrown away, so nothing waits for the
// disk, and what one of its rows refers to need not be there.
const scratchPragmas = "_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)" +
	"&_pragma=foreign_keys(0)&_pragma=cache_size(-32000)&_pragma=trusted_schema(0)&_pragma=temp_store(memory)"

// OpenScratch opens a new SQLite database that lives no longer than its file, and
// is lost with the machine's power. Foreign keys are not held.
func OpenScratch(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	return openFile(ctx, path, scratchPragmas, now)
}

func openSQLite(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	return openFile(ctx, path, pragmas, now)
}

func openFile(ctx context.Context, path, pragmas string, now func() time.Time) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	if err := private(absolute); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	file := (&url.URL{Scheme: "file", Path: absolute}).String()
	write, err := sql.Open("sqlite", file+"?"+pragmas)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	conn, err := write.Conn(ctx)
	if err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	// A reader cannot write, whatever its statement says: modernc does not enforce
	// read-only transactions, query_only does.
	read, err := sql.Open("sqlite", file+"?"+pragmas+"&_pragma=query_only(1)")
	if err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	readers := max(4, 2*runtime.NumCPU())
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	lite := &lite{path: absolute}
	// Without an answer the first transaction makes everybody forget, no more.
	_ = conn.QueryRowContext(ctx, "pragma data_version").Scan(&lite.version)
	opened := &DB{
		engine: SQLite, now: now, source: path, heed: &heed{},
		read:  newPool(read, true),
		write: &writer{db: write, conn: conn, turn: make(chan struct{}, 1), made: map[string]*sql.Stmt{}, lite: lite},
	}
	opened.heed.lite, lite.tell = lite, opened.heed.tell
	return opened, nil
}

// private makes the file readable by its owner alone before SQLite does; its
// -wal and -shm files take the same mode.
func private(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
