package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Share is what a copy takes of one table. Names are the schema's own, never typed
// by anybody.
type Share struct {
	Table   string
	Columns []string       // read and copied
	Blank   map[string]any // column → what stands there instead; the source is not asked for it
	Scope   string         // the column that names the organization; empty: the whole table is copied
}

// in is the condition that keeps a share to one organization ("" is all of them)
// and to what belongs to none.
func (s Share) in(organization string) (where string, args []any) {
	if organization == "" || s.Scope == "" {
		return "", nil
	}
	return " where " + s.Scope + " in ('', $1)", []any{organization}
}

// Rows counts the rows that a copy will take.
func (s Share) Rows(ctx context.Context, r Reader, organization string) (n int64, err error) {
	where, args := s.in(organization)
	err = r.QueryRow(ctx, "select count(*) from "+s.Table+where, args...).Scan(&n)
	return n, err
}

// Bounds of a copy: rows in one statement, and in one transaction.
const (
	copiedTogether = 64
	copiedAtOnce   = 64 * 64
)

// Copy writes a share of a source into another database, in place of what stands in
// that table there. tell, unless nil, is told of each batch's rows.
func (db *DB) Copy(ctx context.Context, r Reader, s Share, organization string, tell func(rows int64) error) error {
	if err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.Exec(ctx, "delete from "+s.Table)
		return err
	}); err != nil {
		return fmt.Errorf("copy of %s: %w", s.Table, err)
	}
	where, args := s.in(organization)
	rows, err := r.Query(ctx, "select "+strings.Join(s.Columns, ", ")+" from "+s.Table+where, args...)
	if err != nil {
		return fmt.Errorf("copy of %s: %w", s.Table, err)
	}
	defer rows.Close()
	c := copier{db: db, share: s, blanks: slices.Sorted(maps.Keys(s.Blank)), width: len(s.Columns) + len(s.Blank), tell: tell}
	for rows.Next() {
		if err := c.take(ctx, rows); err != nil {
			return fmt.Errorf("copy of %s: %w", s.Table, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("copy of %s: %w", s.Table, err)
	}
	return c.flush(ctx)
}

// copier holds the rows that wait to be written together.
type copier struct {
	db     *DB
	share  Share
	blanks []string
	width  int
	held   []any // width values a row
	tell   func(int64) error
}

func (c *copier) take(ctx context.Context, rows *Rows) error {
	values, into := make([]any, len(c.share.Columns)), make([]any, len(c.share.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	c.held = append(c.held, values...)
	for _, name := range c.blanks {
		c.held = append(c.held, c.share.Blank[name])
	}
	if len(c.held) < copiedAtOnce*c.width {
		return nil
	}
	return c.flush(ctx)
}

func (c *copier) flush(ctx context.Context) error {
	n := len(c.held) / c.width
	if n == 0 {
		return nil
	}
	err := c.db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for rest := c.held; len(rest) > 0; {
			some := rest[:min(len(rest), copiedTogether*c.width)]
			if _, err := tx.Exec(ctx, c.insert(len(some)/c.width), some...); err != nil {
				return err
			}
			rest = rest[len(some):]
		}
		return nil
	})
	c.held = c.held[:0]
	if err != nil || c.tell == nil {
		return err
	}
	return c.tell(int64(n))
}

// insert is the statement for n rows; there are two texts at most for each table.
func (c *copier) insert(n int) string {
	var b strings.Builder
	b.WriteString("insert into " + c.share.Table + " (" + strings.Join(slices.Concat(c.share.Columns, c.blanks), ", ") + ") values ")
	for i := range n * c.width {
		switch {
		case i%c.width != 0:
			b.WriteString(", ")
		case i > 0:
			b.WriteString("), (")
		default:
			b.WriteString("(")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	return b.String() + ")"
}

// Swallow makes a table of a scratch database take rows and keep none.
func (db *DB) Swallow(ctx context.Context, table string) error {
	if db.engine != SQLite {
		return fmt.Errorf("swallow %s: only a scratch database may lose rows", table)
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.Exec(ctx, "create trigger swallow_"+table+" after insert on "+table+" begin delete from "+table+" where id = new.id; end")
		return err
	})
}
