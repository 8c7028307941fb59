package rollout

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// EndExtension ends the extension of one account, which is deleted.
func EndExtension(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	_, err := tx.Exec(ctx, `update extension set replaced_at = $1
		where rollout_id in (select r.id from rollout r) and organization_id = $2 and holder_id = $3 and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("extension: %w", err)
	}
	return nil
}
