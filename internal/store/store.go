// Package store is the two engines, SQLite and PostgreSQL, behind one SQL text.
//
// A room reads with DB.Query and DB.QueryRow (one round trip each) and writes in
// DB.Write: one transaction that no other can have interleaved with (BEGIN
// IMMEDIATE on SQLite, SERIALIZABLE with retry on PostgreSQL), so its function
// must be safe to run again and must not wait for a hash, a mail or a request.
// Only this package knows drivers; SQL stands in the rooms' store.go.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Engine is the kind of database.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgresql"
)

// What a statement can come back with. The drivers' own errors are mapped to these.
var (
	ErrNone    = errors.New("no such row")
	ErrTaken   = errors.New("the value is taken")           // a unique index refused
	ErrMissing = errors.New("a row it refers to is gone")   // a foreign key refused
	ErrCheck   = errors.New("a value is outside its check") // a check constraint refused
	ErrBusy    = errors.New("the database is too busy")     // retries were used up, or a lock was not given in time
	ErrFull    = errors.New("the database has no room")     // its disk is full; nothing was written
	ErrAway    = errors.New("the database does not answer") // or its disk does not; nothing was written
	ErrUnsure  = errors.New("it may have been done or not") // the answer to a commit was lost
	ErrNested  = errors.New("a transaction inside a transaction")
)

// DB is one database. It is safe for concurrent use.
type DB struct {
	engine Engine
	now    func() time.Time
	read   *pool   // on SQLite: many connections that cannot write
	write  *writer // on SQLite: the one connection that writes
	source string  // its name for people
	heed   *heed
	held   time.Time // see Under
	// address is where it is, as the settings say: with a password, and not for people.
	address string
	steps   []Migration // of Knowing; nil: this program's own
}

// Reader reads: a DB outside, a Tx inside a transaction.
type Reader interface {
	Query(ctx context.Context, text string, args ...any) (*Rows, error)
	QueryRow(ctx context.Context, text string, args ...any) *Row
}

// Open opens a database: `postgres://…`, or the path of an SQLite file, made
// when it is not there. now is read after each lock, see Tx.Now.
func Open(ctx context.Context, source string, now func() time.Time) (*DB, error) {
	if strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://") {
		return openPostgres(ctx, source, now)
	}
	return openSQLite(ctx, source, now)
}

// Engine says which engine this is.
func (db *DB) Engine() Engine { return db.engine }

// Now is the instant by which it is written.
func (db *DB) Now() time.Time { return db.now() }

// Name is the database for people: its path or its host and name, never a password.
func (db *DB) Name() string { return db.source }

// Close ends all connections.
func (db *DB) Close() error {
	err := errors.Join(db.write.close(), db.read.close())
	if db.heed.lite != nil {
		left := db.read.db.Stats().OpenConnections + db.write.db.Stats().OpenConnections
		db.heed.lite.close(left == 0)
	}
	return err
}

// Query reads rows.
func (db *DB) Query(ctx context.Context, text string, args ...any) (*Rows, error) {
	count(ctx)
	ended := stated(ctx, text)
	rows, err := db.read.query(ctx, text, args)
	ended(err)
	return rows, err
}

// QueryRow reads one row; its Scan answers ErrNone when there is none.
func (db *DB) QueryRow(ctx context.Context, text string, args ...any) *Row {
	if db.engine == PostgreSQL {
		count(ctx)
		return &Row{late: &lateRow{db.read.one, db.read.ask, ctx, text, args, stated(ctx, text)}}
	}
	rows, err := db.Query(ctx, text, args...)
	return &Row{rows: rows, err: err}
}

// Clock asks the database for its own time, for comparing nodes; on SQLite it is
// the machine's own and says nothing.
func (db *DB) Clock(ctx context.Context) (time.Time, error) {
	var micros int64
	text := `select cast(unixepoch('subsec') * 1000000 as bigint)`
	if db.engine == PostgreSQL {
		text = `select cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)`
	}
	if err := db.QueryRow(ctx, text).Scan(&micros); err != nil {
		return time.Time{}, fmt.Errorf("database clock: %w", err)
	}
	return Time(micros), nil
}

// Micros is an instant as the store keeps it; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is a stored instant in UTC; 0 is the zero time.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Instant scans a bigint column, null included, into a time; null is the zero time.
type Instant struct{ time.Time }

// Scan reads microseconds.
func (i *Instant) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		i.Time = time.Time{}
	case int64:
		i.Time = Time(v)
	default:
		return fmt.Errorf("an instant is a bigint, not %T", v)
	}
	return nil
}

// When binds an instant that may be missing: the zero time becomes null.
func When(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Rows are the rows of a query; see database/sql.Rows.
type Rows struct {
	*sql.Rows
	ctx  context.Context //nolint:containedctx // of the question; nil: the driver looks at it
	gone error           // it ended before the rows did
}

// Next goes to the next row.
func (r *Rows) Next() bool {
	if r.ctx != nil && r.gone == nil {
		r.gone = r.ctx.Err()
	}
	return r.gone == nil && r.Rows.Next()
}

// Scan reads the present row.
func (r *Rows) Scan(dest ...any) error { return mapError(r.Rows.Scan(dest...)) }

// Err is what ended the rows early, if anything.
func (r *Rows) Err() error {
	if r.gone != nil {
		return r.gone
	}
	return mapError(r.Rows.Err())
}

// Row is the one row of a query.
type Row struct {
	rows *Rows
	err  error
	late *lateRow // nil: it was asked already
}

// Scan reads the row; ErrNone says that there was none.
func (r *Row) Scan(dest ...any) error {
	if r.late != nil {
		return r.late.scan(dest)
	}
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNone
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return mapError(r.rows.Close())
}
