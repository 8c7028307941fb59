package reminder

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Restored ends the rounds that were on their way when the copy was taken, and writes
// those down as over that have become due since: nobody gets a letter twice. An
// operator may begin each anew, for who was not written to before. It says how many.
func Restored(ctx context.Context, tx *store.Tx, house *time.Location) (int64, error) {
	n, err := tx.Exec(ctx, `update reminder_round set finished_at = $1 where finished_at is null`, store.Micros(tx.Now()))
	if err != nil {
		return 0, fmt.Errorf("reminders of a restore: %w", err)
	}
	p, err := read(ctx, tx, tx.Now())
	if err != nil {
		return 0, fmt.Errorf("reminders of a restore: %w", err)
	}
	rounds, err := begun(ctx, tx, tx.Now())
	if err != nil {
		return 0, fmt.Errorf("reminders of a restore: %w", err)
	}
	for _, t := range due(p, house, rounds, tx.Now()) {
		if t.begun {
			continue
		}
		over := t.round
		over.Finished = tx.Now()
		if _, err := begin(ctx, tx, over); err != nil {
			return 0, fmt.Errorf("reminders of a restore: %w", err)
		}
		n++
	}
	return n, nil
}
