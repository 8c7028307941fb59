package progress

import (
	"context"
	"errors"
	"fmt"
	"strings"

	customers "nidan/internal/organization"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Note writes what happened to a person, in the transaction in which it happens.
// It is one insert, which nobody else waits for; Fold adds it up. Of operators,
// who are in no changeover, nothing is noted.
func Note(ctx context.Context, tx *store.Tx, organization, holder string, what What, method string) error {
	if organization == customers.Operators {
		return nil
	}
	err := tx.Later(ctx, nil, `insert into progress_event (id, organization_id, holder_id, what, method, at) values ($1, $2, $3, $4, $5, $6)`,
		secret.ID(), organization, holder, string(what), method, store.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	return nil
}

// batch is how much is folded in one transaction.
const batch = 500

// Fold adds up all that was noted, and answers how much that was. Any number of
// nodes may fold at once: what one has folded is gone with the same transaction.
func Fold(ctx context.Context, db *store.DB) (folded int, err error) {
	for {
		ids, err := oldest(ctx, db)
		if err != nil || len(ids) == 0 {
			return folded, err
		}
		n := 0
		err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = fold(ctx, tx, ids)
			return err
		})
		if folded += n; err != nil {
			return folded, fmt.Errorf("progress: %w", err)
		}
	}
}

