package demo

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// actSeeded is the last record of a seed.
const actSeeded = "portal:demo:seeded"

// Seeded says whether a database holds a whole seed: one that was broken off does not.
func Seeded(ctx context.Context, r store.Reader) (whole bool, err error) {
	err = r.QueryRow(ctx, `select exists (select 1 from audit where chain = 'operators' and act = $1)`, actSeeded).Scan(&whole)
	if err != nil {
		return false, fmt.Errorf("demo seed: %w", err)
	}
	return whole, nil
}

// used says whether anybody is in a database.
func used(ctx context.Context, r store.Reader) (there bool, err error) {
	return there, r.QueryRow(ctx, `select exists (select 1 from address)`).Scan(&there)
}
