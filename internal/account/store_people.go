package account

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/mail"
	"nidan/internal/progress"
	"nidan/internal/store"
)

// Change writes what a Portal Admin edits of an account: all but its address and its
// method. What becomes of those of another authority is the caller's to do.
func Change(ctx context.Context, tx *store.Tx, a Account) error {
	return one(tx.About(a.Organization, a.ID).Exec(ctx, `update account set name = $1, name_key = $2, phone = $3, authority = $4, language = $5, time_zone = $6,
			job_title = $7, mobile = $8
		where organization_id = $9 and id = $10`,
		a.Name, NameKey(a.Name), a.Phone, string(a.Authority), string(a.Language), a.Zone, a.JobTitle, a.Mobile, a.Organization, a.ID))
}

// Began is by whom and when an account was added, as long as its method is what it
// was given then.
func Began(ctx context.Context, r store.Reader, ref Ref) (by string, at time.Time, err error) {
	var created store.Instant
	err = r.QueryRow(ctx, `select method_by, created_at from account where organization_id = $1 and id = $2`, ref.Organization, ref.ID).Scan(&by, &created)
	return by, created.Time, err
}

// Answered ends what an import asked for: a request that was granted or declined,
// or a preset choice of somebody who no longer chooses.
func Answered(ctx context.Context, tx *store.Tx, ref Ref) error {
	return one(tx.About(ref.Organization, ref.ID).Exec(ctx, `update account set preset = '' where organization_id = $1 and id = $2`, ref.Organization, ref.ID))
}

// Return lifts the suspension of an account; store.ErrNone when it stands.
func Return(ctx context.Context, tx *store.Tx, ref Ref) error {
	err := one(tx.About(ref.Organization, ref.ID).Exec(ctx, `update account set suspended_at = null, suspended_by = null
		where organization_id = $1 and id = $2 and suspended_at is not null`, ref.Organization, ref.ID))
	if err != nil {
		return err
	}
	return progress.Note(ctx, tx, ref.Organization, ref.ID, progress.Returned, "")
}

// Delete removes an account, and gives its address free again. What other rooms keep
// of it is theirs to remove, in the same transaction; store.ErrNone when it is gone.
func Delete(ctx context.Context, tx *store.Tx, a Account) error {
	err := one(tx.About(a.Organization, a.ID).Exec(ctx, `delete from account where organization_id = $1 and id = $2 and email_key = $3`, a.Organization, a.ID, a.EmailKey))
	if err != nil {
		return err
	}
	err = one(tx.Exec(ctx, `delete from address where address_key = $1 and organization_id = $2 and holder_id = $3`, a.EmailKey, a.Organization, a.ID))
	if err != nil {
		return fmt.Errorf("address of a deleted account: %w", err)
	}
	if err := mail.Remove(ctx, tx, a.Organization, a.ID); err != nil {
		return err
	}
	return progress.Note(ctx, tx, a.Organization, a.ID, progress.Left, "")
}

func one(n int64, err error) error {
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}
