package pass

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Restored ends every pass, starting guide and operator's link, and every request for
// a pass that waits its day: each may have been used, refused or answered since the
// copy was taken. It says how many.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	now := store.Micros(tx.Now())
	passes, err := tx.Exec(ctx, `update pass set withdrawn_at = $1 where spent_at is null and withdrawn_at is null and replaced_at is null`, now)
	if err != nil {
		return 0, fmt.Errorf("passes of a restore: %w", err)
	}
	asked, err := tx.Exec(ctx, `update pass_request set withdrawn_at = $1, withdrawn_by = 'restore' where given_at is null and withdrawn_at is null`, now)
	if err != nil {
		return 0, fmt.Errorf("passes of a restore: %w", err)
	}
	return passes + asked, nil
}
