package pass

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// WithdrawMailed ends a holder's open pass or guide that opens by a mailed link: the
// account has another address from here on. A code handed over in person stays.
func WithdrawMailed(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update pass set withdrawn_at = $1
		where organization_id = $2 and holder_id = $3 and code_digest is null
			and spent_at is null and withdrawn_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("passes: %w", err)
	}
	return nil
}
