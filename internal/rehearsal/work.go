package rehearsal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"nidan/internal/fault"
	"nidan/internal/store"
)

// errLost ends a rehearsal whose lease another node has.
var errLost = errors.New("another node took the rehearsal over")

// keepEvery is how often progress is written down and the lease renewed.
const keepEvery = time.Second

// Work plays the rehearsals that wait, one after another, until none is left. Any
// number of nodes may run it; a node runs it once at a time.
func (rm *Room) Work(ctx context.Context) error {
	if !rm.swept {
		if _, err := Sweep(); err != nil {
			return err
		}
		rm.swept = true
	}
	for {
		id, err := waits(ctx, rm.DB, rm.Site.Now())
		if errors.Is(err, store.ErrNone) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := rm.work(ctx, id); err != nil {
			return err
		}
	}
}

// work plays one rehearsal, if no other node was faster.
func (rm *Room) work(ctx context.Context, id string) error {
	var r row
	err := rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		r, err = take(ctx, tx, id)
		return err
	})
	if errors.Is(err, store.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.tries > triesMost {
		return rm.finish(ctx, r, nil, "rehearsal.gave_up")
	}
	report, err := rm.playing(ctx, r)
	f := fault.Of(err)
	switch {
	case errors.Is(err, errLost):
		return nil
	case ctx.Err() != nil: // this node stops
		return rm.DB.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error { return release(ctx, tx, r) })
	case f != nil:
		return rm.finish(ctx, r, nil, f.Phrase)
	case err != nil:
		rm.Log.Error("a rehearsal failed", slog.String("rehearsal", r.ID), slog.String("error", err.Error()))
		return rm.finish(ctx, r, nil, "rehearsal.failed")
	}
	return rm.finish(ctx, r, &report, "")
}

func (rm *Room) finish(ctx context.Context, r row, report *Report, failure string) error {
	return rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return finish(ctx, tx, r, report, failure) })
}

// playing plays, and meanwhile writes down how far it has come. A long step says
// nothing for a while, so the lease is renewed beside it.
func (rm *Room) playing(ctx context.Context, r row) (Report, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var mu sync.Mutex
	step, done := Copying, int64(0)
	stage := Stage{Site: rm.Site, PerSecond: rm.PerSecond, Tell: func(s Step, n int64) error {
		mu.Lock()
		defer mu.Unlock()
		step, done = s, n
		return ctx.Err()
	}}
	var beside sync.WaitGroup
	stop := make(chan struct{})
	beside.Go(func() {
		tick := time.NewTicker(keepEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			mu.Lock()
			s, n := step, done
			mu.Unlock()
			if err := rm.keep(ctx, r, s, n); errors.Is(err, errLost) {
				end(errLost)
			}
		}
	})
	report, err := Play(ctx, rm.DB, stage, r.Rollout, rm.Site.Now())
	close(stop)
	beside.Wait()
	if errors.Is(context.Cause(ctx), errLost) {
		err = errLost
	}
	return report, err
}

// keep renews the lease; errLost when there is none to renew. Any other error is
// left to the next time: the lease outlasts many of them.
func (rm *Room) keep(ctx context.Context, r row, step Step, done int64) error {
	return rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mine, err := keep(ctx, tx, r, step, done)
		if err == nil && !mine {
			err = errLost
		}
		return err
	})
}
