package reminder

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// round is one row of reminder_round: a letter to everybody of one date, and how
// far it has come.
type round struct {
	ID           string
	Plan         string    // id of the rollout
	Organization string    // "": everybody covered
	Given        time.Time // of the extension whose people it is for; zero: of those without
	What         What
	OwnEnd       time.Time // zero: each one's own
	Due          time.Time
	AskedBy      string // id of who had it sent; empty: the plan
	after        account.Ref
	Queued       int64
	Sent         int64
	Failed       int64 // refused for good by the mail server
	Skipped      int64 // not written to, since mail did not reach the address
	Started      time.Time
	Finished     time.Time // zero: it goes on
}

// Undelivered are those whom a round did not reach.
func (r round) Undelivered() int64 { return r.Failed + r.Skipped }

const roundColumns = `r.id, r.rollout_id, r.organization_id, r.given_at, r.what, r.own_end, r.due_at, r.asked_by,
	r.after_organization, r.after_holder, r.queued, r.sent, r.failed, r.skipped, r.started_at, r.finished_at`

func (r *round) scan(rows interface{ Scan(...any) error }, more ...any) error {
	var given, end, due int64
	var started, finished store.Instant
	var what string
	err := rows.Scan(append([]any{&r.ID, &r.Plan, &r.Organization, &given, &what, &end, &due, &r.AskedBy,
		&r.after.Organization, &r.after.ID, &r.Queued, &r.Sent, &r.Failed, &r.Skipped, &started, &finished}, more...)...)
	r.What, r.Given, r.OwnEnd, r.Due = What(what), store.Time(given), store.Time(end), store.Time(due)
	r.Started, r.Finished = started.Time, finished.Time
	return err
}

