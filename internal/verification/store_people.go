package verification

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Unlock ends the waits after a holder's wrong codes. All of them count towards the
// cap and the long run as before, so that a help desk is no way around those.
func Unlock(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `insert into second_step_state (organization_id, holder_id, waits_from) values ($1, $2, $3)
		on conflict (organization_id, holder_id) do update set waits_from = excluded.waits_from`,
		ref.Organization, ref.ID, store.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("waits of second steps: %w", err)
	}
	return nil
}

// Remove forgets the wrong codes of a holder who is deleted. What was accepted stays
// as long as the sessions it opened: each has to have its record.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	if err := tx.Later(ctx, nil, `delete from second_step_failure where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID); err != nil {
		return fmt.Errorf("second steps: %w", err)
	}
	if err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `delete from second_step_state where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID); err != nil {
		return fmt.Errorf("second steps: %w", err)
	}
	return nil
}

// Waits are the bounds by which a statement over many people says who waits now: a
// run of wrong codes that has reached Runs[i] keeps its holder waiting while the
// last of them is later than Since[i]; so do Hourly of them after HourAgo.
type Waits struct {
	Runs    []int
	Since   []time.Time
	HourAgo time.Time
}

// WaitsAt are the bounds at now, of the longest run first.
func WaitsAt(now time.Time) (w Waits) {
	run := RunBeforeWait
	for ; Wait(run) < LongestWait; run++ {
	}
	for ; run >= RunBeforeWait; run-- {
		w.Runs, w.Since = append(w.Runs, run), append(w.Since, now.Add(-Wait(run)))
	}
	w.HourAgo = now.Add(-time.Hour)
	return w
}
