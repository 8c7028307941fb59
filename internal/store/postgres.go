package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// connections bounds what one node takes of the server's.
const connections = 24

// patience is what the server waits for on our behalf; an address may say otherwise
// (…?lock_timeout=8s). Who waits longer for a lock than busy_timeout on SQLite is told
// that the database is busy, as there. A node that was stopped in the middle of a
// transaction keeps its rows from the others no longer than that either: none of ours
// waits for anything outside. It is said by a statement: a pooler in between refuses
// settings that it does not know at the start of a connection.
var patience = map[string]string{"lock_timeout": "5s", "idle_in_transaction_session_timeout": "15s"}

func openPostgres(ctx context.Context, source string, now func() time.Time) (*DB, error) {
	config, err := dial(source)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	known := &hosts{}
	known.watch(config)
	db := stdlib.OpenDB(*config, stdlib.OptionBeforeConnect(known.first))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	wire := &wire{node: rand.Text()}
	opened := &DB{
		engine: PostgreSQL, now: now, source: nameOf(config), address: source, heed: &heed{},
		read:  newPool(db, false),
		write: &writer{db: db, wire: wire, lines: newLines()},
	}
	opened.heed.wire, wire.tell = wire, opened.heed.tell
	return opened, nil
}

// trySerializable is one attempt on a connection of its own. Of a server that went away
// many may be left: nothing was done on one that breaks before anything was begun, and the
// next is tried.
func (w *writer) trySerializable(asked, ctx context.Context, now func() time.Time, deed *deed, do func(context.Context, *Tx) error) error {
	for tries := 0; ; tries++ {
		conn, err := w.db.Conn(asked)
		if asked.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return context.Cause(asked)
		}
		if err != nil {
			return mapError(err)
		}
		f := &flight{conn: conn, later: []deferred{{text: begin}}}
		err = w.fly(ctx, f, now, deed, do)
		if err == nil || tries == connections || ctx.Err() != nil || !f.lost() {
			return err
		}
	}
}

// fly runs a transaction to its end: what other nodes have to hear goes with the commit.
func (w *writer) fly(ctx context.Context, f *flight, now func() time.Time, deed *deed, do func(context.Context, *Tx) error) error {
	defer func() { _ = f.conn.Close() }() // it goes back to the pool, which looks at it
	open := true
	defer func() {
		if open { // do failed or panicked, or the commit did: nothing of it stays
			rollback(ctx, f.conn)
		}
	}()
	server := linkOf(f.conn)
	tx := &Tx{now: now(), params: paramsPg, deed: deed, past: server.past, exec: f.exec, rows: f.rows, one: f.one, flight: f}
	if err := do(ctx, tx); err != nil {
		return err
	}
	count(ctx)
	told, number := w.wire.notice(deed.told)
	w.wire.say(number)
	server.warned.Store(false)
	if err := f.commit(ctx, told); err != nil {
		w.wire.unsay(number)
		return mapCommit(err)
	}
	open = false
	if server.warned.Load() {
		return fmt.Errorf("%w (%w)", ErrUnsure, errAlone)
	}
	return nil
}

// rollbackTime is what the server has to take a transaction back; a connection on which
// it takes longer is given up.
const rollbackTime = 5 * time.Second

func rollback(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	_ = conn.Raw(func(given any) error {
		c, ok := given.(*stdlib.Conn)
		if !ok || c.Conn().IsClosed() {
			return driver.ErrBadConn
		}
		if c.Conn().PgConn().TxStatus() == 'I' {
			return nil
		}
		if _, err := c.Conn().PgConn().Exec(ctx, "rollback").ReadAll(); err != nil {
			return driver.ErrBadConn
		}
		return nil
	})
}
