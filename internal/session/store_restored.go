package session

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Restored ends every session and pending sign-in, and says how many: what became of
// them after the copy was taken is not known.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	n, err := tx.Exec(ctx, `update session set ended_at = $1, ended_why = 'the portal was restored' where ended_at is null`, store.Micros(tx.Now()))
	if err != nil {
		return 0, fmt.Errorf("sessions of a restore: %w", err)
	}
	return n, nil
}
