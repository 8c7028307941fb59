package limit

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead until was and was set right to is: what was
// spent in that time is full again as soon as it would have been.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	back := was.Sub(is).Microseconds()
	_, err := tx.Exec(ctx, `update allowance set full_at = case when full_at - $1 > $2 then full_at - $3 else $4 end where full_at > $5`,
		back, store.Micros(is), back, store.Micros(is), store.Micros(is))
	if err != nil {
		return fmt.Errorf("limit rewind: %w", err)
	}
	return nil
}
