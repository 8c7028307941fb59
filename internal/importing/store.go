package importing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nidan/internal/fault"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// State is how far a run has come.
type State string

// The states.
const (
	Uploading State = "uploading" // its file is coming in
	Checking  State = "checking"  // the dry run goes on
	Checked   State = "checked"   // the dry run is shown, and nothing was saved
	Importing State = "importing"
	Finished  State = "finished"
	Discarded State = "discarded"
	Failed    State = "failed"
)

// leaseFor is how long a node or console may be silent before another goes on with its
// run; a batch takes a small part of it. tooFar is how far ahead no lease is: one that
// is was given before the clock was taken back.
const (
	leaseFor = 6 * time.Second
	tooFar   = time.Hour
)

// Run is one import of one file.
type Run struct {
	ID        string
	Digest    []byte
	Name      string
	Bytes     int64
	Options   Options
	State     State
	Asked     time.Time
	By        string // whose deed it is: an operator's id, or a console
	Confirmed time.Time
	ReadTo    int64 // the line up to which it is done
	Done      int64 // of the file, in a thousand parts
	Tally     Tally
	Unread    string // columns or attributes that were not read
	Failure   string // phrase key
	Finished  time.Time

	lease string
	tries int
	until time.Time
}

// Running says that somebody works on it, or will.
func (r Run) Running() bool { return r.State == Checking || r.State == Importing }

// Percent is how far it has come.
func (r Run) Percent() int64 { return r.Done / 10 }

const runColumns = `id, digest, name, bytes, options, state, asked_at, asked_by, confirmed_at, read_to, done, tally, unread,
	coalesce(failure, ''), finished_at, lease_by, lease_until, tries`

func scanRun(scan func(...any) error) (r Run, err error) {
	var options, tally string
	var asked, confirmed, finished, until store.Instant
	err = scan(&r.ID, &r.Digest, &r.Name, &r.Bytes, &options, &r.State, &asked, &r.By, &confirmed, &r.ReadTo, &r.Done, &tally, &r.Unread,
		&r.Failure, &finished, &r.lease, &until, &r.tries)
	if err != nil {
		return Run{}, err
	}
	r.Asked, r.Confirmed, r.Finished, r.until = asked.Time, confirmed.Time, finished.Time, until.Time
	return r, errors.Join(json.Unmarshal([]byte(options), &r.Options), json.Unmarshal([]byte(tally), &r.Tally))
}

// find is one run; store.ErrNone when there is none of that id.
func find(ctx context.Context, r store.Reader, id string) (Run, error) {
	return scanRun(r.QueryRow(ctx, `select `+runColumns+` from import_run where id = $1`, id).Scan)
}

