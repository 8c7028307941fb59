package mailotp

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// End makes every code of a holder dead that was mailed and not typed yet: the
// account has another address from here on.
func End(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.Later(ctx, nil, `update mail_code set replaced_at = $1
		where organization_id = $2 and holder_id = $3 and used_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("mail codes: %w", err)
	}
	return nil
}
