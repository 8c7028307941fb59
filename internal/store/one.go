package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// lateRow is one row that is asked of PostgreSQL when it is scanned: by then it is known
// where to, and what the server sends can be read straight into it. By database/sql each
// value would be boxed, described and converted, which costs the gate's one statement as
// much again as the way to the server and back.
type lateRow struct {
	one   func(ctx context.Context, text string, args, dest []any) error
	rows  func(ctx context.Context, text string, args []any) (*Rows, error)
	ctx   context.Context //nolint:containedctx // of the question that is asked by Scan
	text  string
	args  []any
	ended func(error)
}

// usual are the texts (→ true) of which one does not read something directly.
var usual sync.Map

func (l *lateRow) scan(dest []any) error {
	err := errUsual
	if _, is := usual.Load(l.text); !is {
		err = l.one(l.ctx, l.text, l.args, dest)
	}
	if errors.Is(err, errUsual) {
		usual.Store(l.text, true)
		rows, asked := l.rows(l.ctx, l.text, l.args)
		err = (&Row{rows: rows, err: asked}).Scan(dest...)
	}
	l.ended(err)
	return err
}

// errUsual says that a row holds what only database/sql is left to convert. It is asked
// again that way, and from then on at once.
var errUsual = errors.New("a value that is not read directly")

// one reads one row. As in ask, of a server that went away many connections may be left.
func (p *pool) one(ctx context.Context, text string, args, dest []any) error {
	bounded, answered := bound(ctx)
	defer answered()
	for tries := 0; ; tries++ {
		err := p.direct(bounded, text, args, dest)
		if err == nil || errors.Is(err, errUsual) || tries == connections || !broke(err) {
			return away(bounded, mapError(err))
		}
	}
}

// direct asks on one connection of the pool, and gives it back.
func (p *pool) direct(ctx context.Context, text string, args, dest []any) (err error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool, which looks at it
	return straight(conn, func(c *pgx.Conn) error {
		err := askOne(ctx, c, text, args, dest)
		if pgconn.SafeToRetry(err) {
			return driver.ErrBadConn
		}
		return err
	})
}

// straight asks the server without database/sql between.
func straight(conn *sql.Conn, ask func(*pgx.Conn) error) error {
	return conn.Raw(func(given any) error {
		c, ok := given.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of %T", given)
		}
		return ask(c.Conn())
	})
}

func askOne(ctx context.Context, c *pgx.Conn, text string, args, dest []any) error {
	rows, err := c.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	return firstRow(rows, dest)
}

// firstRow takes the first row and leaves the rest.
func firstRow(rows pgx.Rows, dest []any) error {
	defer rows.Close()
	if !rows.Next() {
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
		return ErrNone
	}
	if err := take(rows.FieldDescriptions(), rows.RawValues(), dest); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

func take(fields []pgconn.FieldDescription, values [][]byte, dest []any) error {
	if len(fields) != len(dest) {
		return errUsual // which says what is wrong with it
	}
	for i := range fields {
		if !taken(&fields[i], values[i], dest[i]) {
			return errUsual
		}
	}
	return nil
}

// taken reads one value as the server sent it, where it can be nothing else than what
// database/sql would make of it.
func taken(field *pgconn.FieldDescription, raw []byte, dest any) bool {
	if instant, is := dest.(*Instant); is && raw == nil {
		*instant = Instant{}
		return true
	}
	if bytes, is := dest.(*[]byte); is && field.DataTypeOID == pgtype.ByteaOID && field.Format == pgtype.BinaryFormatCode {
		*bytes = slices.Clone(raw)
		return true
	}
	if raw == nil {
		return false
	}
	switch field.DataTypeOID {
	case pgtype.TextOID, pgtype.VarcharOID:
		text, is := dest.(*string)
		if is {
			*text = string(raw)
		}
		return is
	case pgtype.BoolOID:
		truth, is := dest.(*bool)
		if is = is && field.Format == pgtype.BinaryFormatCode && len(raw) == 1; is {
			*truth = raw[0] != 0
		}
		return is
	case pgtype.Int8OID, pgtype.Int4OID:
		n, is := integer(field, raw)
		if !is {
			return false
		}
		switch dest := dest.(type) {
		case *Instant:
			dest.Time = Time(n)
		case *int64:
			*dest = n
		case *int:
			*dest = int(n)
		default:
			return false
		}
		return true
	}
	return false
}

func integer(field *pgconn.FieldDescription, raw []byte) (n int64, is bool) {
	switch {
	case field.Format != pgtype.BinaryFormatCode:
	case field.DataTypeOID == pgtype.Int8OID && len(raw) == 8:
		return int64(binary.BigEndian.Uint64(raw)), true //nolint:gosec // two's complement, as it was sent
	case field.DataTypeOID == pgtype.Int4OID && len(raw) == 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), true //nolint:gosec // two's complement, as it was sent
	}
	return 0, false
}
