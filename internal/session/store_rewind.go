package session

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead and was set right to is: a session that was
// seen in that time counts for nothing now, and must not come back to life when the
// time comes round.
func Rewind(ctx context.Context, tx *store.Tx, is time.Time) error {
	_, err := tx.Exec(ctx, `update session set ended_at = $1, ended_why = 'the clock was set right' where seen_at > $2 and ended_at is null`,
		store.Micros(is), store.Micros(is.Add(Ahead)))
	if err != nil {
		return fmt.Errorf("sessions rewind: %w", err)
	}
	return nil
}
