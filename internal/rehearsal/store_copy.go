package rehearsal

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/reminder"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// accounts counts those of a copy.
func accounts(ctx context.Context, r store.Reader) (n int64, err error) {
	return n, r.QueryRow(ctx, `select count(*) from account`).Scan(&n)
}

// ownEnds are the later own ends that extensions of a plan make.
func ownEnds(ctx context.Context, r store.Reader, plan rollout.Plan) ([]Own, error) {
	rows, err := r.Query(ctx, `select until, count(*) from extension
		where rollout_id = $1 and replaced_at is null and until > $2 group by until order by until`, plan.ID, store.Micros(plan.Ends))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Own
	for rows.Next() {
		var until int64
		var n int
		if err := rows.Scan(&until, &n); err != nil {
			return nil, err
		}
		end := rollout.OwnEnd(plan, store.Time(until))
		if last := len(list) - 1; last >= 0 && list[last].At.Equal(end) {
			list[last].N += n
			continue
		}
		list = append(list, Own{end, n})
	}
	return list, rows.Err()
}

// letters are those of a plan that a rehearsal queued, by instant, kind and language.
func letters(ctx context.Context, r store.Reader, planID string, from time.Time) ([]Sent, error) {
	rows, err := r.Query(ctx, `select l.queued_at, l.what, a.language, count(*) from reminder l
			join account a on a.organization_id = l.organization_id and a.id = l.holder_id
		where l.rollout_id = $1 and l.queued_at >= $2
		group by l.queued_at, l.what, a.language order by l.queued_at, l.what, a.language`, planID, store.Micros(from))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Sent{}
	for rows.Next() {
		var at store.Instant
		var what, language string
		var n int
		if err := rows.Scan(&at, &what, &language, &n); err != nil {
			return nil, err
		}
		kind, days := reminder.What(what).Kind()
		if last := len(list) - 1; last < 0 || !list[last].At.Equal(at.Time) || list[last].What != string(kind) || list[last].Days != days {
			list = append(list, Sent{At: at.Time, What: string(kind), Days: days})
		}
		one := &list[len(list)-1]
		if language == "ja" {
			one.JA += n
		} else {
			one.EN += n
		}
	}
	sortSent(list)
	return list, rows.Err()
}

// eachWritten calls do with everybody to whom letters of a plan went, with when the
// first did and the own end that the last names.
func eachWritten(ctx context.Context, r store.Reader, planID string, do func(ref account.Ref, first, ownEnd time.Time)) error {
	rows, err := r.Query(ctx, `select organization_id, holder_id, min(queued_at), max(own_end) from reminder
		where rollout_id = $1 group by organization_id, holder_id`, planID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var ref account.Ref
		var first, end store.Instant
		if err := rows.Scan(&ref.Organization, &ref.ID, &first, &end); err != nil {
			return err
		}
		do(ref, first.Time, end.Time)
	}
	return rows.Err()
}
