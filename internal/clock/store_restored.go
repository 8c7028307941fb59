package clock

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Restored is for a database that was put back or carried elsewhere: codes accepted
// since may be forgotten in it, so that the floor rises to the present, and one step
// further, since a code one step ahead is accepted as well. No node runs on it. The
// clock's own memory was raised to the latest instant of the copy before.
func Restored(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.Exec(ctx, `delete from node`); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return raiseFloor(ctx, tx, Step(tx.Now())+1)
}

// Silent is how long after its last word a node that did not say it stopped counts
// as gone: each stores the latest instant once a minute.
const Silent = 150 * time.Second

// Running are the nodes that may be serving: those that did not end cleanly, as long
// as any node has stored an instant lately. until is when they count as gone.
func Running(ctx context.Context, r store.Reader, now time.Time) (names []string, until time.Time, err error) {
	rows, err := r.Query(ctx, `select n.name, c.latest from node n join clock c on c.id = 1 where n.stopped_at is null order by n.name`)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("nodes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var latest store.Instant
		if err := rows.Scan(&name, &latest); err != nil {
			return nil, time.Time{}, fmt.Errorf("nodes: %w", err)
		}
		if until = latest.Add(Silent); now.Before(until) {
			names = append(names, name)
		}
	}
	return names, until, rows.Err()
}
