package reminder

import (
	"context"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// letter is one that was queued, with what became of it at the mail server.
type letter struct {
	account.Ref
	plan, round, mail string
	scope             string // the organization of the round
	became            string
}

// place is where in the order of queueing a look at the waiting letters has come to.
type place struct {
	queued int64
	mail   string
}

// settled looks at the next waiting letters after a place, and answers those of
// which something became that is not yet written down, and how far it looked; the
// zero place when there are no more. It reads outside the transaction that writes.
func settled(ctx context.Context, r store.Reader, after place, limit int) (list []letter, to place, err error) {
	rows, err := r.Query(ctx, `select l.organization_id, l.holder_id, l.rollout_id, l.round_id, l.mail_id, l.queued_at, r.organization_id,
			case when m.sent_at is not null then 'sent' when m.dropped_at is not null then 'dropped'
				when m.parked_at is not null and l.became = 'waiting' then 'failed' else '' end
		from (select organization_id, holder_id, rollout_id, round_id, mail_id, queued_at, became from reminder
				where became in ('waiting', 'failed') and (queued_at, mail_id) > ($1, $2) order by queued_at, mail_id limit $3) as l
			join mail m on m.id = l.mail_id and m.organization_id = l.organization_id
			join reminder_round r on r.id = l.round_id
		order by l.queued_at, l.mail_id`, after.queued, after.mail, limit)
	if err != nil {
		return nil, place{}, err
	}
	defer rows.Close()
	seen := 0
	for ; rows.Next(); seen++ {
		var l letter
		if err := rows.Scan(&l.Organization, &l.ID, &l.plan, &l.round, &l.mail, &to.queued, &l.scope, &l.became); err != nil {
			return nil, place{}, err
		}
		if to.mail = l.mail; l.became != "" {
			list = append(list, l)
		}
	}
	if seen < limit {
		to = place{}
	}
	return list, to, rows.Err()
}

// settle writes down what became of letters. Whoever's letter the mail server took
// counts as told, once: the row says what was written down before.
func settle(ctx context.Context, tx *store.Tx, list []letter) error {
	type key struct{ scope, round string }
	sums := map[key][2]int64{}
	for _, l := range list {
		was, err := become(ctx, tx, l)
		if err != nil {
			return err
		}
		k := key{l.scope, l.round}
		s := sums[k]
		switch {
		case was == "" || was == l.became: // another node was faster
			continue
		case l.became == "sent":
			s[0]++
			if err := progress.Note(ctx, tx, l.Organization, l.ID, progress.Told, ""); err != nil {
				return err
			}
		case l.became == "failed":
			s[1]++
		}
		if was == "failed" { // tried again, and taken or dropped at last
			s[1]--
		}
		sums[k] = s
	}
	for k, s := range sums {
		if err := sum(ctx, tx, k.scope, k.round, 0, s[0], s[1], 0); err != nil {
			return err
		}
	}
	return nil
}

// become marks one letter, and answers what it was before; empty where it was
// settled already.
func become(ctx context.Context, tx *store.Tx, l letter) (was string, err error) {
	for _, was := range []string{"waiting", "failed"} {
		n, err := tx.Exec(ctx, `update reminder set became = $1
			where rollout_id = $2 and organization_id = $3 and holder_id = $4 and mail_id = $5 and became = $6 and became <> $7`,
			l.became, l.plan, l.Organization, l.ID, l.mail, was, l.became)
		if err != nil || n == 1 {
			return was, err
		}
	}
	return "", nil
}

// stale are the letters still waiting that name an own end which is that no more,
// or belong to a rollout that was withdrawn.
func stale(ctx context.Context, r store.Reader, book rollout.Book) ([]letter, error) {
	rows, err := r.Query(ctx, `select l.organization_id, l.holder_id, l.mail_id, l.rollout_id, l.own_end,
			coalesce((select max(e.until) from extension e where e.rollout_id = l.rollout_id
				and e.organization_id = l.organization_id and e.holder_id = l.holder_id and e.replaced_at is null), 0)
		from reminder l where l.became = 'waiting'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	plans := map[[2]string]rollout.Plan{}
	var list []letter
	for rows.Next() {
		var l letter
		var end, until int64
		if err := rows.Scan(&l.Organization, &l.ID, &l.mail, &l.plan, &end, &until); err != nil {
			return nil, err
		}
		key := [2]string{l.plan, l.Organization}
		plan, ok := plans[key]
		if !ok {
			plan, _ = book.Find(l.plan)
			plan.Extended = book.Extended[key]
			plans[key] = plan
		}
		if !plan.Withdrawn.IsZero() || !rollout.OwnEnd(plan, store.Time(until)).Equal(store.Time(end)) {
			list = append(list, l)
		}
	}
	return list, rows.Err()
}

// drop ends letters that wait; what becomes of them is settled as of all others.
func drop(ctx context.Context, tx *store.Tx, list []letter) error {
	for _, l := range list {
		if _, err := mail.CancelOne(ctx, tx, l.Organization, l.mail); err != nil {
			return err
		}
	}
	return nil
}
