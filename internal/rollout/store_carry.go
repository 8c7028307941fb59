package rollout

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// CarryGrace writes the end of grace that stands under one address under another
// too, when its account moves there: no change of address gives grace back.
func CarryGrace(ctx context.Context, tx *store.Tx, from, to []byte) error {
	_, err := tx.Exec(ctx, `insert into grace_end (address_digest, organization_id, holder_id, ended_at, why, ended_by)
		select coalesce($1, address_digest), organization_id, holder_id, ended_at, why, ended_by from grace_end where address_digest = $2
		on conflict (address_digest) do nothing`, to, from)
	if err != nil {
		return fmt.Errorf("end of grace: %w", err)
	}
	return nil
}
