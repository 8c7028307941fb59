package ticket

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// restoredGap is more tickets than are opened between a backup and its restore.
const restoredGap = 100_000

// Restored leaves out, after a restore, the numbers that were given since the backup:
// somebody's answer to the ticket that is forgotten must not land in another's.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	n, err := tx.Exec(ctx, `update ticket_counter set latest = latest + $1 where id = 1`, restoredGap)
	if err != nil {
		return 0, fmt.Errorf("ticket: %w", err)
	}
	return n, nil
}
