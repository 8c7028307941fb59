package address

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// WithdrawAsked ends every open change of an organization that one and the same has
// asked for, for others: he no longer acts for them, and a link that he has in hand
// would act for him all the same. What he asked for himself is his own to withdraw.
func WithdrawAsked(ctx context.Context, tx *store.Tx, organization, by string) error {
	err := tx.Later(ctx, nil, `update address_change set withdrawn_at = $1, withdrawn_by = $2
		where organization_id = $3 and asked_by = $4 and holder_id <> $5 and used_at is null and replaced_at is null and withdrawn_at is null`,
		store.Micros(tx.Now()), by, organization, by, by)
	if err != nil {
		return fmt.Errorf("address changes: %w", err)
	}
	return nil
}
