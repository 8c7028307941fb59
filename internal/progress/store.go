package progress

import (
	"context"
	"errors"
	"fmt"

	"nidan/internal/store"
)

// Came counts a new account in.
func Came(ctx context.Context, tx *store.Tx, organization, holder string) error {
	n, err := tx.Exec(ctx, `insert into progress_person (organization_id, holder_id, method) values ($1, $2, '')
		on conflict (organization_id, holder_id) do nothing`, organization, holder)
	if err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	if n == 0 {
		return nil
	}
	return add(ctx, tx, organization, Figures{Accounts: 1}, nil)
}

// Left counts out an account that was suspended or deleted.
func Left(ctx context.Context, tx *store.Tx, organization, holder string) error {
	return move(ctx, tx, organization, holder, func(p person) person {
		p.left = tx.Now()
		return p
	})
}

// Returned counts in again an account that is suspended no more, as far as it had come.
func Returned(ctx context.Context, tx *store.Tx, organization, holder string) error {
	return move(ctx, tx, organization, holder, func(p person) person {
		p.left = person{}.left
		return p
	})
}

// Reached writes that a person came to a step, the first time; method is the one
// that was proved, and belongs to Enrolled alone. Who is not counted is let be.
func Reached(ctx context.Context, tx *store.Tx, organization, holder string, step Step, method string) error {
	return move(ctx, tx, organization, holder, func(p person) person { return p.mark(step, method, tx.Now()) })
}

// move changes one person, and the sums with it.
func move(ctx context.Context, tx *store.Tx, organization, holder string, to func(person) person) error {
	was, err := find(ctx, tx, organization, holder)
	if errors.Is(err, store.ErrNone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	is := to(was)
	if is == was {
		return nil
	}
	_, err = tx.Exec(ctx, `update progress_person set told_at = $1, signed_at = $2, started_at = $3, enrolled_at = $4, method = $5, left_at = $6
		where organization_id = $7 and holder_id = $8`,
		store.When(is.told), store.When(is.signed), store.When(is.started), store.When(is.enrolled), is.method, store.When(is.left),
		organization, holder)
	if err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	now, hours := change(was, is)
	return add(ctx, tx, organization, now, hours)
}

func find(ctx context.Context, r store.Reader, organization, holder string) (p person, err error) {
	var told, signed, started, enrolled, left store.Instant
	err = r.QueryRow(ctx, `select told_at, signed_at, started_at, enrolled_at, method, left_at from progress_person
		where organization_id = $1 and holder_id = $2`, organization, holder).
		Scan(&told, &signed, &started, &enrolled, &p.method, &left)
	p.told, p.signed, p.started, p.enrolled, p.left = told.Time, signed.Time, started.Time, enrolled.Time, left.Time
	return p, err
}

// add changes an organization's sums, and the hours of it and of the whole portal.
func add(ctx context.Context, tx *store.Tx, organization string, now Figures, hours map[int64]Figures) error {
	if now != (Figures{}) {
		_, err := tx.Exec(ctx, `insert into progress (organization_id, accounts, told, signed, started, totp, mailotp)
			values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (organization_id) do update set accounts = progress.accounts + excluded.accounts,
				told = progress.told + excluded.told, signed = progress.signed + excluded.signed,
				started = progress.started + excluded.started, totp = progress.totp + excluded.totp,
				mailotp = progress.mailotp + excluded.mailotp`,
			organization, now.Accounts, now.Told, now.Signed, now.Started, now.TOTP, now.MailOTP)
		if err != nil {
			return fmt.Errorf("progress: %w", err)
		}
	}
	for hour, f := range hours {
		if err := addHour(ctx, tx, organization, 0, hour, f); err != nil {
			return err
		}
		if err := addHour(ctx, tx, "", shard(organization), hour, f); err != nil {
			return err
		}
	}
	return nil
}

func addHour(ctx context.Context, tx *store.Tx, organization string, shard, hour int64, f Figures) error {
	_, err := tx.Exec(ctx, `insert into progress_hour (organization_id, hour, shard, told, signed, started, totp, mailotp)
		values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (organization_id, hour, shard) do update set
			told = progress_hour.told + excluded.told, signed = progress_hour.signed + excluded.signed,
			started = progress_hour.started + excluded.started, totp = progress_hour.totp + excluded.totp,
			mailotp = progress_hour.mailotp + excluded.mailotp`,
		organization, hour, shard, f.Told, f.Signed, f.Started, f.TOTP, f.MailOTP)
	if err != nil {
		return fmt.Errorf("progress: %w", err)
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

// Each is every organization that stands with its figures, those with the most
// people not enrolled first.
func Each(ctx context.Context, r store.Reader) ([]Standing, error) {
	rows, err := r.Query(ctx, `select o.id, o.name, p.accounts, p.told, p.signed, p.started, p.totp, p.mailotp
		from progress p join organization o on o.id = p.organization_id where o.suspended_at is null
		order by p.accounts - p.totp - p.mailotp desc, o.name, o.id`)
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

// Hours is what happened in each hour, in order: of one organization, or of the
// whole portal ("").
func Hours(ctx context.Context, r store.Reader, organization string) ([]Hour, error) {
	rows, err := r.Query(ctx, `select hour, sum(told), sum(signed), sum(started), sum(totp), sum(mailotp) from progress_hour
		where organization_id = $1 group by hour order by hour`, organization)
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
		h.At = store.Time(hour * 3600 * 1_000_000)
		list = append(list, h)
	}
	return list, rows.Err()
}
