package password

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Restored ends every link to reset a password, and every password kept aside that
// still waited when the copy was taken: somebody may have refused it since. One that
// counted by then is its holder's password and stays.
func Restored(ctx context.Context, tx *store.Tx, taken time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `update password_reset set replaced_at = $1, aside = null
		where finished_at is null and refused_at is null and replaced_at is null
			and (used_at is null or aside is not null and approved_at is null and (needs_approval or waits_until > $2))`,
		store.Micros(tx.Now()), store.Micros(taken))
	if err != nil {
		return 0, fmt.Errorf("password resets of a restore: %w", err)
	}
	return n, nil
}
