package account

import (
	"context"
	"fmt"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Move gives an account another address: it takes the claim of the new one, and
// frees the old; store.ErrTaken when anybody has it, of whatever organization,
// operators included. Whether its mailbox has answered is asked before, in the same
// transaction. What was mailed to the old one is for whoever moves it to end.
func Move(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref Ref, email string) error {
	email = Written(email)
	key := Key(email)
	if err := Claim(ctx, tx, key, ref); err != nil {
		return fmt.Errorf("account %s: %w", ref.ID, err)
	}
	// By its key: to look for what the holder has would go through everybody's.
	err := tx.Later(ctx, nil, `delete from address where address_key = (select a.email_key from account a where a.organization_id = $1 and a.id = $2)
			and address_key <> $3 and organization_id = $4 and holder_id = $5`,
		ref.Organization, ref.ID, key, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("account %s: %w", ref.ID, err)
	}
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `update account set email = $1, email_key = $2, address_digest = $3 where organization_id = $4 and id = $5`,
		email, key, AddressDigest(keys, key), ref.Organization, ref.ID)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	if err != nil {
		return fmt.Errorf("account %s: %w", ref.ID, err)
	}
	return nil
}
