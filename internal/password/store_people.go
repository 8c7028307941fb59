package password

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Remove forgets the password of a holder who is deleted, and every reset of it.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	if err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `delete from password where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID); err != nil {
		return fmt.Errorf("password: %w", err)
	}
	if err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `delete from password_reset where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID); err != nil {
		return fmt.Errorf("password resets: %w", err)
	}
	return nil
}
