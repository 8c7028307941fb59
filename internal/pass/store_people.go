package pass

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/store"
)

// Remove forgets the passes and guides of a holder who is deleted, who asked for one,
// and how often codes were typed.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	if err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `delete from pass where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID); err != nil {
		return fmt.Errorf("passes: %w", err)
	}
	if err := tx.Later(ctx, nil, `delete from pass_request where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID); err != nil {
		return fmt.Errorf("asked passes: %w", err)
	}
	return limit.Clear(ctx, tx, trying(ref).Name)
}
