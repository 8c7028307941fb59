package password

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Revoke makes a holder's password one that nothing typed can match, until a new one
// is set. It counts as a reset: a stop of the second verification ends by it, since
// whoever is reset from the console has no mailed way to end it.
func Revoke(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	now := store.Micros(tx.Now())
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password set hash = '', sealed = null, format = '', weak = true, set_at = $1, reset_at = $2
		where organization_id = $3 and holder_id = $4`, now, now, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	return nil
}
