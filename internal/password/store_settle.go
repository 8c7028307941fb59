package password

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Settle writes down that a password kept aside counts, if its wait is over. It is
// asked before its holder becomes a Portal Admin, whose passwords wait for somebody's
// yes: what counts already must not stop counting, and let the old one in again.
func Settle(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password_reset set approved_at = waits_until, approved_by = 'time'
		where organization_id = $1 and holder_id = $2 and aside is not null and not needs_approval and approved_at is null
			and waits_until <= $3 and finished_at is null and refused_at is null and replaced_at is null`,
		ref.Organization, ref.ID, store.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("password kept aside: %w", err)
	}
	return nil
}
