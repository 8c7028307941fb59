package importing

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Restored discards, after a restore, the imports that were under way when the backup was
// taken, and answers how many: whom they would add may have come, or have been deleted, since.
func Restored(ctx context.Context, tx *store.Tx) (int64, error) {
	n, err := tx.Exec(ctx, `update import_run set state = 'discarded', finished_at = $1, lease_by = '', lease_until = 0 where finished_at is null`,
		store.Micros(tx.Now()))
	if err != nil {
		return 0, fmt.Errorf("importing: %w", err)
	}
	return n, nil
}
