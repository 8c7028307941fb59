package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Move carries a portal from one database into another.
type Move struct {
	From, To *store.DB
	Keys     *secret.Keys
	Clock    *clock.Clock // the one of both
	By       audit.Actor
	Write    func(n, of int64) // may be nil
	Verify   func(n, of int64) // may be nil
}

// ErrRunning means that a node may be serving the database that is to be moved.
var ErrRunning = errors.New("the portal is running")

// ErrMoved means that there is nothing left to move, or to cancel.
var ErrMoved = errors.New("there is no move to end")

// Do moves. The portal stands still: no node runs, and none can start, since both
// databases are held until every row was read back; then the old one stays held for
// good. Nothing was lost on the way, so sessions, codes and links stay as they are.
// Killed half-way it may be done again, or cancelled.
func (m Move) Do(ctx context.Context) (rows int64, err error) {
	hold, err := store.ReadHold(ctx, m.From)
	if err != nil {
		return 0, err
	}
	switch {
	case hold.What == "":
	case hold.What == store.Moved && hold.Place == m.To.Name(): // one begun before may lack its last step alone
		return 0, m.last(ctx, hold)
	case hold.What != store.Moving || hold.Place != m.To.Name():
		return 0, hold.Err()
	}
	if err := m.still(ctx, m.From); err != nil {
		return 0, err
	}
	if err := m.fits(ctx); err != nil {
		return 0, err
	}
	filled, err := prepare(ctx, m.To, store.Moving, "from "+m.From.Name())
	if err != nil {
		return 0, err
	}
	m.To = m.To.Under(filled)
	var stands time.Time
	err = m.From.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := m.still(ctx, tx); err != nil {
			return err
		}
		stands, err = store.SetHold(ctx, tx, store.Moving, m.To.Name())
		return err
	})
	if err != nil {
		return 0, err
	}
	if rows, err = m.carry(ctx); err != nil {
		return 0, err
	}
	// First the old one is closed for good, then the new one is opened: never are both.
	if err := m.leave(ctx, stands); err != nil {
		return 0, err
	}
	return rows, m.arrive(ctx, fmt.Sprint(rows), filled)
}

// last opens the new database of a move whose every row was read back, and whose old one
// is closed already.
func (m Move) last(ctx context.Context, hold store.Hold) error {
	there, err := store.ReadHold(ctx, m.To)
	if err != nil {
		return err
	}
	if there.What != store.Moving || there.Place != "from "+m.From.Name() {
		return hold.Err()
	}
	return m.arrive(ctx, "all", there.Since)
}

// still refuses while a node may be serving.
func (m Move) still(ctx context.Context, r store.Reader) error {
	names, until, err := clock.Running(ctx, r, m.Clock.Now())
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%w: stop %s; one that was killed counts as stopped from %s on", ErrRunning, strings.Join(names, ", "), until.UTC().Format(time.RFC3339))
	}
	return err
}

// ErrText means that a text cannot stand in the database it is to go to.
var ErrText = errors.New("PostgreSQL does not take this text: it is not UTF-8, or holds the character U+0000")

