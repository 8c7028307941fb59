package mail

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Reminder is the kind of every letter that asks somebody to set up the second
// verification. Who has done so must not be asked any more.
const Reminder = "reminder"

// Cancel ends the letters of one kind that still wait for a holder, and says how
// many. One that a worker has in hand may go out this time, and is not tried again.
func Cancel(ctx context.Context, tx *store.Tx, organization, holder, kind string) (int64, error) {
	now := store.Micros(tx.Now())
	n, err := tx.Exec(ctx, `update mail set expires_at = $1,
			dropped_at = case when lease_until < $2 then cast($3 as bigint) else dropped_at end,
			body = case when lease_until < $4 then null else body end
		where organization_id = $5 and holder_id = $6 and kind = $7 and sent_at is null and dropped_at is null`,
		now, now, now, now, organization, holder, kind)
	if err != nil {
		return 0, fmt.Errorf("mail to cancel: %w", err)
	}
	return n, nil
}

// CancelAll is Cancel for everybody of an organization.
func CancelAll(ctx context.Context, tx *store.Tx, organization, kind string) (int64, error) {
	now := store.Micros(tx.Now())
	n, err := tx.Exec(ctx, `update mail set expires_at = $1,
			dropped_at = case when lease_until < $2 then cast($3 as bigint) else dropped_at end,
			body = case when lease_until < $4 then null else body end
		where organization_id = $5 and kind = $6 and sent_at is null and dropped_at is null`,
		now, now, now, now, organization, kind)
	if err != nil {
		return 0, fmt.Errorf("mail to cancel: %w", err)
	}
	return n, nil
}

// CancelOne is Cancel for a single letter, by its id.
func CancelOne(ctx context.Context, tx *store.Tx, organization, id string) (int64, error) {
	now := store.Micros(tx.Now())
	n, err := tx.Exec(ctx, `update mail set expires_at = $1,
			dropped_at = case when lease_until < $2 then cast($3 as bigint) else dropped_at end,
			body = case when lease_until < $4 then null else body end
		where organization_id = $5 and id = $6 and sent_at is null and dropped_at is null`,
		now, now, now, now, organization, id)
	if err != nil {
		return 0, fmt.Errorf("mail to cancel: %w", err)
	}
	return n, nil
}

// Remove is for a holder who is deleted: letters that still wait for him go nowhere,
// and whether mail reached him is forgotten. What is queued after it goes out.
func Remove(ctx context.Context, tx *store.Tx, organization, holder string) error {
	now := store.Micros(tx.Now())
	_, err := tx.Exec(ctx, `update mail set expires_at = $1,
			dropped_at = case when lease_until < $2 then cast($3 as bigint) else dropped_at end,
			body = case when lease_until < $4 then null else body end
		where organization_id = $5 and holder_id = $6 and sent_at is null and dropped_at is null`,
		now, now, now, now, organization, holder)
	if err != nil {
		return fmt.Errorf("mail to remove: %w", err)
	}
	if _, err := tx.Exec(ctx, `delete from undeliverable where organization_id = $1 and holder_id = $2`, organization, holder); err != nil {
		return fmt.Errorf("undeliverable: %w", err)
	}
	return nil
}
