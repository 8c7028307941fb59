package mail

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead until was and was set right to is: letters
// that wait are due as soon as they would have been, and no lease is of that time.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	back := was.Sub(is).Microseconds()
	_, err := tx.Exec(ctx, `update mail set due_at = case when due_at - $1 > $2 then due_at - $3 else $4 end,
			expires_at = case when created_at > $5 then expires_at - $6 else expires_at end,
			lease_until = case when lease_until > $7 then $8 else lease_until end
		where sent_at is null and dropped_at is null and (due_at > $9 or lease_until > $10 or created_at > $11)`,
		back, store.Micros(is), back, store.Micros(is), store.Micros(is), back, store.Micros(is), store.Micros(is),
		store.Micros(is), store.Micros(is), store.Micros(is))
	if err != nil {
		return fmt.Errorf("mail rewind: %w", err)
	}
	return nil
}
