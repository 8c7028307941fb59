package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"nidan/internal/trace"
)

type insideKey struct{}

// Bounds of a transaction that waits for others or is tried again. A conflict is
// another's success, so there is progress in each round; the time bounds what a
// person waits. Whoever locks the database for longer, outside of the portal, makes it busy.
const (
	retryFor  = 10 * time.Second
	firstWait = 2 * time.Millisecond
	longWait  = 80 * time.Millisecond
)

// hungUpFor is how long a transaction may still take after whoever asked for it is gone.
const hungUpFor = 10 * time.Second

// Tx is one transaction.
type Tx struct {
	now    time.Time
	params int // of a statement that takes many
	deed   *deed
	scope  scope // of this view
	exec   func(ctx context.Context, text string, args []any) (int64, error)
	rows   func(ctx context.Context, text string, args []any) (*Rows, error)
	one    func(ctx context.Context, text string, args, dest []any) error // nil: rows does
	flight *flight                                                        // nil: nothing waits for anything
	past   func(ctx context.Context, tx *Tx) (string, error)              // nil: there is nothing to tell apart
}

// Now is the instant this transaction decides by. It was read after the lock was
// had, so that a request that waited is decided at the end of its wait.
func (tx *Tx) Now() time.Time { return tx.now }

// Exec changes rows and answers how many.
func (tx *Tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	count(ctx)
	tx.deed.note(tx.scope, text, args)
	ended := stated(ctx, text)
	n, err := tx.exec(ctx, text, args)
	ended(err)
	return n, mapError(err)
}

// Later changes rows where nobody waits for what comes of it: on PostgreSQL it is sent with
// the next statement that is asked, or with the commit, and costs no round trip of its own.
// What it fails with is then the failure of that one, and nothing of the transaction stays.
// orElse, unless nil, is what the transaction fails with when none of the rows was changed;
// it must not be ErrNone, which the next statement may mean otherwise. Such a text returns
// nothing.
func (tx *Tx) Later(ctx context.Context, orElse error, text string, args ...any) error {
	if tx.flight != nil {
		countLater(ctx)
		tx.deed.note(tx.scope, text, args)
		tx.flight.later = append(tx.flight.later, deferred{text, args, orElse})
		stated(ctx, text)(nil)
		return nil
	}
	n, err := tx.Exec(ctx, text, args...)
	if err == nil && orElse != nil && n == 0 {
		return orElse
	}
	return err
}

// Query reads rows.
func (tx *Tx) Query(ctx context.Context, text string, args ...any) (*Rows, error) {
	count(ctx)
	tx.deed.note(tx.scope, text, args)
	ended := stated(ctx, text)
	rows, err := tx.rows(ctx, text, args)
	ended(err)
	return rows, err
}

// QueryRow reads one row; its Scan answers ErrNone when there is none.
func (tx *Tx) QueryRow(ctx context.Context, text string, args ...any) *Row {
	if tx.one != nil && kindOfText(text).selects {
		count(ctx)
		return &Row{late: &lateRow{tx.one, tx.rows, ctx, text, args, stated(ctx, text)}}
	}
	rows, err := tx.Query(ctx, text, args...)
	return &Row{rows: rows, err: err}
}

// Write runs do in one transaction and commits what it did when it returns nil.
// It runs do again, from its beginning, when another transaction was faster. A
// Write inside a Write is refused with ErrNested.
//
// Who hangs up before it begins has it not begun; what was begun goes to its end.
// Otherwise a client could choose, by the moment of its leaving, which of its wrong
// codes are counted.
func (db *DB) Write(ctx context.Context, do func(ctx context.Context, tx *Tx) error) error {
	return db.writeAfter(ctx, nil, do)
}

// WriteOf is Write for a transaction that would be undone by another of the same
// organization, since both read the end of its record and write behind it: on
// PostgreSQL those of this node come one after another, on SQLite all do.
func (db *DB) WriteOf(ctx context.Context, organization string, do func(ctx context.Context, tx *Tx) error) error {
	return db.writeAfter(ctx, db.write.line(organization), do)
}

func (db *DB) writeAfter(ctx context.Context, line chan struct{}, do func(ctx context.Context, tx *Tx) error) (err error) {
	if ctx.Value(insideKey{}) != nil {
		return ErrNested
	}
	ctx, ended := trace.Begin(ctx, "transaction")
	defer func() { ended(err) }()
	inside, end := lasting(context.WithValue(ctx, insideKey{}, true))
	defer end()
	// What was begun is heeded here whatever became of it: a commit whose answer was
	// lost may have been one.
	var deed deed
	defer func() { db.heed.tell(deed.ownChange()) }()
	if span, waits := within(ctx); waits && db.engine == PostgreSQL {
		var late context.CancelFunc
		inside, late = context.WithTimeoutCause(inside, span, errLate)
		defer late()
	}
	asked, stop := context.WithTimeoutCause(ctx, retryFor, ErrBusy)
	defer stop()
	if line != nil {
		select {
		case line <- struct{}{}:
			defer func() { <-line }()
		case <-asked.Done():
			return context.Cause(asked)
		}
	}
	wait := firstWait
	for {
		err := db.write.try(asked, inside, db.now, &deed, do)
		if err == nil || !again(err) {
			return away(inside, err)
		}
		// Half of the wait is chance: two that lost together must not meet again.
		pause := time.NewTimer(wait/2 + rand.N(wait/2+1))
		select {
		case <-pause.C:
		case <-asked.Done():
			pause.Stop()
		}
		if gone := context.Cause(asked); errors.Is(gone, ErrBusy) {
			return fmt.Errorf("%w: %w", ErrBusy, err)
		} else if gone != nil {
			return errors.Join(gone, err)
		}
		wait = min(2*wait, longWait)
	}
}

// lasting is ctx without its end, which it has only hungUpFor later.
func lasting(ctx context.Context) (context.Context, func()) {
	inside, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(hungUpFor, cancel) })
	return inside, func() { stop(); cancel() }
}
