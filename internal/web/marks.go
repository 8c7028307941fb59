package web

import (
	"context"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// Marks are the instants of the rollouts that a maintenance window may swallow:
// rollouts know of windows, and windows nothing of rollouts.
func Marks(house *time.Location) func(ctx context.Context, r store.Reader, from, until time.Time) ([]maintenance.Mark, error) {
	return func(ctx context.Context, r store.Reader, from, until time.Time) ([]maintenance.Mark, error) {
		events, err := rollout.Within(ctx, r, house, from, until)
		marks := make([]maintenance.Mark, len(events))
		for i, e := range events {
			marks[i] = maintenance.Mark{At: e.At, What: maintenance.What(e.What), Whose: e.Scope, N: e.N}
		}
		return marks, err
	}
}
