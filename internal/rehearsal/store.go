package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// How long a node may be silent before another begins its rehearsal anew, how often
// one is begun, and how long reports are kept.
const (
	leaseFor   = 30 * time.Second
	triesMost  = 3
	keepReport = 90 * 24 * time.Hour
)

// tooFar is how far ahead no lease is: one that is, was given before the clock was
// taken back.
const tooFar = time.Hour

// row is a rehearsal that was asked for.
type row struct {
	ID, Rollout string
	Asked       time.Time
	By          string // the operator's name, or who else asked
	Step        Step
	Done        int64 // of Whole
	Failure     string
	Finished    time.Time // zero: it goes on
	Report      *Report   // of the one that was chosen
	lease       string
	tries       int
}

// Running says that it is not finished.
func (r row) Running() bool { return r.Finished.IsZero() }

// Percent is how far it has come.
func (r row) Percent() int64 { return r.Done * 100 / Whole }

// begin asks for a rehearsal, and says whether it does: false when one of that
// rollout goes on already.
func begin(ctx context.Context, tx *store.Tx, planID, by string) (bool, error) {
	n, err := tx.Exec(ctx, `insert into rehearsal (id, rollout_id, asked_at, asked_by, lease_by, lease_until, tries, step, done)
		values ($1, $2, $3, $4, '', 0, 0, 'waiting', 0) on conflict do nothing`, secret.ID(), planID, store.Micros(tx.Now()), by)
	return n == 1, err
}

// waits is the oldest rehearsal that no living node works on; store.ErrNone when
// there is none.
func waits(ctx context.Context, r store.Reader, now time.Time) (id string, err error) {
	err = r.QueryRow(ctx, `select id from rehearsal
		where finished_at is null and (lease_until <= $1 or lease_until > $2) order by asked_at, id limit 1`,
		store.Micros(now), store.Micros(now.Add(tooFar))).Scan(&id)
	return id, err
}

// take leases a rehearsal; store.ErrNone when another node was faster.
func take(ctx context.Context, tx *store.Tx, id string) (r row, err error) {
	r.ID, r.lease = id, secret.ID()
	err = tx.QueryRow(ctx, `update rehearsal set lease_by = $1, lease_until = $2, tries = tries + 1, step = 'copying', done = 0
		where id = $3 and finished_at is null and (lease_until <= $4 or lease_until > $5) returning rollout_id, tries`,
		r.lease, store.Micros(tx.Now().Add(leaseFor)), id, store.Micros(tx.Now()), store.Micros(tx.Now().Add(tooFar))).
		Scan(&r.Rollout, &r.tries)
	return r, err
}

// keep writes down how far it has come and renews the lease; false when it was lost.
func keep(ctx context.Context, tx *store.Tx, r row, step Step, done int64) (bool, error) {
	n, err := tx.Exec(ctx, `update rehearsal set step = $1, done = $2, lease_until = $3 where id = $4 and lease_by = $5 and finished_at is null`,
		string(step), done, store.Micros(tx.Now().Add(leaseFor)), r.ID, r.lease)
	return n == 1, err
}

// release gives the lease back, for a node that stops in good order: another may
// begin at once, and this try does not count.
func release(ctx context.Context, tx *store.Tx, r row) error {
	_, err := tx.Exec(ctx, `update rehearsal set lease_by = '', lease_until = 0, tries = tries - 1, step = 'waiting', done = 0
		where id = $1 and lease_by = $2 and finished_at is null`, r.ID, r.lease)
	return err
}

// finish writes down what came of it: a report, or the phrase that says why there is
// none. One whose lease was lost writes nothing.
func finish(ctx context.Context, tx *store.Tx, r row, report *Report, failure string) error {
	var text, why any
	if failure != "" {
		why = failure
	} else {
		inside, err := json.Marshal(report)
		if err != nil {
			return fmt.Errorf("report of a rehearsal: %w", err)
		}
		text = string(inside)
	}
	_, err := tx.Exec(ctx, `update rehearsal set report = $1, failure = $2, finished_at = $3, done = $4 where id = $5 and lease_by = $6 and finished_at is null`,
		text, why, store.Micros(tx.Now()), Whole, r.ID, r.lease)
	return err
}

// listed is how many of a rollout's rehearsals its page lists.
const listed = 8

// latest are a rollout's last rehearsals, the newest first, with the report of the
// one that is chosen: by id, or the newest that has one.
func latest(ctx context.Context, r store.Reader, planID, chosen string) ([]row, error) {
	rows, err := r.Query(ctx, `select h.id, h.asked_at, coalesce(o.name, h.asked_by), h.step, h.done, coalesce(h.failure, ''), h.finished_at,
			case when h.id = $1 or $2 = '' and h.id = (select n.id from rehearsal n where n.rollout_id = $3 and n.report is not null
				order by n.asked_at desc, n.id desc limit 1) then h.report end
		from rehearsal h left join operator o on o.id = h.asked_by
		where h.rollout_id = $4 order by h.asked_at desc, h.id desc limit $5`, chosen, chosen, planID, planID, listed)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []row
	for rows.Next() {
		one := row{Rollout: planID}
		var asked, finished store.Instant
		var report *string
		if err := rows.Scan(&one.ID, &asked, &one.By, &one.Step, &one.Done, &one.Failure, &finished, &report); err != nil {
			return nil, err
		}
		one.Asked, one.Finished = asked.Time, finished.Time
		if report != nil {
			one.Report = &Report{}
			if err := json.Unmarshal([]byte(*report), one.Report); err != nil {
				return nil, fmt.Errorf("report of a rehearsal: %w", err)
			}
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// Forget deletes the rehearsals that are past their retention, and says how many.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `delete from rehearsal where finished_at < $1`, store.Micros(tx.Now().Add(-keepReport)))
}
