package password

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

const (
	waitingText = `select h.id, h.used_at, h.waits_until, h.needs_approval or coalesce(a.authority, '') = 'portal_admin', h.approved_at, ` + ownerColumns + `
		from password_reset h` + ownerJoins
	waitingRow = `a.id is not null and h.aside is not null and h.finished_at is null and h.refused_at is null and h.replaced_at is null`
)

type scanner interface{ Scan(dest ...any) error }

func scanWaiting(row scanner) (w Waiting, err error) {
	var set, until, approved store.Instant
	places, owner := ownerScan()
	err = row.Scan(append([]any{&w.Aside.ID, &set, &until, &w.Aside.NeedsApproval, &approved}, places...)...)
	w.Owner = owner()
	w.Aside.Set, w.Aside.WaitsUntil, w.Aside.Approved = set.Time, until.Time, approved.Time
	return w, err
}

// waitingOf reads what waits for one account, with all that the rule asks; ErrNone
// when that organization has none of that id, or nothing waits for it.
func waitingOf(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) (Waiting, error) {
	w, err := scanWaiting(r.QueryRow(ctx, waitingText+` where h.organization_id = $1 and h.holder_id = $2 and `+waitingRow,
		ref.Organization, ref.ID))
	if err == nil && !w.Aside.Waits(now) {
		err = store.ErrNone
	}
	if errors.Is(err, store.ErrNone) {
		return Waiting{}, err
	}
	if err == nil {
		w.admins, err = account.Abilities(ctx, r, ref.Organization)
	}
	if err != nil {
		return Waiting{}, fmt.Errorf("password kept aside: %w", err)
	}
	return w, nil
}

// waiting are the passwords that wait in an organization, the oldest first.
func waiting(ctx context.Context, r store.Reader, organization string, now time.Time, limit int) ([]Waiting, error) {
	return scanAllWaiting(now, func() (*store.Rows, error) {
		return r.Query(ctx, waitingText+` where h.organization_id = $1 and `+waitingRow+`
			and h.approved_at is null and (h.waits_until > $2 or h.needs_approval or a.authority = 'portal_admin')
			order by h.used_at, h.id limit $3`, organization, store.Micros(now), limit)
	})
}

// waitingAdmins are the Portal Admins of the whole portal whose passwords wait.
func waitingAdmins(ctx context.Context, r store.Reader, now time.Time, limit int) ([]Waiting, error) {
	return scanAllWaiting(now, func() (*store.Rows, error) {
		return r.Query(ctx, waitingText+` where a.authority = 'portal_admin' and h.approved_at is null and `+waitingRow+`
			order by h.used_at, h.id limit $1`, limit)
	})
}

func scanAllWaiting(now time.Time, ask func() (*store.Rows, error)) (list []Waiting, _ error) {
	rows, err := ask()
	if err != nil {
		return nil, fmt.Errorf("passwords kept aside: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		w, err := scanWaiting(rows)
		if err != nil {
			return nil, fmt.Errorf("passwords kept aside: %w", err)
		}
		if w.Aside.Waits(now) {
			list = append(list, w)
		}
	}
	return list, rows.Err()
}

// approve makes a password that waits count from now on, in one conditional write:
// of many answers at once one wins; the others get store.ErrNone.
func approve(ctx context.Context, tx *store.Tx, ref account.Ref, id, by string) error {
	return answered(tx.About(ref.Organization, ref.ID).Exec(ctx, `update password_reset set approved_at = $1, approved_by = $2
		where organization_id = $3 and holder_id = $4 and id = $5 and aside is not null and approved_at is null
			and finished_at is null and refused_at is null and replaced_at is null`,
		store.Micros(tx.Now()), by, ref.Organization, ref.ID, id))
}

// refuse ends a password that waits, and every open link of the holder with it.
func refuse(ctx context.Context, tx *store.Tx, ref account.Ref, by string) error {
	return answered(tx.About(ref.Organization, ref.ID).Exec(ctx, `update password_reset set refused_at = $1, refused_by = $2, aside = null
		where organization_id = $3 and holder_id = $4 and approved_at is null
			and finished_at is null and refused_at is null and replaced_at is null`,
		store.Micros(tx.Now()), by, ref.Organization, ref.ID))
}

func answered(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrNone
	}
	if err != nil {
		return fmt.Errorf("password kept aside: %w", err)
	}
	return nil
}