// latest are the last runs, the newest first.
func latest(ctx context.Context, r store.Reader, most int) (list []Run, err error) {
	rows, err := r.Query(ctx, `select `+runColumns+` from import_run where state <> 'uploading' order by asked_at desc, id desc limit $1`, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scanRun(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// add writes a new run.
func add(ctx context.Context, tx *store.Tx, r Run, uploaded bool) error {
	options, err := json.Marshal(r.Options)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into import_run (id, digest, name, bytes, options, uploaded, state, asked_at, asked_by, lease_by, lease_until, tries, read_to, done, tally, unread)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', 0, 0, 0, 0, '{}', '')`,
		r.ID, r.Digest, r.Name, r.Bytes, string(options), uploaded, string(r.State), store.Micros(tx.Now()), r.By)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// errBusy says that another console or node works on the same file.
var errBusy = fault.New(fault.Refused, "importing.busy")

// begun finds the console's run of a file that was broken off, or makes a new one, and
// leases it. fresh says that it is new. errBusy comes with the run as it stands.
func begun(ctx context.Context, tx *store.Tx, f *File, o Options, by string) (r Run, fresh bool, err error) {
	r, err = scanRun(tx.QueryRow(ctx, `select `+runColumns+` from import_run
		where digest = $1 and uploaded = $2 and finished_at is null and state = 'importing'`, f.Digest, false).Scan)
	if errors.Is(err, store.ErrNone) {
		r, fresh = Run{ID: secret.ID(), Digest: f.Digest, Name: f.Name, Bytes: f.Size, Options: o, State: Importing, By: by, Asked: tx.Now()}, true
		err = add(ctx, tx, r, false)
	}
	if err != nil {
		return r, false, err
	}
	taken, err := take(ctx, tx, r.ID, Importing)
	if errors.Is(err, store.ErrNone) {
		return r, false, errBusy
	}
	return taken, fresh, err
}

// waits is the oldest run that no living node works on; store.ErrNone when there is none.
func waits(ctx context.Context, r store.Reader, now time.Time) (id string, state State, err error) {
	err = r.QueryRow(ctx, `select id, state from import_run where state in ('checking', 'importing') and uploaded
			and (lease_until <= $1 or lease_until > $2) order by asked_at, id limit 1`,
		store.Micros(now), store.Micros(now.Add(tooFar))).Scan(&id, &state)
	return id, state, err
}

// take leases a run; store.ErrNone when somebody else has it.
func take(ctx context.Context, tx *store.Tx, id string, state State) (Run, error) {
	return scanRun(tx.QueryRow(ctx, `update import_run set lease_by = $1, lease_until = $2, tries = tries + 1
		where id = $3 and state = $4 and (lease_until <= $5 or lease_until > $6) returning `+runColumns,
		secret.ID(), store.Micros(tx.Now().Add(leaseFor)), id, string(state), store.Micros(tx.Now()), store.Micros(tx.Now().Add(tooFar))).Scan)
}

// errLost says that another console or node has the run now.
var errLost = fault.New(fault.Refused, "importing.lost")

// keep writes down how far a run has come and renews its lease; errLost when it is
// somebody else's now. What was read since the last time counts with the transaction.
func keep(ctx context.Context, tx *store.Tx, r Run) error {
	tally, err := json.Marshal(r.Tally)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `update import_run set read_to = $1, done = $2, tally = $3, lease_until = $4, tries = 0 where id = $5 and lease_by = $6 and state = $7`,
		r.ReadTo, r.Done, string(tally), store.Micros(tx.Now().Add(leaseFor)), r.ID, r.lease, string(r.State))
	if err == nil && n == 0 {
		err = errLost
	}
	return err
}

// release gives a lease back, for who stops in good order: another may go on at once.
func release(ctx context.Context, tx *store.Tx, r Run) error {
	_, err := tx.Exec(ctx, `update import_run set lease_until = 0, tries = 0 where id = $1 and lease_by = $2`, r.ID, r.lease)
	return err
}

// end takes a run to the state that it ends its work in, and gives up its lease.
func end(ctx context.Context, tx *store.Tx, r Run, state State, failure string) error {
	tally, err := json.Marshal(r.Tally)
	if err != nil {
		return err
	}
	var finished, reason any
	if state != Checked {
		finished = store.Micros(tx.Now())
	}
	if failure != "" {
		reason = failure
	}
	n, err := tx.Exec(ctx, `update import_run set state = $1, finished_at = $2, failure = $3, tally = $4, unread = $5, done = 1000, lease_by = '', lease_until = 0
		where id = $6 and lease_by = $7 and state = $8`,
		string(state), finished, reason, string(tally), r.Unread, r.ID, r.lease, string(r.State))
	if err == nil && n == 0 {
		err = errLost
	}
	if err == nil && state != Checked {
		_, err = tx.Exec(ctx, `delete from import_chunk where run_id = $1`, r.ID)
	}
	return err
}

// move takes a run that waits for somebody from one state to another; store.ErrNone
// when it is not there any more.
func move(ctx context.Context, tx *store.Tx, id string, from, to State) error {
	var finished, confirmed any
	switch to {
	case Discarded:
		finished = store.Micros(tx.Now())
	case Importing:
		confirmed = store.Micros(tx.Now())
	}
	n, err := tx.Exec(ctx, `update import_run set state = $1, finished_at = $2, confirmed_at = $3, read_to = 0, done = 0, tally = case when $4 = 'importing' then '{}' else tally end,
			tries = 0, lease_by = '', lease_until = 0
		where id = $5 and state = $6`, string(to), finished, confirmed, string(to), id, string(from))
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	if err == nil && to == Importing { // what the dry run said of rows is said anew
		_, err = tx.Exec(ctx, `delete from import_row where run_id = $1`, id)
	}
	if err == nil && to == Discarded {
		_, err = tx.Exec(ctx, `delete from import_chunk where run_id = $1`, id)
	}
	return err
}

// Line is what became of one row that was not added.
type Line struct {
	Line         int64
	Outcome      string
	Organization string
	Email        string
	Why          Reason
}

// note writes down what became of rows that were not added.
func note(ctx context.Context, tx *store.Tx, run string, list []Line) error {
	args := make([]any, 0, 6*len(list))
	for _, l := range list {
		reason, err := json.Marshal(l.Why)
		if err != nil {
			return err
		}
		args = append(args, run, l.Line, l.Outcome, l.Organization, l.Email, string(reason))
	}
	return tx.InsertMany(ctx, `insert into import_row (run_id, line, outcome, organization, email, reason) values `, 6, args)
}

// EachLine calls do with what became of every row that a run did not add, by line.
func EachLine(ctx context.Context, r store.Reader, run string, do func(Line) error) error {
	rows, err := r.Query(ctx, `select line, outcome, organization, email, reason from import_row where run_id = $1 order by line`, run)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l Line
		var reason string
		if err := rows.Scan(&l.Line, &l.Outcome, &l.Organization, &l.Email, &reason); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(reason), &l.Why); err != nil {
			return err
		}
		if err := do(l); err != nil {
			return err
		}
	}
	return rows.Err()
}

