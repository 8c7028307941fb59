package mailotp

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead until was and was set right to is: codes
// mailed in that time count against the limits as if mailed now, and none is valid longer for it.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	back := was.Sub(is).Microseconds()
	_, err := tx.Exec(ctx, `update mail_code set created_at = created_at - $1, expires_at = expires_at - $2 where created_at > $3`,
		back, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("mail codes rewind: %w", err)
	}
	return nil
}
