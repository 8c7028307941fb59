package reminder

import (
	"context"

	"nidan/internal/maintenance"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// calendar is what the dates of one rollout follow from, with the name of its
// organization, in one statement: its versions, and the windows that stand.
func calendar(ctx context.Context, r store.Reader, id string) (c Calendar, scope string, err error) {
	rows, err := r.Query(ctx, `select p.id, p.organization_id, v.version, v.what, v.opens, v.ends, v.zone, v.message_en, v.message_ja, v.reminders, v.saved_at,
			coalesce(o.name, ''), 0
		from rollout p join rollout_version v on v.rollout_id = p.id left join organization o on o.id = p.organization_id
		where p.id = $1
		union all
		select w.id, '', 0, '', w.opens, w.closes, '', '', '', '', 0, '', 1 from maintenance_window w where w.cancelled_at is null
		order by 3`, id)
	if err != nil {
		return Calendar{}, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var v rollout.Version
		var name string
		var window int
		if err := scanVersion(rows, &v, &name, &window); err != nil {
			return Calendar{}, "", err
		}
		if window == 1 {
			c.Windows = append(c.Windows, maintenance.Window{ID: v.ID, Opens: v.Opens, Closes: v.Ends})
			continue
		}
		c.Versions, scope = append(c.Versions, v), name
	}
	if err := rows.Err(); err != nil {
		return Calendar{}, "", err
	}
	if len(c.Versions) == 0 {
		return Calendar{}, "", store.ErrNone
	}
	return c, scope, nil
}

// shown is how many rounds a page shows.
const shown = 100

// rounds are a rollout's, the latest first; those that Portal Admins asked for are
// one line together.
func rounds(ctx context.Context, r store.Reader, plan string) ([]row, error) {
	rows, err := r.Query(ctx, `select * from (select `+roundColumns+`, coalesce(o.name, '') as name
			from reminder_round r left join organization o on o.id = r.organization_id
			where r.rollout_id = $1 and r.what not like 'asked:%' order by r.due_at desc, r.id limit $2) as planned
		union all
		select '', '', '', 0, 'asked', 0, max(a.due_at), '', '', '', cast(sum(a.queued) as bigint), cast(sum(a.sent) as bigint),
			cast(sum(a.failed) as bigint), cast(sum(a.skipped) as bigint), max(a.started_at), max(a.finished_at), ''
		from reminder_round a where a.rollout_id = $3 and a.what like 'asked:%' having count(*) > 0
		order by 7 desc, 1`, plan, shown, plan)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []row
	for rows.Next() {
		var one row
		if err := one.scan(rows, &one.For); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// Progressing says whether a round has been begun and not finished.
func (r round) Progressing() bool { return r.Finished.IsZero() }
