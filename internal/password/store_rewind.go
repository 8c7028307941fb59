package password

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead until was and was set right to is: links
// mailed in that time are valid no longer than any other, a password kept aside
// waits no longer, and a reset of then does not hide what is wrong from now on. The
// first password's instant stays: grace is decided by it, and nothing gives that back.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	back := was.Sub(is).Microseconds()
	_, err := tx.Exec(ctx, `update password_reset set created_at = created_at - $1, expires_at = expires_at - $2,
			waits_until = waits_until - $3, approved_at = approved_at - $4 where created_at > $5`,
		back, back, back, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("password resets rewind: %w", err)
	}
	_, err = tx.Exec(ctx, `update password_reset set approved_at = approved_at - $1 where approved_at > $2`, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("password resets rewind: %w", err)
	}
	_, err = tx.Exec(ctx, `update password set reset_at = reset_at - $1 where reset_at > $2`, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("passwords rewind: %w", err)
	}
	return nil
}
