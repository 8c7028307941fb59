package mailotp

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// RemoveAll is Remove for a holder who is deleted: the codes that were mailed go too.
func RemoveAll(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	if err := tx.Later(ctx, nil, `delete from mail_code where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID); err != nil {
		return fmt.Errorf("mail code: %w", err)
	}
	return Remove(ctx, tx, ref)
}
