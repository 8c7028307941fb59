package password

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Lookup reads the password of whoever signs in with an address, in one statement:
// the same for an address nobody has, where ref is empty and so is the hash. With
// it come the counters that slow such an attempt: again is when it may be made, or
// the zero time for now.
func Lookup(ctx context.Context, r store.Reader, keys *secret.Keys, emailKey string, now time.Time, slow [4]limit.Key) (ref account.Ref, kept Kept, again time.Time, err error) {
	var aside Aside
	var sealed, old []byte
	var set, waits, approved store.Instant
	var full [4]store.Instant
	err = r.QueryRow(ctx, `select coalesce(d.organization_id, ''), coalesce(d.holder_id, ''),
			coalesce(p.hash, ''), p.sealed, coalesce(p.weak, false), coalesce(p.set_at, 0),
			coalesce(s.id, ''), s.aside, s.waits_until,
			coalesce(s.needs_approval, true) or coalesce(a.authority, '') = 'portal_admin', s.approved_at,
			(select full_at from allowance where name = $1), (select full_at from allowance where name = $2),
			(select full_at from allowance where name = $3), (select full_at from allowance where name = $4)
		from (select 1 as one) o
			left join address d on d.address_key = $5
			left join account a on a.organization_id = d.organization_id and a.id = d.holder_id
			left join password p on p.organization_id = d.organization_id and p.holder_id = d.holder_id
			left join password_reset s on s.organization_id = d.organization_id and s.holder_id = d.holder_id
				and s.aside is not null and s.finished_at is null and s.refused_at is null and s.replaced_at is null`,
		slow[0].Name, slow[1].Name, slow[2].Name, slow[3].Name, emailKey).
		Scan(&ref.Organization, &ref.ID, &kept.Hash, &old, &kept.Weak, &set,
			&aside.ID, &sealed, &waits, &aside.NeedsApproval, &approved, &full[0], &full[1], &full[2], &full[3])
	if err != nil {
		return account.Ref{}, Kept{}, time.Time{}, fmt.Errorf("password: %w", err)
	}
	for i, key := range slow {
		if at := key.Again(now, full[i].Time); at.After(again) {
			again = at
		}
	}
	kept.SetAt = set.Time
	if len(old) > 0 {
		if kept.Hash, err = unseal(keys, ref, old); err != nil {
			return account.Ref{}, Kept{}, time.Time{}, err
		}
		kept.sealed = string(old)
	}
	if aside.ID != "" {
		hash, err := keys.Open(secret.ForReset, aside.ID, sealed)
		if err != nil {
			return account.Ref{}, Kept{}, time.Time{}, fmt.Errorf("password kept aside: %w", err)
		}
		aside.Hash, aside.WaitsUntil, aside.Approved = string(hash), waits.Time, approved.Time
	}
	return ref, Effective(now, kept, aside), again, nil
}

// How says on whose behalf a password is set.
type How int

// The ways.
const (
	Changed How = iota // by its owner, or at set-up
	Reset              // by the mailed way: a stop of the second verification ends
)

// Set stores a hash. The instant of the first one is kept: grace follows from it.
// A new password ends every reset of the holder: a mailed link not yet used, and a
// password kept aside.
func Set(ctx context.Context, tx *store.Tx, ref account.Ref, hash string, how How) error {
	if err := put(ctx, tx, ref, hash, how); err != nil {
		return err
	}
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password_reset set finished_at = $1, aside = null
		where organization_id = $2 and holder_id = $3 and finished_at is null and refused_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("password resets: %w", err)
	}
	return nil
}

func put(ctx context.Context, tx *store.Tx, ref account.Ref, hash string, how How) error {
	now := store.Micros(tx.Now())
	var reset any
	if how == Reset {
		reset = now
	}
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `insert into password (organization_id, holder_id, hash, first_at, set_at, reset_at, weak)
		values ($1, $2, $3, $4, $5, cast($6 as bigint), false)
		on conflict (organization_id, holder_id) do update set hash = excluded.hash, set_at = excluded.set_at,
			reset_at = coalesce(excluded.reset_at, password.reset_at), weak = false, sealed = null, format = ''`,
		ref.Organization, ref.ID, hash, now, now, reset)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	return nil
}

// Rehash replaces the hash of an unchanged password by a newer kind, unless it
// was changed meanwhile. One of another system goes for good with it.
func Rehash(ctx context.Context, tx *store.Tx, ref account.Ref, old Kept, hash string) error {
	if old.Foreign() {
		return tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password set hash = $1, sealed = null, format = ''
			where organization_id = $2 and holder_id = $3 and sealed = $4`, hash, ref.Organization, ref.ID, []byte(old.sealed))
	}
	return tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password set hash = $1 where organization_id = $2 and holder_id = $3 and hash = $4 and sealed is null`,
		hash, ref.Organization, ref.ID, old.Hash)
}

// MarkWeak marks a password that failed the rule when it was typed.
func MarkWeak(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	return tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password set weak = true where organization_id = $1 and holder_id = $2 and not weak`,
		ref.Organization, ref.ID)
}

// Find reads a holder's stored password; store.ErrNone when there is none.
func Find(ctx context.Context, r store.Reader, ref account.Ref) (kept Kept, err error) {
	err = r.QueryRow(ctx, `select hash, weak from password where organization_id = $1 and holder_id = $2`,
		ref.Organization, ref.ID).Scan(&kept.Hash, &kept.Weak)
	return kept, err
}
