package demo

import (
	"context"
	"log/slog"
	"time"

	"nidan/internal/clock"
	"nidan/internal/store"
)

// followEvery is how soon a jump on one node is the time on all.
const followEvery = time.Second

// Follow makes this node's clock jump with those of the other nodes, until ctx
// ends. Only a node that serves a demo calls it.
func Follow(ctx context.Context, db *store.DB, clk *clock.Clock, log *slog.Logger) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var known clock.State
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		state, err := clock.Load(ctx, db, clk)
		if err == nil && (state.DemoOffset != known.DemoOffset || state.Epoch != known.Epoch) {
			if err = clock.Remember(ctx, db, clk); err == nil {
				known = state
			}
		}
		if err != nil && ctx.Err() == nil {
			log.Error("a demo's clock cannot be followed", "error", err)
		}
	}
}
