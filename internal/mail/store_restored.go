package mail

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Restored drops the letters that were not sent when the copy was taken and must not
// go out now: codes, links, which a restore makes void, and mailings, which may have
// gone out since. What is left tells one person what happened; it goes out, and may
// do so a second time. It says how many were dropped.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	n, err := tx.Exec(ctx, `update mail set dropped_at = $1, body = null, lease_by = null, lease_until = 0
		where sent_at is null and dropped_at is null and (lane in ('code', 'bulk') or kind in ('pass', 'starting-guide'))`, store.Micros(tx.Now()))
	if err != nil {
		return 0, fmt.Errorf("letters of a restore: %w", err)
	}
	return n, nil
}
