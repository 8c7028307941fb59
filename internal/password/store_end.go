package password

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// EndResets ends what was begun by a holder's old mailbox: every link not used yet,
// and a password kept aside that does not count yet. One that counts already is the
// holder's password and stays.
func EndResets(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	state, err := Read(ctx, tx, ref)
	if err != nil {
		return err
	}
	waits := ""
	if state.Aside.Waits(tx.Now()) {
		waits = state.Aside.ID
	}
	err = tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password_reset set replaced_at = $1, aside = null
		where organization_id = $2 and holder_id = $3 and (used_at is null or id = $4)
			and finished_at is null and refused_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID, waits)
	if err != nil {
		return fmt.Errorf("password resets: %w", err)
	}
	return nil
}
