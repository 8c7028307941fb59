package address

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Restored ends every change of an address that was not done when the copy was taken,
// links and corrections that wait their day: each may have been withdrawn since.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	n, err := tx.Exec(ctx, `update address_change set withdrawn_at = $1, withdrawn_by = 'restore'
		where used_at is null and replaced_at is null and withdrawn_at is null`, store.Micros(tx.Now()))
	if err != nil {
		return 0, fmt.Errorf("address changes of a restore: %w", err)
	}
	return n, nil
}