// begun are the rounds that may still have something to do: of ends that have not
// passed, but for those that Portal Admins asked for, which are done at once.
func begun(ctx context.Context, r store.Reader, now time.Time) ([]round, error) {
	rows, err := r.Query(ctx, `select `+roundColumns+` from reminder_round r
		where (r.own_end > $1 or r.own_end = 0) and r.what not like 'asked:%' order by r.started_at, r.id`, store.Micros(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []round
	for rows.Next() {
		var one round
		if err := one.scan(rows); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// begin writes the row of a round, unless another node has: the answer is how far
// that one has come.
func begin(ctx context.Context, tx *store.Tx, r round) (round, error) {
	r.ID, r.Started = secret.ID(), tx.Now()
	_, err := tx.Exec(ctx, `insert into reminder_round (id, rollout_id, organization_id, given_at, what, own_end, due_at, asked_by,
			after_organization, after_holder, queued, sent, failed, skipped, started_at, finished_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, '', '', 0, 0, 0, 0, $9, $10)
		on conflict (rollout_id, what, own_end, organization_id, given_at) do nothing`,
		r.ID, r.Plan, r.Organization, store.Micros(r.Given), string(r.What), store.Micros(r.OwnEnd), store.Micros(r.Due), r.AskedBy,
		store.Micros(tx.Now()), store.When(r.Finished))
	if err != nil {
		return round{}, err
	}
	var there round
	return there, there.scan(tx.QueryRow(ctx, `select `+roundColumns+` from reminder_round r
		where r.rollout_id = $1 and r.what = $2 and r.own_end = $3 and r.organization_id = $4 and r.given_at = $5`,
		r.Plan, string(r.What), store.Micros(r.OwnEnd), r.Organization, store.Micros(r.Given)))
}

// reopen lets a round that was finished begin again from the first, for who was
// not written to before.
func reopen(ctx context.Context, tx *store.Tx, r round, by string) error {
	_, err := tx.Exec(ctx, `update reminder_round set after_organization = '', after_holder = '', finished_at = null, asked_by = $1
		where organization_id = $2 and id = $3 and finished_at is not null`, by, r.Organization, r.ID)
	return err
}

// advance moves a round on from where this node saw it; false when another node
// was faster.
func advance(ctx context.Context, tx *store.Tx, r round, to account.Ref, last bool) (bool, error) {
	finished := time.Time{}
	if last {
		finished = tx.Now()
	}
	n, err := tx.Exec(ctx, `update reminder_round set after_organization = $1, after_holder = $2, finished_at = $3
		where organization_id = $4 and id = $5 and after_organization = $6 and after_holder = $7 and finished_at is null`,
		to.Organization, to.ID, store.When(finished), r.Organization, r.ID, r.after.Organization, r.after.ID)
	return n == 1, err
}

// sum adds to what became of a round's letters.
func sum(ctx context.Context, tx *store.Tx, organization, id string, queued, sent, failed, skipped int64) error {
	_, err := tx.Exec(ctx, `update reminder_round set queued = queued + $1, sent = sent + $2, failed = failed + $3, skipped = skipped + $4
		where organization_id = $5 and id = $6`, queued, sent, failed, skipped, organization, id)
	return err
}

// person is who is about to be written to.
type person struct {
	account.Ref
	ownEnd time.Time
	mail   string // id of the letter that is ready
}

// several is how many people one statement writes; see mail.QueueAll.
const several = 16

// keep writes down who is written to, and answers the ids of the letters that may
// be queued: it leaves out who was written to for this date before, has proved a
// method meanwhile, or stands no more. These are the very rows, not kept figures:
// reminders stop the minute somebody is enrolled.
func keep(ctx context.Context, tx *store.Tx, r round, people []person) (mails map[string]bool, err error) {
	mails = make(map[string]bool, len(people))
	for len(people) > 0 {
		n := min(several, len(people))
		if err := keepSome(ctx, tx, r, people[:n], mails); err != nil {
			return nil, err
		}
		people = people[n:]
	}
	return mails, nil
}

func keepSome(ctx context.Context, tx *store.Tx, r round, people []person, mails map[string]bool) error {
	args := []any{r.Plan, string(r.What), r.ID, store.Micros(tx.Now())}
	var values strings.Builder
	for i, p := range people {
		if i > 0 {
			values.WriteString(", ")
		}
		parameter := func(n int) string { return "$" + strconv.Itoa(len(args)+n) }
		values.WriteString("(cast(" + parameter(1) + " as text), cast(" + parameter(2) + " as text), cast(" + parameter(3) +
			" as bigint), cast(" + parameter(4) + " as text))")
		args = append(args, p.Organization, p.ID, store.Micros(p.ownEnd), p.mail)
	}
	rested := ""
	if kind, _ := r.What.Kind(); kind == Asked {
		rested = ` and not exists (select 1 from reminder b where b.rollout_id = $` + strconv.Itoa(len(args)+1) + `
			and b.organization_id = v.column1 and b.holder_id = v.column2
			and b.what >= 'asked:' and b.what < 'asked;' and b.queued_at > $` + strconv.Itoa(len(args)+2) + `)`
		args = append(args, r.Plan, store.Micros(tx.Now().Add(-askEvery)))
	}
	rows, err := tx.Query(ctx, `insert into reminder (rollout_id, what, round_id, queued_at, organization_id, holder_id, own_end, mail_id, became)
		select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as bigint), v.column1, v.column2, v.column3, v.column4, 'waiting'
		from (values `+values.String()+`) as v
		where exists (select 1 from account a join organization o on o.id = a.organization_id and o.suspended_at is null
				where a.organization_id = v.column1 and a.id = v.column2 and a.suspended_at is null)
			and not exists (select 1 from totp t where t.organization_id = v.column1 and t.holder_id = v.column2)
			and not exists (select 1 from mailotp m where m.organization_id = v.column1 and m.holder_id = v.column2)`+rested+`
		on conflict (rollout_id, organization_id, holder_id, what, own_end) do nothing returning mail_id`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		mails[id] = true
	}
	return rows.Err()
}

// refusedSince says whether mail to the address a holder has came back after an instant.
func refusedSince(ctx context.Context, r store.Reader, ref account.Ref, email string, since time.Time) (bool, error) {
	var latest int64
	err := r.QueryRow(ctx, `select latest_at from undeliverable where organization_id = $1 and holder_id = $2 and recipient = $3`,
		ref.Organization, ref.ID, email).Scan(&latest)
	if errors.Is(err, store.ErrNone) {
		return false, nil
	}
	return latest > store.Micros(since), err
}

// scope is the people of one own end: of a plan, of an organization's extension, or
// of those who were given one of their own at one instant.
type scope struct {
	plan         string
	organization string
	grant        Grant
}

// scopes are all that extensions have made, of those that may still bind somebody.
func scopes(ctx context.Context, r store.Reader, now time.Time) ([]scope, error) {
	rows, err := r.Query(ctx, `select distinct rollout_id, case when holder_id = '' then organization_id else '' end, until, given_at
		from extension where replaced_at is null and until > $1`, store.Micros(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []scope
	for rows.Next() {
		var s scope
		var until, given int64
		if err := rows.Scan(&s.plan, &s.organization, &until, &given); err != nil {
			return nil, err
		}
		s.grant = Grant{Until: store.Time(until), Given: store.Time(given)}
		list = append(list, s)
	}
	return list, rows.Err()
}

// versions are those of all rollouts, the oldest first.
func versions(ctx context.Context, r store.Reader) (map[string][]rollout.Version, error) {
	rows, err := r.Query(ctx, `select p.id, p.organization_id, v.version, v.what, v.opens, v.ends, v.zone, v.message_en, v.message_ja, v.reminders, v.saved_at
		from rollout p join rollout_version v on v.rollout_id = p.id order by p.id, v.version`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]rollout.Version{}
	for rows.Next() {
		var v rollout.Version
		if err := scanVersion(rows, &v); err != nil {
			return nil, err
		}
		all[v.ID] = append(all[v.ID], v)
	}
	return all, rows.Err()
}

func scanVersion(rows *store.Rows, v *rollout.Version, more ...any) error {
	var opens, ends, saved store.Instant
	var series string
	err := rows.Scan(append([]any{&v.ID, &v.Organization, &v.Version, &v.What, &opens, &ends, &v.Zone,
		&v.Message.English, &v.Message.Japanese, &series, &saved}, more...)...)
	v.Opens, v.Ends, v.Saved, v.Reminders = opens.Time, ends.Time, saved.Time, rollout.Series(series)
	return err
}

// planned is what every date follows from, as it was at one version of the policy.
type planned struct {
	version  int64
	book     rollout.Book
	versions map[string][]rollout.Version
	scopes   []scope
	windows  []maintenance.Window
}

// read reads it, the version first: what is planned in between makes it stale, and
// no letter is queued by it.
func read(ctx context.Context, r store.Reader, now time.Time) (p planned, err error) {
	if p.version, err = maintenance.Version(ctx, r); err != nil {
		return planned{}, err
	}
	if p.book, err = rollout.ReadBook(ctx, r); err != nil {
		return planned{}, err
	}
	if p.versions, err = versions(ctx, r); err != nil {
		return planned{}, err
	}
	if p.scopes, err = scopes(ctx, r, now); err != nil {
		return planned{}, err
	}
	p.windows, err = maintenance.Windows(ctx, r)
	return p, err
}

// again reads how far a round has come.
func again(ctx context.Context, r store.Reader, was round) (is round, err error) {
	return is, is.scan(r.QueryRow(ctx, `select `+roundColumns+` from reminder_round r
		where r.organization_id = $1 and r.id = $2`, was.Organization, was.ID))
}
