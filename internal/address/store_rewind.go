package address

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead until was and was set right to is: a link
// mailed in that time is valid no longer than any other, and a correction asked for
// then waits its day from now.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	back := was.Sub(is).Microseconds()
	_, err := tx.Exec(ctx, `update address_change set asked_at = asked_at - $1, waits_until = waits_until - $2 where asked_at > $3`,
		back, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("address changes rewind: %w", err)
	}
	_, err = tx.Exec(ctx, `update address_change set sent_at = sent_at - $1, expires_at = expires_at - $2 where sent_at > $3`,
		back, back, store.Micros(is))
	if err != nil {
		return fmt.Errorf("address changes rewind: %w", err)
	}
	return nil
}