// fits looks for texts that SQLite takes and PostgreSQL does not, before anything is
// written: the portal writes none, but who changes rows by hand may have.
func (m Move) fits(ctx context.Context) error {
	if m.To.Engine() != store.PostgreSQL || m.From.Engine() == store.PostgreSQL {
		return nil
	}
	return m.From.Snapshot(ctx, func(ctx context.Context, r store.Reader) error {
		schema, err := m.From.Tables(ctx, r)
		if err != nil {
			return err
		}
		dumps, err := carried(schema, true)
		if err != nil {
			return err
		}
		for _, d := range dumps {
			if err := textsOf(ctx, r, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// textsOf reads the texts of one table.
func textsOf(ctx context.Context, r store.Reader, d store.Dump) error {
	d.Columns = slices.DeleteFunc(slices.Clone(d.Columns), func(c store.Column) bool { return c.Kind != store.Text && c.Kind != store.Integer })
	return d.Each(ctx, r, func(values []any) error {
		if err := fit(d, values); err != nil {
			return fmt.Errorf("%w; nothing was moved", err)
		}
		return nil
	})
}

// fit names the first text of a row that PostgreSQL does not take, by the values that
// stand before it.
func fit(d store.Dump, values []any) error {
	for i, v := range values {
		if text, ok := v.(string); ok && (!utf8.ValidString(text) || strings.Contains(text, "\x00")) {
			return fmt.Errorf("%w: table %s, column %s, of the row that begins with %.100q", ErrText, d.Table, d.Columns[i].Name, fmt.Sprint(values[:min(2, i)]...))
		}
	}
	return nil
}

// carry writes every row and reads it back.
func (m Move) carry(ctx context.Context) (rows int64, err error) {
	var dumps []store.Dump
	var sums []string
	err = m.From.Snapshot(ctx, func(ctx context.Context, r store.Reader) error {
		schema, err := m.From.Tables(ctx, r)
		if err != nil {
			return err
		}
		if dumps, err = carried(schema, true); err != nil {
			return err
		}
		for _, d := range dumps {
			n, err := d.Rows(ctx, r)
			if err != nil {
				return err
			}
			rows += n
		}
		if err := m.To.Empty(ctx, names(dumps)); err != nil {
			return err
		}
		sums, err = m.rows(ctx, r, dumps, rows)
		return err
	})
	if err != nil {
		return 0, err
	}
	return rows, verify(ctx, m.To, dumps, sums, m.Verify)
}

func (m Move) rows(ctx context.Context, r store.Reader, dumps []store.Dump, all int64) ([]string, error) {
	tell := teller(m.Write, all)
	sums := make([]string, len(dumps))
	var row []byte
	for i, d := range dumps {
		var sum Sum
		loader := m.To.Load(d)
		err := d.Each(ctx, r, func(values []any) error {
			row = encode(row[:0], values)
			sum.add(row)
			tell()
			return loader.Add(ctx, values)
		})
		if err == nil {
			err = loader.Flush(ctx)
		}
		if err != nil {
			return nil, err
		}
		sums[i] = sum.String()
	}
	return sums, nil
}

// arrive gives the new database free. The floor rises, as after any end that is not
// known to have been clean.
func (m Move) arrive(ctx context.Context, rows string, filled time.Time) error {
	return m.To.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := clock.Restored(ctx, tx); err != nil {
			return err
		}
		err := audit.Record(ctx, tx, m.Keys, audit.Entry{Chain: audit.Operators, Act: "portal:database:moved", Actor: m.By, Subject: "portal",
			Detail: map[string]string{"from": m.From.Name(), "to": m.To.Name(), "rows": rows}})
		if err != nil {
			return err
		}
		return store.EndHold(ctx, tx, filled)
	})
}

// leave marks the old database for good, unless the move was cancelled meanwhile.
func (m Move) leave(ctx context.Context, stands time.Time) error {
	return m.From.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.KeepHold(ctx, tx, stands); err != nil {
			return err
		}
		if err := m.still(ctx, tx); err != nil {
			return err
		}
		_, err := store.SetHold(ctx, tx, store.Moved, m.To.Name())
		return err
	})
}

// Cancel gives a database free that a move led away from, whether it came to its end
// or not: what happened in the other one since is not in this one. Codes accepted
// there stay spent.
func Cancel(ctx context.Context, db *store.DB, keys *secret.Keys, by audit.Actor) (hold store.Hold, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if hold, err = store.ReadHold(ctx, tx); err != nil {
			return err
		}
		if _, err := store.ReadPortal(ctx, tx); err != nil || hold.What == "" || hold.What == store.Restoring || strings.HasPrefix(hold.Place, "from ") {
			return ErrMoved
		}
		if err := clock.Restored(ctx, tx); err != nil {
			return err
		}
		err := audit.Record(ctx, tx, keys, audit.Entry{Chain: audit.Operators, Act: "portal:move:cancelled", Actor: by, Subject: "portal",
			Detail: map[string]string{"to": hold.Place, "ended": fmt.Sprint(hold.What == store.Moved)}})
		if err != nil {
			return err
		}
		return store.EndHold(ctx, tx, hold.Since)
	})
	return hold, err
}
