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

// Save writes a new rollout. Whether its dates make sense is Timetable's to say, before.
func Save(ctx context.Context, tx *store.Tx, p Plan, by string) (Plan, error) {
	p.ID, p.Planned, p.Withdrawn, p.Version = secret.ID(), tx.Now(), time.Time{}, 1
	err := tx.Later(ctx, nil, `insert into rollout (id, organization_id, opens, ends, planned_at, planned_by, zone, message_en, message_ja, reminders, version)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		p.ID, p.Organization, store.Micros(p.Opens), store.Micros(p.Ends), store.Micros(p.Planned), by,
		p.Zone, p.Message.English, p.Message.Japanese, string(p.Reminders), p.Version)
	if err != nil {
		return Plan{}, fmt.Errorf("rollout: %w", err)
	}
	if err := keepVersion(ctx, tx, p, "planned", by); err != nil {
		return Plan{}, err
	}
	return p, maintenance.Changed(ctx, tx)
}

// Change writes a plan's new dates and words over those of the version before, if
// that is still the newest: of two operators at once the second gets store.ErrNone.
// Whether the change may be is Moves's to say, before, in the same transaction.
func Change(ctx context.Context, tx *store.Tx, p Plan, by string) (Plan, error) {
	n, err := tx.Exec(ctx, `update rollout set opens = $1, ends = $2, zone = $3, message_en = $4, message_ja = $5, reminders = $6, version = $7
		where id = $8 and organization_id = $9 and version = $10 and withdrawn_at is null`,
		store.Micros(p.Opens), store.Micros(p.Ends), p.Zone, p.Message.English, p.Message.Japanese, string(p.Reminders), p.Version+1,
		p.ID, p.Organization, p.Version)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	if err != nil {
		return Plan{}, fmt.Errorf("rollout: %w", err)
	}
	p.Version++
	if err := keepVersion(ctx, tx, p, "changed", by); err != nil {
		return Plan{}, err
	}
	return p, maintenance.Changed(ctx, tx)
}

// Withdraw takes a rollout back, once. What that means for whom it covered follows
// from when it is done: see For.
func Withdraw(ctx context.Context, tx *store.Tx, p Plan, by string) error {
	n, err := tx.Exec(ctx, `update rollout set withdrawn_at = $1, withdrawn_by = $2, version = $3
		where id = $4 and organization_id = $5 and version = $6 and withdrawn_at is null`,
		store.Micros(tx.Now()), by, p.Version+1, p.ID, p.Organization, p.Version)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	if err != nil {
		return fmt.Errorf("rollout: %w", err)
	}
	p.Version++
	if err := keepVersion(ctx, tx, p, "withdrawn", by); err != nil {
		return err
	}
	if err := endExtensions(ctx, tx, p.ID); err != nil {
		return err
	}
	return maintenance.Changed(ctx, tx)
}

// endExtensions ends the extensions of a withdrawn rollout. Where the portal's comes
// back instead, its end counts, and nothing that was given beside another.
func endExtensions(ctx context.Context, tx *store.Tx, planID string) error {
	err := tx.Later(ctx, nil, `update extension set replaced_at = $1 where rollout_id = $2 and replaced_at is null`, store.Micros(tx.Now()), planID)
	if err != nil {
		return fmt.Errorf("extensions: %w", err)
	}
	return nil
}

func keepVersion(ctx context.Context, tx *store.Tx, p Plan, what, by string) error {
	err := tx.Later(ctx, nil, `insert into rollout_version (rollout_id, version, what, opens, ends, zone, message_en, message_ja, reminders, saved_at, saved_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		p.ID, p.Version, what, store.Micros(p.Opens), store.Micros(p.Ends), p.Zone, p.Message.English, p.Message.Japanese,
		string(p.Reminders), store.Micros(tx.Now()), by)
	if err != nil {
		return fmt.Errorf("version of a rollout: %w", err)
	}
	return nil
}

// Extend gives one account a later own end (or, without an ID, its organization); a new extension replaces the old.
// Whether it may be is Extends's to say, before, in the same transaction.
func Extend(ctx context.Context, tx *store.Tx, planID string, ref account.Ref, until time.Time, reason, by string) error {
	err := tx.Later(ctx, nil, `update extension set replaced_at = $1
		where rollout_id = $2 and organization_id = $3 and holder_id = $4 and replaced_at is null`,
		store.Micros(tx.Now()), planID, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("extension: %w", err)
	}
	err = tx.Later(ctx, nil, `insert into extension (id, rollout_id, organization_id, holder_id, until, reason, given_at, given_by)
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
			p.zone, p.message_en, p.message_ja, p.reminders, p.version,
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
		var organization, series string
		if err := rows.Scan(&p.ID, &p.Organization, &opens, &ends, &planned, &withdrawn,
			&p.Zone, &p.Message.English, &p.Message.Japanese, &series, &p.Version, &organization, &until); err != nil {
			return nil, nil, err
		}
		if n := len(plans); n == 0 || plans[n-1].ID != p.ID {
			p.Opens, p.Ends, p.Planned, p.Withdrawn, p.Reminders = opens.Time, ends.Time, planned.Time, withdrawn.Time, Series(series)
			plans = append(plans, p)
		}
		if organization != "" {
			extended[[2]string{p.ID, organization}] = until.Time
		}
	}
	return plans, extended, rows.Err()
}

// ReadBook reads every rollout with its extensions of organizations.
func ReadBook(ctx context.Context, r store.Reader) (b Book, err error) {
	b.Plans, b.Extended, err = Plans(ctx, r)
	return b, err
}

// FinishGrace ends the grace of an address for ever; a second time changes nothing.
func FinishGrace(ctx context.Context, tx *store.Tx, keys *secret.Keys, a account.Account, why, by string) error {
	err := tx.About(a.Organization, a.ID).Later(ctx, nil, `insert into grace_end (address_digest, organization_id, holder_id, ended_at, why, ended_by)
		values ($1, $2, $3, $4, $5, $6) on conflict (address_digest) do nothing`,
		account.AddressDigest(keys, a.EmailKey), a.Organization, a.ID, store.Micros(tx.Now()), why, by)
	if err != nil {
		return fmt.Errorf("end of grace: %w", err)
	}
	return nil
}
