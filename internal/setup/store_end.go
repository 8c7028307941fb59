package setup

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Abandon forgets what a holder has begun of a set-up and not finished, in whatever
// browser: the mailbox that answered in it is not the account's any more.
func Abandon(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.Later(ctx, nil, `delete from setup where organization_id = $1 and holder_id = $2 and finished_at is null`, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	return nil
}

// Remove forgets every set-up of a holder who is deleted, with what it sealed.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.Later(ctx, nil, `delete from setup where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	return nil
}
