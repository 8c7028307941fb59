package record

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/audit"
	"nidan/internal/store"
)

const hourMicros = int64(time.Hour / time.Microsecond)

// settled is how long after its end an hour is counted: a deed's instant is taken
// before its commit, and no transaction lasts so long.
const settled = 10 * time.Minute

// refusals are the acts that are counted, as the statements name them.
const refusals = `('account:password:refused', 'account:code:refused', 'account:pass:refused', 'account:guide:denied', 'account:reset:denied')`

// Fold adds up the refused sign-ins of hours that are over, so that a page of a month
// costs the same beside a thousand rows and a million. Counted again, an hour has the
// same sum. Where a clock was set back the hours ahead are forgotten and counted anew.
func Fold(ctx context.Context, tx *store.Tx) error {
	until := tx.Now().Add(-settled).UnixMicro() / hourMicros
	var from int64
	if err := tx.QueryRow(ctx, `select coalesce(max(until_hour), 0) from record_counted`).Scan(&from); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if from == until {
		return nil
	}
	if _, err := tx.Exec(ctx, `delete from record_hour where hour >= $1 or hour < $2`, min(from, until),
		tx.Now().Add(-audit.Retention).UnixMicro()/hourMicros); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if from < until {
		if _, err := tx.Exec(ctx, `insert into record_hour (hour, act, refused)
			select at / 3600000000, act, count(*) from audit
			where act in `+refusals+` and at >= $1 and at < $2 group by at / 3600000000, act`, from*hourMicros, until*hourMicros); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `insert into record_counted (id, until_hour) values (1, $1) on conflict (id) do update set until_hour = excluded.until_hour`, until)
	return err
}

// Hour is how many sign-ins of each kind were refused in an hour.
type Hour struct {
	At time.Time
	Refused
}

// Hours are the hours from an instant on in which anything was refused, in order:
// those added up, and what has happened since. The instant from which on rows are
// counted is one bound: of two, SQLite would walk the index from the earlier.
func Hours(ctx context.Context, r store.Reader, from time.Time) ([]Hour, error) {
	first := from.UnixMicro() / hourMicros
	rows, err := r.Query(ctx, `select hour, act, refused from record_hour where hour >= $1
		union all
		select at / 3600000000, act, count(*) from audit
		where act in `+refusals+` and at >= (select max(b.begins) from (
			select cast($2 as bigint) as begins union all select until_hour * 3600000000 from record_counted) b)
		group by at / 3600000000, act order by 1`, first, first*hourMicros)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	defer rows.Close()
	var list []Hour
	for rows.Next() {
		var hour, n int64
		var act string
		if err := rows.Scan(&hour, &act, &n); err != nil {
			return nil, err
		}
		at := time.UnixMicro(hour * hourMicros).UTC()
		if len(list) == 0 || !list[len(list)-1].At.Equal(at) {
			list = append(list, Hour{At: at})
		}
		list[len(list)-1].add(act, n)
	}
	return list, rows.Err()
}
