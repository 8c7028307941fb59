package rollout

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/store"
)

// CarryGrace says what becomes of grace when an account moves from one address to
// another: no change of address gives grace back. An end that stands under the old
// address comes to stand under the new one too. And the old address has no grace
// any more, whoever comes by it next: else the file of an import, imported again,
// would bring it back with its old password. An account that moves to an address which
// another of its organization has left brings its own grace along, or none.
func CarryGrace(ctx context.Context, tx *store.Tx, ref account.Ref, from, to []byte) error {
	err := tx.Later(ctx, nil, `delete from grace_end where address_digest = $1 and organization_id = $2 and why = 'moved'`,
		to, ref.Organization)
	if err != nil {
		return fmt.Errorf("end of grace: %w", err)
	}
	err = tx.Later(ctx, nil, `insert into grace_end (address_digest, organization_id, holder_id, ended_at, why, ended_by)
		select coalesce($1, address_digest), organization_id, holder_id, ended_at, case why when 'moved' then 'carried' else why end, ended_by
			from grace_end where address_digest = $2
		union all select coalesce($3, a.address_digest), a.organization_id, a.id, cast($4 as bigint), 'moved', a.id
			from account a where a.organization_id = $5 and a.id = $6
		on conflict (address_digest) do nothing`, to, from, from, store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("end of grace: %w", err)
	}
	return nil
}
