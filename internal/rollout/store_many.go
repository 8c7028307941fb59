package rollout

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// NewEnd is a later own end of one new account.
type NewEnd struct {
	Plan  string
	Ref   account.Ref
	Until time.Time
}

// ExtendNew gives later own ends to accounts that the same transaction adds: none of
// them has an older one. Whether they may have it is Extends's to say, before.
func ExtendNew(ctx context.Context, tx *store.Tx, list []NewEnd, reason, by string) error {
	if len(list) == 0 {
		return nil
	}
	now := store.Micros(tx.Now())
	args := make([]any, 0, 8*len(list))
	for _, e := range list {
		args = append(args, secret.ID(), e.Plan, e.Ref.Organization, e.Ref.ID, store.Micros(e.Until), reason, now, by)
	}
	err := tx.InsertMany(ctx, `insert into extension (id, rollout_id, organization_id, holder_id, until, reason, given_at, given_by) values `, 8, args)
	if err != nil {
		return fmt.Errorf("extensions: %w", err)
	}
	return maintenance.Changed(ctx, tx)
}

// Finished says which addresses, by their keys, have no grace ever again.
func Finished(ctx context.Context, r store.Reader, keys *secret.Keys, emailKeys []string) (map[string]bool, error) {
	finished := map[string]bool{}
	for _, key := range emailKeys {
		var ended store.Instant
		err := r.QueryRow(ctx, `select max(ended_at) from grace_end where address_digest = $1`, account.AddressDigest(keys, key)).Scan(&ended)
		if err != nil {
			return nil, fmt.Errorf("end of grace: %w", err)
		}
		finished[key] = !ended.IsZero()
	}
	return finished, nil
}
