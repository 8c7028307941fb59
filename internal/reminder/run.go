package reminder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Bounds of a round.
const (
	batch    = 200            // people looked at, and at most written to, in one transaction: some ten milliseconds of the writer
	rests    = 72 * time.Hour // an address that mail came back from is let be that long
	askEvery = 24 * time.Hour // a Portal Admin reminds one person no oftener
)

// Rounds has all letters written that are due. Any number of nodes may run it.
type Rounds struct {
	DB   *store.DB
	Keys *secret.Keys
	Desk *Desk
	Wake func() // tells the post that letters wait

	mu     sync.Mutex
	known  planned
	looked place // how far beyond the oldest the waiting letters were looked at
	swept  int64 // the version of what is planned by which the waiting letters were looked through
}

// errMoved ends a round whose plan, windows or extensions changed while it went on,
// or whose time is over; the next Run begins it by what holds then.
var errMoved = errors.New("what is planned has changed")

// Run does what is to be done at this time: it settles what became of letters,
// drops those whose date has changed, and goes on with each round that is due.
func (rs *Rounds) Run(ctx context.Context, now time.Time) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if err := rs.settle(ctx); err != nil {
		return err
	}
	p, err := rs.planned(ctx, now)
	if err != nil {
		return err
	}
	if err := rs.sweep(ctx, p); err != nil {
		return err
	}
	if closed, _, _ := maintenance.Covering(p.windows, now); closed {
		return nil // nobody could sign in; see doc.go
	}
	rounds, err := begun(ctx, rs.DB, now)
	if err != nil {
		return err
	}
	for _, d := range due(p, rs.Desk.Site.House, rounds, now) {
		if err := rs.work(ctx, p, d); errors.Is(err, errMoved) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reminders: %w", err)
		}
	}
	return nil
}

// planned is what dates follow from, read anew when something was planned since.
func (rs *Rounds) planned(ctx context.Context, now time.Time) (planned, error) {
	version, err := maintenance.Version(ctx, rs.DB)
	if err != nil || version == rs.known.version {
		return rs.known, err
	}
	p, err := read(ctx, rs.DB, now)
	if err == nil {
		rs.known = p
	}
	return p, err
}

// settle writes down what became of letters: of the oldest, as long as something
// did, since they are sent in that order; and of some more, at each Run further on,
// so that letters which a mail server keeps refusing for days hide none behind them.
func (rs *Rounds) settle(ctx context.Context) error {
	for found, at := batch, (place{}); found > batch/2; {
		var err error
		if found, at, err = rs.settleAfter(ctx, at, batch); err != nil {
			return err
		}
		if at == (place{}) {
			break
		}
	}
	_, to, err := rs.settleAfter(ctx, rs.looked, 10*batch)
	rs.looked = to
	return err
}

// settleAfter settles among the next n waiting letters, and answers of how many
// something became.
func (rs *Rounds) settleAfter(ctx context.Context, at place, n int) (found int, to place, err error) {
	list, to, err := settled(ctx, rs.DB, at, n)
	for rest := list; err == nil && len(rest) > 0; {
		some := rest[:min(batch, len(rest))]
		err = rs.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return settle(ctx, tx, some) })
		rest = rest[len(some):]
	}
	return len(list), to, err
}

// sweep drops the letters that name an end which is the own end no more. It looks
// once after each change: what was queued before the change is there by then, and
// what is queued later is queued by what holds now.
func (rs *Rounds) sweep(ctx context.Context, p planned) error {
	if rs.swept == p.version {
		return nil
	}
	list, err := stale(ctx, rs.DB, p.book)
	if err != nil {
		return err
	}
	for len(list) > 0 {
		some := list[:min(batch, len(list))]
		if err := rs.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return drop(ctx, tx, some) }); err != nil {
			return err
		}
		list = list[len(some):]
	}
	rs.swept = p.version
	return nil
}

// work goes on with a round to its end.
func (rs *Rounds) work(ctx context.Context, p planned, t task) error {
	defer rs.wake()
	if !t.begun {
		wanted := t.round // begun anew from what is wanted, when the transaction is
		err := rs.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if err = holds(ctx, tx, p, t.until); err == nil {
				t.round, err = begin(ctx, tx, wanted)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	plan, _ := p.book.Find(t.Plan)
	w := &writer{Rounds: rs, planned: p, task: t, figures: map[string]progress.Figures{},
		pen: rs.Desk.pen(p, plan, t.calendar.Opens(), rs.Desk.Site.Now())}
	return w.finish(ctx)
}

func (rs *Rounds) wake() {
	if rs.Wake != nil {
		rs.Wake()
	}
}

// holds asks once more inside the deciding transaction whether all is as it was
// read, no window has opened and the time is not over.
func holds(ctx context.Context, tx *store.Tx, p planned, until time.Time) error {
	version, err := maintenance.Version(ctx, tx)
	if err != nil {
		return err
	}
	closed, _, _ := maintenance.Covering(p.windows, tx.Now())
	if version != p.version || closed || !until.IsZero() && !tx.Now().Before(until) {
		return errMoved
	}
	return nil
}
