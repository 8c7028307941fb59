package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Dump is what is read of one table to be written elsewhere. Names are the schema's
// own, never typed by anybody.
type Dump struct {
	Table   string
	Columns []Column
	Blank   map[string]any // column → what is handed out instead of what stands there
}

func (d Dump) names() string {
	names := make([]string, len(d.Columns))
	for i, c := range d.Columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// Rows counts the rows of the table.
func (d Dump) Rows(ctx context.Context, r Reader) (n int64, err error) {
	err = r.QueryRow(ctx, "select count(*) from "+d.Table).Scan(&n)
	return n, err
}

// Each hands do every row of the table, one at a time: nil, int64, bool, string or
// []byte, as the column's kind says, on both engines alike. do keeps nothing of it.
func (d Dump) Each(ctx context.Context, r Reader, do func(values []any) error) error {
	rows, err := r.Query(ctx, "select "+d.names()+" from "+d.Table)
	if err != nil {
		return fmt.Errorf("read %s: %w", d.Table, err)
	}
	defer rows.Close()
	values, into := make([]any, len(d.Columns)), make([]any, len(d.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read %s: %w", d.Table, err)
		}
		for i, c := range d.Columns {
			if blank, ok := d.Blank[c.Name]; ok {
				values[i] = blank
			} else if values[i], err = c.Kind.value(values[i]); err != nil {
				return fmt.Errorf("read %s.%s: %w", d.Table, c.Name, err)
			}
		}
		if err := do(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %s: %w", d.Table, err)
	}
	return nil
}

// value is what a driver answered, as its kind has it. SQLite takes any value into
// any column: one of another kind is named, and never carried on.
func (k Kind) value(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case int64:
		if k == Integer {
			return v, nil
		}
		if k == Boolean && (v == 0 || v == 1) {
			return v == 1, nil
		}
	case int32:
		if k == Integer {
			return int64(v), nil
		}
	case bool:
		if k == Boolean {
			return v, nil
		}
	case string:
		if k == Text {
			return v, nil
		}
		if k == Bytes {
			return []byte(v), nil
		}
	case []byte:
		if k == Bytes && v == nil {
			return []byte{}, nil // some driver's empty value, which is not null
		}
		if k == Bytes {
			return v, nil
		}
		if k == Text {
			return string(v), nil
		}
	}
	return nil, fmt.Errorf("a value of the kind %T stands in a column of the kind %q", v, string(k))
}

// Bounds of what a Loader holds before it writes.
const (
	loadedRows  = 4096
	loadedBytes = 2 << 20
)

// Loader writes rows into one table, some at once, each time in a transaction.
type Loader struct {
	db    *DB
	dump  Dump
	held  []any
	bytes int
	most  int // rows held at once, ever
}

// Load begins to write rows into a table.
func (db *DB) Load(d Dump) *Loader { return &Loader{db: db, dump: d} }

// Add takes a row over: its values are the loader's from here on, bytes apart.
func (l *Loader) Add(ctx context.Context, values []any) error {
	for _, v := range values {
		switch v := v.(type) {
		case []byte:
			l.bytes += len(v)
			l.held = append(l.held, append([]byte{}, v...))
			continue
		case string:
			l.bytes += len(v)
		}
		l.held = append(l.held, v)
	}
	rows := len(l.held) / len(l.dump.Columns)
	l.most = max(l.most, rows)
	if rows < loadedRows && l.bytes < loadedBytes {
		return nil
	}
	return l.Flush(ctx)
}

// Flush writes what is held.
func (l *Loader) Flush(ctx context.Context) error {
	if len(l.held) == 0 {
		return nil
	}
	head := "insert into " + l.dump.Table + " (" + l.dump.names() + ") values "
	err := l.db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := l.db.keepHold(ctx, tx); err != nil {
			return err
		}
		return tx.InsertMany(ctx, head, len(l.dump.Columns), l.held)
	})
	clear(l.held)
	l.held, l.bytes = l.held[:0], 0
	if err != nil {
		return fmt.Errorf("write %s: %w", l.dump.Table, err)
	}
	return nil
}

// Empty deletes every row of tables, the last of them first.
func (db *DB) Empty(ctx context.Context, tables []string) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := db.keepHold(ctx, tx); err != nil {
			return err
		}
		if db.engine == PostgreSQL {
			_, err := tx.Exec(ctx, "truncate table "+strings.Join(tables, ", "))
			return err
		}
		for _, table := range slices.Backward(tables) {
			if _, err := tx.Exec(ctx, "delete from "+table); err != nil {
				return fmt.Errorf("empty %s: %w", table, err)
			}
		}
		return nil
	})
}
