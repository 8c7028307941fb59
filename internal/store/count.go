package store

import (
	"context"
	"sync/atomic"
)

type countKey struct{}

// Trips counts the round trips to the database of one request: statements and commit, each
// once; on SQLite begin too, which on PostgreSQL goes with the first statement.
type Trips struct{ n, later, flushed atomic.Int64 }

// N is the round trips so far.
func (t *Trips) N() int64 { return t.n.Load() + t.flushed.Load() }

// Statements are what was asked and said so far, whatever went along with what, see Tx.Later.
func (t *Trips) Statements() int64 { return t.n.Load() + t.later.Load() }

// Counting makes a context in which round trips are counted.
func Counting(ctx context.Context) (context.Context, *Trips) {
	t := &Trips{}
	return context.WithValue(ctx, countKey{}, t), t
}

func count(ctx context.Context)        { add(ctx, func(t *Trips) { t.n.Add(1) }) }
func countLater(ctx context.Context)   { add(ctx, func(t *Trips) { t.later.Add(1) }) }
func countFlushed(ctx context.Context) { add(ctx, func(t *Trips) { t.flushed.Add(1) }) }

func add(ctx context.Context, to func(*Trips)) {
	if t, ok := ctx.Value(countKey{}).(*Trips); ok {
		to(t)
	}
}
