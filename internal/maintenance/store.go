package maintenance

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Plan writes a window. by is an operator's id, or the console.
func Plan(ctx context.Context, tx *store.Tx, opens, closes time.Time, by string, operators ...string) (Window, error) {
	w := Window{ID: secret.ID(), Opens: opens, Closes: closes, Planned: tx.Now(), By: by, Operators: operators}
	_, err := tx.Exec(ctx, `insert into maintenance_window (id, opens, closes, planned_at, planned_by) values ($1, $2, $3, $4, $5)`,
		w.ID, store.Micros(opens), store.Micros(closes), store.Micros(w.Planned), by)
	if err != nil {
		return Window{}, fmt.Errorf("window: %w", err)
	}
	for _, id := range operators {
		_, err := tx.Exec(ctx, `insert into maintenance_operator (window_id, operator_id) values ($1, $2)`, w.ID, id)
		if err != nil {
			return Window{}, fmt.Errorf("window: %w", err)
		}
	}
	return w, Changed(ctx, tx)
}

// Cancel takes back a window that has not opened; store.ErrNone for any other.
func Cancel(ctx context.Context, tx *store.Tx, id, by string) error {
	n, err := tx.Exec(ctx, `update maintenance_window set cancelled_at = $1, cancelled_by = $2
		where id = $3 and cancelled_at is null and opens > $4`, store.Micros(tx.Now()), by, id, store.Micros(tx.Now()))
	return changed(ctx, tx, n, err)
}

// Lift ends a window now that covers now; store.ErrNone for any other. The planned
// close is kept beside. A close is after its opening, be it by a microsecond.
func Lift(ctx context.Context, tx *store.Tx, id, by string) error {
	now := store.Micros(tx.Now())
	n, err := tx.Exec(ctx, `update maintenance_window set lifted_from = closes, lifted_by = $1,
			closes = case when opens < $2 then cast($3 as bigint) else opens + 1 end
		where id = $4 and cancelled_at is null and opens <= $5 and closes > $6`, by, now, now, id, now, now)
	return changed(ctx, tx, n, err)
}

// changed closes an update of one window.
func changed(ctx context.Context, tx *store.Tx, n int64, err error) error {
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	if err != nil {
		return fmt.Errorf("window: %w", err)
	}
	return Changed(ctx, tx)
}

// Changed tells every node, at its next request, that windows or rollouts are not
// what it remembers. A version is given once, also by a database that was put back to
// an earlier state while nodes ran: a standby that was behind would count to the same
// number again, and a node hold what was lost for what is planned.
func Changed(ctx context.Context, tx *store.Tx) error {
	now := store.Micros(tx.Now())
	n, err := tx.Exec(ctx, `update policy set version = case when version < $1 then $2 else version + 1 end where id = 1`, now, now)
	if err == nil && n == 0 {
		err = fmt.Errorf("policy: %w", store.ErrNone)
	}
	return err
}

// Version is what Changed raises.
func Version(ctx context.Context, r store.Reader) (version int64, err error) {
	return version, r.QueryRow(ctx, `select version from policy where id = 1`).Scan(&version)
}

// Windows are all windows, past and ahead, the latest first, with their lists.
func Windows(ctx context.Context, r store.Reader) ([]Window, error) {
	rows, err := r.Query(ctx, `select w.id, w.opens, w.closes, w.lifted_from, w.planned_at, w.planned_by, w.cancelled_at,
			coalesce(o.operator_id, '')
		from maintenance_window w left join maintenance_operator o on o.window_id = w.id
		order by w.opens desc, w.id, o.operator_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Window
	for rows.Next() {
		var w Window
		var opens, closes, lifted, planned, cancelled store.Instant
		var operator string
		if err := rows.Scan(&w.ID, &opens, &closes, &lifted, &planned, &w.By, &cancelled, &operator); err != nil {
			return nil, err
		}
		if n := len(list); n == 0 || list[n-1].ID != w.ID {
			w.Opens, w.Closes, w.LiftedFrom, w.Planned, w.Cancelled = opens.Time, closes.Time, lifted.Time, planned.Time, cancelled.Time
			list = append(list, w)
		}
		if operator != "" {
			last := &list[len(list)-1]
			last.Operators = append(last.Operators, operator)
		}
	}
	return list, rows.Err()
}