// unsay forgets what a dry run that was begun anew has said of rows.
func unsay(ctx context.Context, tx *store.Tx, run string) error {
	_, err := tx.Exec(ctx, `delete from import_row where run_id = $1`, run)
	return err
}

// confirm makes an import the deed of whoever confirmed it.
func confirm(ctx context.Context, tx *store.Tx, id, by string) error {
	_, err := tx.Exec(ctx, `update import_run set asked_by = $1 where id = $2`, by, id)
	return err
}

// firstLines are the first refused rows, and the first that differ.
func firstLines(ctx context.Context, r store.Reader, run string, most int) (list []Line, err error) {
	rows, err := r.Query(ctx, `select line, outcome, organization, email, reason from (
			select line, outcome, organization, email, reason from import_row where run_id = $1 and outcome = 'refused' order by line limit $2) x
		union all
		select line, outcome, organization, email, reason from (
			select line, outcome, organization, email, reason from import_row where run_id = $3 and outcome = 'differs' order by line limit $4) y`,
		run, most, run, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Line
		var reason string
		if err := rows.Scan(&l.Line, &l.Outcome, &l.Organization, &l.Email, &reason); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(reason), &l.Why); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

// kept is how long runs and what became of their rows are kept; an upload that was
// broken off is kept for an hour, and one nobody confirmed for a week.
const (
	kept          = 90 * 24 * time.Hour
	keptBroken    = time.Hour
	keptUnwatched = 7 * 24 * time.Hour
)

// Forget removes runs that are past their retention, with everything of them, and says
// how many; files of runs that nobody confirmed go first.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	now := tx.Now()
	_, err := tx.Exec(ctx, `update import_run set state = 'discarded', finished_at = $1
		where state = 'uploading' and asked_at < $2 or state = 'checked' and asked_at < $3`,
		store.Micros(now), store.Micros(now.Add(-keptBroken)), store.Micros(now.Add(-keptUnwatched)))
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `delete from import_chunk where run_id in (select id from import_run where finished_at is not null)`); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `delete from import_row where run_id in (select id from import_run where finished_at < $1)`, store.Micros(now.Add(-kept))); err != nil {
		return 0, err
	}
	return tx.Exec(ctx, `delete from import_run where finished_at < $1`, store.Micros(now.Add(-kept)))
}
