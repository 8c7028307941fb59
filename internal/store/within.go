package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

type withinKey struct{}

// errLate ends what took longer than Within allows.
var errLate = errors.New("no answer in time")

// Within says that whoever asks with this context waits at most so long for PostgreSQL:
// for the first row of a reading, and for a transaction with its commit. A server that is
// stopped, or waits for a standby that is away, says nothing for as long as it is so; then
// ErrAway is the answer, or for a commit ErrUnsure. SQLite has bounds of its own.
func Within(ctx context.Context, span time.Duration) context.Context {
	return context.WithValue(ctx, withinKey{}, span)
}

func within(ctx context.Context) (time.Duration, bool) {
	span, ok := ctx.Value(withinKey{}).(time.Duration)
	return span, ok
}

// bound ends a context when Within's time is over, unless answered was called before: rows
// that came are read in whatever time it takes.
func bound(ctx context.Context) (bounded context.Context, answered func() bool) {
	span, ok := within(ctx)
	if !ok {
		return ctx, func() bool { return true }
	}
	bounded, cancel := context.WithCancelCause(ctx)
	return bounded, time.AfterFunc(span, func() { cancel(errLate) }).Stop
}

// away is an error that names a server which took too long.
func away(ctx context.Context, err error) error {
	if err == nil || context.Cause(ctx) != errLate || errors.Is(err, ErrUnsure) || errors.Is(err, ErrAway) { //nolint:errorlint // set as it is
		return err
	}
	return fmt.Errorf("%w (%w: %w)", ErrAway, errLate, err)
}
