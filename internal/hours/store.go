package hours

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// ReadSpecial are the days that operators closed or opened, by their day, from one
// day on.
func ReadSpecial(ctx context.Context, r store.Reader, from Day) (map[Day]Special, error) {
	rows, err := r.Query(ctx, `select day, opened, note from business_day where day >= $1 order by day`, from.Number())
	if err != nil {
		return nil, fmt.Errorf("business days: %w", err)
	}
	defer rows.Close()
	all := map[Day]Special{}
	for rows.Next() {
		var n int64
		var s Special
		if err := rows.Scan(&n, &s.Open, &s.Note); err != nil {
			return nil, fmt.Errorf("business days: %w", err)
		}
		s.Day = DayNumbered(n)
		all[s.Day] = s
	}
	return all, rows.Err()
}

// Say keeps what an operator says of a day, in place of what was said of it before.
func Say(ctx context.Context, tx *store.Tx, s Special, by string) error {
	_, err := tx.Exec(ctx, `insert into business_day (day, opened, note, said_at, said_by) values ($1, $2, $3, $4, $5)
		on conflict (day) do update set opened = excluded.opened, note = excluded.note, said_at = excluded.said_at, said_by = excluded.said_by`,
		s.Day.Number(), s.Open, s.Note, store.Micros(tx.Now()), by)
	if err != nil {
		return fmt.Errorf("business day: %w", err)
	}
	return nil
}

// Unsay takes back what was said of a day; store.ErrNone when nothing was.
func Unsay(ctx context.Context, tx *store.Tx, d Day) error {
	n, err := tx.Exec(ctx, `delete from business_day where day = $1`, d.Number())
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}
