package mailotp

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Restored makes every code dead that was not typed before the copy was taken: it may
// have been since. It says how many.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	n, err := tx.Exec(ctx, `update mail_code set replaced_at = $1 where used_at is null and replaced_at is null`, store.Micros(tx.Now()))
	if err != nil {
		return 0, fmt.Errorf("mail codes of a restore: %w", err)
	}
	return n, nil
}
