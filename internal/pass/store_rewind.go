package pass

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead until was and was set right to is: a pass
// given in that time is valid no longer than any other, and who was told that one is
// asked for has a day to answer.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	back := was.Sub(is).Microseconds()
	_, err := tx.Exec(ctx, `update pass set created_at = created_at - $1, expires_at = expires_at - $2 where created_at > $3`,
		back, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("passes rewind: %w", err)
	}
	_, err = tx.Exec(ctx, `update pass_request set asked_at = asked_at - $1, waits_until = waits_until - $2 where asked_at > $3`,
		back, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("asked passes rewind: %w", err)
	}
	return nil
}
