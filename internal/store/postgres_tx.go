package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// flight is one transaction on PostgreSQL. What can wait goes with what cannot: the begin
// and all that is said by Later are sent with the next statement whose answer is needed,
// or with the commit, so that a transaction takes as many ways to the server and back as
// it asks questions.
type flight struct {
	conn     *sql.Conn
	later    []deferred
	answered bool // the server has begun it
	ending   bool // the commit is on its way, or was answered
	broke    bool // the connection did
}

// deferred is a statement that waits. orElse, unless nil, is what the transaction fails
// with when it changes no row.
type deferred struct {
	text   string
	args   []any
	orElse error
}

// sent is the text for the server. That no row was changed is known here when the commit
// behind it is on its way: it has to fail there.
func (d deferred) sent() string {
	if d.orElse == nil {
		return d.text
	}
	return "with changed as (" + d.text + " returning 1) select 1 / count(*) from changed"
}

// failed is what a statement failed with; 22012 is a division by zero.
func (d deferred) failed(err error) error {
	var pg *pgconn.PgError
	if d.orElse != nil && errors.As(err, &pg) && pg.Code == "22012" {
		return d.orElse
	}
	return err
}

const begin = "begin isolation level serializable"

// ask sends all that waits and then a statement, in one way, and hands its rows to read.
func (f *flight) ask(ctx context.Context, text string, args []any, read func(pgx.Rows) error) error {
	return straight(f.conn, func(c *pgx.Conn) error {
		if len(f.later) == 0 {
			rows, err := c.Query(ctx, text, args...)
			if err != nil {
				return err
			}
			return read(rows)
		}
		return f.send(ctx, c, func(batch *pgx.Batch) { batch.Queue(text, args...) }, func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			return read(rows)
		})
	})
}

// send sends what waits, with more behind it, and reads what came of both.
func (f *flight) send(ctx context.Context, c *pgx.Conn, more func(*pgx.Batch), read func(pgx.BatchResults) error) (err error) {
	var batch pgx.Batch
	for _, d := range f.later {
		batch.Queue(d.sent(), d.args...)
	}
	more(&batch)
	results := c.SendBatch(ctx, &batch)
	defer func() {
		if ended := results.Close(); err == nil {
			err = ended
		}
		f.broke = f.broke || broke(err)
	}()
	for _, d := range f.later {
		if _, err := results.Exec(); err != nil {
			return d.failed(err)
		}
	}
	f.later, f.answered = nil, true
	return read(results)
}

// flush sends what waits, before a statement that goes another way: of many rows.
func (f *flight) flush(ctx context.Context) error {
	if len(f.later) == 0 {
		return nil
	}
	countFlushed(ctx)
	return straight(f.conn, func(c *pgx.Conn) error {
		return f.send(ctx, c, func(*pgx.Batch) {}, func(pgx.BatchResults) error { return nil })
	})
}

func (f *flight) exec(ctx context.Context, text string, args []any) (n int64, err error) {
	if len(f.later) == 0 {
		err = straight(f.conn, func(c *pgx.Conn) error {
			tag, err := c.Exec(ctx, text, args...)
			n = tag.RowsAffected()
			return err
		})
		return n, err
	}
	err = f.ask(ctx, text, args, func(rows pgx.Rows) error {
		rows.Close()
		n = rows.CommandTag().RowsAffected()
		return rows.Err()
	})
	return n, err
}

func (f *flight) one(ctx context.Context, text string, args, dest []any) error {
	return mapError(f.ask(ctx, text, args, func(rows pgx.Rows) error { return firstRow(rows, dest) }))
}

func (f *flight) rows(ctx context.Context, text string, args []any) (*Rows, error) {
	if err := f.flush(ctx); err != nil {
		return nil, mapError(err)
	}
	rows, err := f.conn.QueryContext(ctx, text, args...)
	return &Rows{Rows: rows}, mapError(err)
}

// commit ends the transaction, with what waits and what the other nodes are told before it.
func (f *flight) commit(ctx context.Context, told string) error {
	f.ending = true
	return straight(f.conn, func(c *pgx.Conn) (err error) {
		var tag string
		err = f.send(ctx, c, func(batch *pgx.Batch) {
			if told != "" {
				batch.Queue("select pg_notify($1, $2)", channel, told)
			}
			batch.Queue("commit")
		}, func(results pgx.BatchResults) error {
			if told != "" {
				if _, err := results.Exec(); err != nil {
					return err
				}
			}
			done, err := results.Exec()
			tag = done.String()
			return err
		})
		if err == nil && tag != "COMMIT" {
			return errRolledBack
		}
		return err
	})
}

// errRolledBack is a commit of a transaction in which a statement had failed.
var errRolledBack = errors.New("commit: the transaction was rolled back")

// lost says that nothing was begun, since the connection broke before: a server that went
// away leaves many behind, and another one may hold.
func (f *flight) lost() bool { return f.broke && !f.answered && !f.ending }
