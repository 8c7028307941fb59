package notice

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Restored ends the mailings of notices that show by now: they may have gone out since
// the copy was taken. The notices themselves stay on the pages.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	now := store.Micros(tx.Now())
	n, err := tx.Exec(ctx, `update notice set mailed_at = $1 where by_mail and mailed_at is null and withdrawn_at is null and shows_from <= $2`, now, now)
	if err != nil {
		return 0, fmt.Errorf("notices of a restore: %w", err)
	}
	return n, nil
}
