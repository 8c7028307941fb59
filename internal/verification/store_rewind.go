package verification

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Rewind is for a clock that ran ahead until was and was set right to is: each right
// and wrong code of that time counts on, as long ago as it was. Otherwise wrong ones
// would make somebody wait for as long as the clock was ahead, and a stop would
// outlive each reset of the password.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	back := was.Sub(is).Microseconds()
	for _, text := range []string{
		`update second_step set at = at - $1 where at > $2`,
		`update second_step_failure set at = at - $1 where at > $2`,
		`update second_step_state set stopped_at = stopped_at - $1 where stopped_at > $2`,
		`update second_step_state set waits_from = waits_from - $1 where waits_from > $2`,
	} {
		if _, err := tx.Exec(ctx, text, back, store.Micros(is)); err != nil {
			return fmt.Errorf("second steps rewind: %w", err)
		}
	}
	return nil
}
