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

// Save writes a new rollout. Whether its dates make sense is for the page that plans it.
func Save(ctx context.Context, tx *store.Tx, organizationID string, opens, ends time.Time, by string) (Plan, error) {
	p := Plan{ID: secret.ID(), Organization: organizationID, Opens: opens, Ends: ends, Planned: tx.Now()}
	_, err := tx.Exec(ctx, `insert into rollout (id, organization_id, opens, ends, planned_at, planned_by) values ($1, $2, $3, $4, $5, $6)`,
		p.ID, organizationID, store.Micros(opens), store.Micros(ends), store.Micros(p.Planned), by)
	if err != nil {
		return Plan{}, fmt.Errorf("rollout: %w", err)
	}
	return p, maintenance.Changed(ctx, tx)
}

// Extend gives one account a later own end; a new extension replaces the old.
func Extend(ctx context.Context, tx *store.Tx, planID string, ref account.Ref, until time.Time, reason, by string) error {
	_, err := tx.Exec(ctx, `update extension set replaced_at = $1
		where rollout_id = $2 and organization_id = $3 and holder_id = $4 and replaced_at is null`,
		store.Micros(tx.Now()), planID, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("extension: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into extension (id, rollout_id, organization_id, holder_id, until, reason, given_at, given_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		secret.ID(), planID, ref.Organization, ref.ID, store.Micros(until), reason, store.Micros(tx.Now()), by)
	if err != nil {
		return fmt.Errorf("extension: %w", err)
	}
	return maintenance.Changed(ctx, tx)
}

// Plans are all rollouts ever planned, with each organization's extension of them
// under its id ("" holds none). There are few: every node keeps them in memory.
func Plans(ctx context.Context, r store.Reader) (plans []Plan, extended map[[2]string]time.Time, err error) {
	rows, err := r.Query(ctx, `select p.id, p.organization_id, p.opens, p.ends, p.planned_at, p.withdrawn_at,
			coalesce(e.organization_id, ''), e.until
		from rollout p left join extension e on e.rollout_id = p.id and e.holder_id = '' and e.replaced_at is null
		order by p.opens, p.id`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	extended = map[[2]string]time.Time{}
	for rows.Next() {
		var p Plan
		var opens, ends, planned, withdrawn, until store.Instant
		var organization string
		if err := rows.Scan(&p.ID, &p.Organization, &opens, &ends, &planned, &withdrawn, &organization, &until); err != nil {
			return nil, nil, err
		}
		if n := len(plans); n == 0 || plans[n-1].ID != p.ID {
			p.Opens, p.Ends, p.Planned, p.Withdrawn = opens.Time, ends.Time, planned.Time, withdrawn.Time
			plans = append(plans, p)
		}
		if organization != "" {
			extended[[2]string{p.ID, organization}] = until.Time
		}
	}
	return plans, extended, rows.Err()
}

// FinishGrace ends the grace of an address for ever; a second time changes nothing.
func FinishGrace(ctx context.Context, tx *store.Tx, keys *secret.Keys, a account.Account, why, by string) error {
	_, err := tx.Exec(ctx, `insert into grace_end (address_digest, organization_id, holder_id, ended_at, why, ended_by)
		values ($1, $2, $3, $4, $5, $6) on conflict (address_digest) do nothing`,
		account.AddressDigest(keys, a.EmailKey), a.Organization, a.ID, store.Micros(tx.Now()), why, by)
	if err != nil {
		return fmt.Errorf("end of grace: %w", err)
	}
	return nil
}
