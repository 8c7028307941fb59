package progress

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// Person names one person of the changeover.
type Person struct{ Organization, Holder string }

// Arrive is what Note (Came) and Fold do for each, at once and for many: nothing can
// have happened to somebody who is written in the same transaction, so that nothing has
// to be found. The sums of an organization are one row: who imports waits for a fold.
func Arrive(ctx context.Context, tx *store.Tx, list []Person) error {
	rows := make([]any, 0, 4*len(list))
	total := sums{now: map[string]Figures{}}
	for _, p := range list {
		rows = append(rows, p.Organization, p.Holder, "", 0)
		total.change(p.Organization, person{}, person{known: true})
	}
	err := tx.InsertMany(ctx, `insert into progress_person (organization_id, holder_id, method, away) values `, 4, rows)
	if err == nil {
		err = total.add(ctx, tx)
	}
	if err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	return nil
}
