package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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

// trySerializable is one attempt on a connection of its own, with begin, commit and
// rollback said by name: what other nodes have to hear goes with the commit.
func (w *writer) trySerializable(asked, ctx context.Context, now func() time.Time, deed *deed, do func(context.Context, *Tx) error) error {
	count(ctx)
	conn, err := w.begin(asked, ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool, which looks at it
	open := true
	defer func() {
		if open { // do failed or panicked, or the commit did: nothing of it stays
			rollback(ctx, conn)
		}
	}()
	server := linkOf(conn)
	tx := &Tx{
		now: now(), params: paramsPg, deed: deed, past: server.past,
		exec: func(ctx context.Context, text string, args []any) (n int64, err error) {
			err = straight(conn, func(c *pgx.Conn) error {
				tag, err := c.Exec(ctx, text, args...)
				n = tag.RowsAffected()
				return err
			})
			return n, err
		},
		one: func(ctx context.Context, text string, args, dest []any) error {
			return mapError(straight(conn, func(c *pgx.Conn) error { return askOne(ctx, c, text, args, dest) }))
		},
		rows: func(ctx context.Context, text string, args []any) (*Rows, error) {
			rows, err := conn.QueryContext(ctx, text, args...)
			return &Rows{Rows: rows}, mapError(err)
		},
	}
	if err := do(ctx, tx); err != nil {
		return err
	}
	count(ctx)
	text, number := w.wire.notice(deed.told)
	w.wire.say(number)
	server.warned.Store(false)
	if err := commit(ctx, conn, text+"commit"); err != nil {
		w.wire.unsay(number)
		return mapCommit(err)
	}
	open = false
	if server.warned.Load() {
		return fmt.Errorf("%w (%w)", ErrUnsure, errAlone)
	}
	return nil
}

// begin begins a transaction on a connection that holds: of a server that went away many
// may be left, and nothing was done on one that breaks here.
func (w *writer) begin(asked, ctx context.Context) (*sql.Conn, error) {
	for tries := 0; ; tries++ {
		conn, err := w.db.Conn(asked)
		if asked.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil, context.Cause(asked)
		}
		if err != nil {
			return nil, mapError(err)
		}
		if _, err = conn.ExecContext(ctx, "begin isolation level serializable"); err == nil {
			return conn, nil
		}
		rollback(ctx, conn)
		_ = conn.Close()
		if tries == connections || ctx.Err() != nil || !broke(err) {
			return nil, mapError(err)
		}
	}
}

// commit ends a transaction by a text of several statements, in one round trip.
func commit(ctx context.Context, conn *sql.Conn, text string) error {
	return straight(conn, func(c *pgx.Conn) error {
		results, err := c.PgConn().Exec(ctx, text).ReadAll()
		if err == nil && (len(results) == 0 || results[len(results)-1].CommandTag.String() != "COMMIT") {
			err = errRolledBack
		}
		return err
	})
}

// errRolledBack is a commit of a transaction in which a statement had failed.
var errRolledBack = errors.New("commit: the transaction was rolled back")

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
