package rollout

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// RemoveExtensions forgets the extensions of an account that is deleted, with the
// reasons they were given for; the record has told of them.
func RemoveExtensions(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `delete from extension
		where rollout_id in (select r.id from rollout r) and organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("extension: %w", err)
	}
	return nil
}