// oldest are what was noted first. It reads outside the transaction: a range read
// inside would make the deeds that note conflict with the fold.
func oldest(ctx context.Context, r store.Reader) (ids []string, err error) {
	rows, err := r.Query(ctx, `select id from progress_event order by id limit $1`, batch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// fold takes each event, which only one node can, and adds it up.
func fold(ctx context.Context, tx *store.Tx, ids []string) (n int, err error) {
	total := sums{now: map[string]Figures{}, hours: map[string]map[int64]Figures{}}
	was, is := map[[2]string]person{}, map[[2]string]person{}
	for _, id := range ids {
		var organization, holder, method string
		var what What
		var at store.Instant
		err := tx.QueryRow(ctx, `delete from progress_event where id = $1 returning organization_id, holder_id, what, method, at`, id).
			Scan(&organization, &holder, &what, &method, &at)
		if errors.Is(err, store.ErrNone) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n++
		who := [2]string{organization, holder}
		if _, ok := is[who]; !ok {
			if was[who], err = find(ctx, tx, organization, holder); err != nil && !errors.Is(err, store.ErrNone) {
				return 0, err
			}
			is[who] = was[who]
		}
		is[who] = is[who].mark(what, method, at.Time)
	}
	for who, p := range is {
		if p == was[who] {
			continue
		}
		if err := keep(ctx, tx, who[0], who[1], p); err != nil {
			return 0, err
		}
		total.change(who[0], was[who], p)
	}
	return n, total.add(ctx, tx)
}

func find(ctx context.Context, r store.Reader, organization, holder string) (p person, err error) {
	var told, signed, started, enrolled, method, left store.Instant
	err = r.QueryRow(ctx, `select told_at, signed_at, started_at, enrolled_at, method, method_at, away, left_at from progress_person
		where organization_id = $1 and holder_id = $2`, organization, holder).
		Scan(&told, &signed, &started, &enrolled, &p.method, &method, &p.away, &left)
	if err != nil {
		return person{}, err
	}
	p.told, p.signed, p.started, p.enrolled = told.Time, signed.Time, started.Time, enrolled.Time
	p.methodAt, p.left, p.known = method.Time, left.Time, true
	return p, nil
}

func keep(ctx context.Context, tx *store.Tx, organization, holder string, p person) error {
	_, err := tx.Exec(ctx, `insert into progress_person (organization_id, holder_id, told_at, signed_at, started_at, enrolled_at, method, method_at, away, left_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (organization_id, holder_id) do update set told_at = excluded.told_at, signed_at = excluded.signed_at,
			started_at = excluded.started_at, enrolled_at = excluded.enrolled_at, method = excluded.method,
			method_at = excluded.method_at, away = excluded.away, left_at = excluded.left_at`,
		organization, holder, store.When(p.told), store.When(p.signed), store.When(p.started), store.When(p.enrolled), p.method,
		store.When(p.methodAt), p.away, store.When(p.left))
	return err
}

// add writes the changes of sums: of each organization, of its hours, and of the
// whole portal's, whose organization_id is empty.
func (s sums) add(ctx context.Context, tx *store.Tx) error {
	for organization, f := range s.now {
		_, err := tx.Exec(ctx, `insert into progress (organization_id, accounts, told, signed, started, totp, mailotp)
			values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (organization_id) do update set accounts = progress.accounts + excluded.accounts,
				told = progress.told + excluded.told, signed = progress.signed + excluded.signed,
				started = progress.started + excluded.started, totp = progress.totp + excluded.totp,
				mailotp = progress.mailotp + excluded.mailotp`,
			organization, f.Accounts, f.Told, f.Signed, f.Started, f.TOTP, f.MailOTP)
		if err != nil {
			return err
		}
	}
	for organization, hours := range s.hours {
		for hour, f := range hours {
			_, err := tx.Exec(ctx, `insert into progress_hour (organization_id, hour, told, signed, started, totp, mailotp)
				values ($1, $2, $3, $4, $5, $6, $7)
				on conflict (organization_id, hour) do update set
					told = progress_hour.told + excluded.told, signed = progress_hour.signed + excluded.signed,
					started = progress_hour.started + excluded.started, totp = progress_hour.totp + excluded.totp,
					mailotp = progress_hour.mailotp + excluded.mailotp`,
				organization, hour, f.Told, f.Signed, f.Started, f.TOTP, f.MailOTP)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Of is an organization's figures; all zero where nobody is.
func Of(ctx context.Context, r store.Reader, organization string) (f Figures, err error) {
	err = r.QueryRow(ctx, `select accounts, told, signed, started, totp, mailotp from progress where organization_id = $1`, organization).
		Scan(&f.Accounts, &f.Told, &f.Signed, &f.Started, &f.TOTP, &f.MailOTP)
	if errors.Is(err, store.ErrNone) {
		err = nil
	}
	return f, err
}

// Whole is the figures of all organizations that stand, as one sum.
func Whole(ctx context.Context, r store.Reader) (f Figures, err error) {
	err = r.QueryRow(ctx, `select coalesce(sum(p.accounts), 0), coalesce(sum(p.told), 0), coalesce(sum(p.signed), 0),
			coalesce(sum(p.started), 0), coalesce(sum(p.totp), 0), coalesce(sum(p.mailotp), 0)
		from progress p join organization o on o.id = p.organization_id where o.suspended_at is null`).
		Scan(&f.Accounts, &f.Told, &f.Signed, &f.Started, &f.TOTP, &f.MailOTP)
	return f, err
}

// Each is every organization that stands with its figures, by id.
func Each(ctx context.Context, r store.Reader) ([]Standing, error) {
	rows, err := r.Query(ctx, `select o.id, o.name, p.accounts, p.told, p.signed, p.started, p.totp, p.mailotp
		from progress p join organization o on o.id = p.organization_id and o.suspended_at is null order by o.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Standing
	for rows.Next() {
		var s Standing
		if err := rows.Scan(&s.Organization, &s.Name, &s.Accounts, &s.Told, &s.Signed, &s.Started, &s.TOTP, &s.MailOTP); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// Standing is an organization with its figures.
type Standing struct {
	Organization, Name string
	Figures
}

// Unreached counts, by organization, who is not enrolled and has an address that
// mail does not reach. There may be many: it is no statement for a page.
func Unreached(ctx context.Context, r store.Reader) (map[string]int64, error) {
	// The cross joins have SQLite begin with the addresses, and look each up in the
	// index of those who are not enrolled, which is unique to be chosen for that.
	rows, err := r.Query(ctx, `select x.organization_id, count(*) from undeliverable x cross join progress_person y cross join account z
		where y.organization_id = x.organization_id and y.holder_id = x.holder_id and y.enrolled_at is null and y.left_at is null
			and z.organization_id = x.organization_id and z.id = x.holder_id and z.email = x.recipient
		group by x.organization_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	people := map[string]int64{}
	for rows.Next() {
		var organization string
		var n int64
		if err := rows.Scan(&organization, &n); err != nil {
			return nil, err
		}
		people[organization] = n
	}
	return people, rows.Err()
}

// Course is an organization's figures of now, and what happened in each hour.
type Course struct {
	Now   Figures
	Hours []Hour // in order; those in which nothing happened may lack
}

// ReadCourse reads an organization's figures and hours in one statement, so that
// they are of one instant. Of the whole portal ("") there are the hours alone.
func ReadCourse(ctx context.Context, r store.Reader, organization string) (c Course, err error) {
	rows, err := r.Query(ctx, `select -1 as hour, accounts, told, signed, started, totp, mailotp from progress where organization_id = $1
		union all
		select hour, 0, told, signed, started, totp, mailotp from progress_hour where organization_id = $2
		order by 1`, organization, organization)
	if err != nil {
		return Course{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var hour int64
		var f Figures
		if err := rows.Scan(&hour, &f.Accounts, &f.Told, &f.Signed, &f.Started, &f.TOTP, &f.MailOTP); err != nil {
			return Course{}, err
		}
		if hour < 0 {
			c.Now = f
		} else {
			c.Hours = append(c.Hours, Hour{hourAt(hour), f})
		}
	}
	return c, rows.Err()
}

// ReadHours is what happened in each hour in the whole portal, but for those
// organizations that are suspended and those that are named.
func ReadHours(ctx context.Context, r store.Reader, but ...string) ([]Hour, error) {
	// The list is one value: engines differ in how they take many. The cross join has
	// SQLite begin with the few organizations, and not with all their hours.
	rows, err := r.Query(ctx, `select hour, cast(sum(told * sign) as bigint), cast(sum(signed * sign) as bigint), cast(sum(started * sign) as bigint),
			cast(sum(totp * sign) as bigint), cast(sum(mailotp * sign) as bigint)
		from (select h.hour, h.told, h.signed, h.started, h.totp, h.mailotp, 1 as sign from progress_hour h where h.organization_id = ''
			union all
			select h.hour, h.told, h.signed, h.started, h.totp, h.mailotp, -1 from organization o cross join progress_hour h
			where h.organization_id = o.id and (o.suspended_at is not null or $1 like '%,' || o.id || ',%')) x
		group by hour order by hour`, ","+strings.Join(but, ",")+",")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Hour
	for rows.Next() {
		var h Hour
		var hour int64
		if err := rows.Scan(&hour, &h.Told, &h.Signed, &h.Started, &h.TOTP, &h.MailOTP); err != nil {
			return nil, err
		}
		h.At = hourAt(hour)
		list = append(list, h)
	}
	return list, rows.Err()
}
