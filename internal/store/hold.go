package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Hold is why nobody may serve a database. The zero Hold is none.
type Hold struct {
	What  Held
	Place string // where a move leads to or comes from; the file of a restore
	Since time.Time
}

// Held is one reason of a Hold.
type Held string

// The reasons.
const (
	Restoring Held = "restoring" // a restore into it has not come to its end
	Moving    Held = "moving"    // a move from or into it has not come to its end
	Moved     Held = "moved"     // the portal lives elsewhere now
)

// ErrHeld means that a database is held.
var ErrHeld = errors.New("the database must not be served")

// Err says why a database must not be served and what to do; nil of the zero Hold.
func (h Hold) Err() error {
	switch h.What {
	case "":
		return nil
	case Restoring:
		return fmt.Errorf("%w: a restore of %s into it, begun %s, did not come to its end: run `nidan restore` again, or begin with an empty database",
			ErrHeld, h.Place, h.since())
	case Moving:
		return fmt.Errorf("%w: a move (%s), begun %s, did not come to its end: run `nidan move` again, or `nidan move --cancel` on the database it leads away from",
			ErrHeld, h.Place, h.since())
	case Moved:
		return fmt.Errorf("%w: the portal was moved to %s at %s: set NIDAN_DATABASE to that", ErrHeld, h.Place, h.since())
	}
	return fmt.Errorf("%w: it is held (%s) since %s", ErrHeld, h.What, h.since())
}

func (h Hold) since() string { return h.Since.UTC().Format(time.RFC3339) }

// ReadHold reads why a database is held; the zero Hold when it is not.
func ReadHold(ctx context.Context, r Reader) (h Hold, err error) {
	var since Instant
	err = r.QueryRow(ctx, `select what, place, at from portal_hold where id = 1`).Scan(&h.What, &h.Place, &since)
	if errors.Is(err, ErrNone) {
		return Hold{}, nil
	}
	if err != nil {
		return Hold{}, fmt.Errorf("hold: %w", err)
	}
	h.Since = since.Time
	return h, nil
}

// SetHold holds a database, whatever held it before, and answers since when: whoever
// held it before does not any more.
func SetHold(ctx context.Context, tx *Tx, what Held, place string) (since time.Time, err error) {
	var at Instant
	err = tx.QueryRow(ctx, `insert into portal_hold (id, what, place, at) values (1, $1, $2, $3)
		on conflict (id) do update set what = excluded.what, place = excluded.place,
			at = case when excluded.at > portal_hold.at then excluded.at else portal_hold.at + 1 end
		returning at`, string(what), place, Micros(tx.Now())).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("hold: %w", err)
	}
	return at.Time, nil
}

// ErrTakenOver means that a database is not held any more as it was.
var ErrTakenOver = errors.New("another restore or move has taken this database over, or it was ended")

// KeepHold says that a database is held as it was since then. It writes the row, so
// that taking it over waits for the end of this transaction.
func KeepHold(ctx context.Context, tx *Tx, since time.Time) error {
	return held(tx.Exec(ctx, `update portal_hold set at = at where id = 1 and at = $1`, Micros(since)))
}

// EndHold gives a database free that is held as it was since then.
func EndHold(ctx context.Context, tx *Tx, since time.Time) error {
	return held(tx.Exec(ctx, `delete from portal_hold where id = 1 and at = $1`, Micros(since)))
}

func held(n int64, err error) error {
	if err == nil && n == 0 {
		err = ErrTakenOver
	}
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

// Under is the same database for whoever holds it since then: it is emptied and loaded
// only as long as nobody else has taken it over.
func (db *DB) Under(since time.Time) *DB {
	other := *db
	other.held = since
	return &other
}

func (db *DB) keepHold(ctx context.Context, tx *Tx) error {
	if db.held.IsZero() {
		return nil
	}
	return KeepHold(ctx, tx, db.held)
}
