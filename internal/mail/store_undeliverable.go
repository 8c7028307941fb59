package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Source is how it became known that an address gets no mail.
type Source string

// The sources.
const (
	Dialogue Source = "dialogue" // the relay refused the recipient
	Bounce   Source = "bounce"   // a mail came back later
)

// Undeliverable is an address that mail does not reach, of an account that has it.
type Undeliverable struct {
	Organization, Holder   string // ids
	OrganizationName, Name string
	Recipient              string
	Source                 Source // of the latest mail
	Status                 string // enhanced status such as "5.1.1", where one was given
	Words                  string // the other side's, on one line, cut
	Since, Latest          time.Time
	Mails                  int64 // that did not arrive since then
}

// noteRefused records that a relay refused the recipient of a letter.
func noteRefused(ctx context.Context, tx *store.Tx, s settled) error {
	return note(ctx, tx, s.organization, s.holder, s.to, Dialogue, s.refused.Status, s.refused.Text)
}

// note keeps that a mail to an address did not arrive.
func note(ctx context.Context, tx *store.Tx, organization, holder, recipient string, source Source, status, words string) error {
	_, err := tx.Exec(ctx, `insert into undeliverable as u (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails)
		values ($1, $2, $3, $4, $5, $6, $7, $7, 1)
		on conflict (organization_id, holder_id, recipient) do update set source = excluded.source, status = excluded.status,
			words = excluded.words, latest_at = excluded.latest_at, mails = u.mails + 1`,
		organization, holder, recipient, string(source), status, cut(line(words)), store.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("undeliverable: %w", err)
	}
	return nil
}

// bounced records that a letter came back, once however often it does; false when
// the outbox has no such letter that it gave away and that did not come back yet.
func bounced(ctx context.Context, tx *store.Tx, id, status, words string) (bool, error) {
	var organization, holder, recipient string
	err := tx.QueryRow(ctx, `update mail set bounced_at = $1 where id = $2 and bounced_at is null and tries > 0
		returning organization_id, holder_id, recipient`, store.Micros(tx.Now()), id).Scan(&organization, &holder, &recipient)
	if errors.Is(err, store.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("bounce: %w", err)
	}
	return true, note(ctx, tx, organization, holder, recipient, Bounce, status, words)
}

// Answered forgets that mail does not reach those who have, since it last failed,
// entered rightly a code that was mailed to the address they have now; it says how
// many. It is upkeep, not part of the sign-in, which would wait for it.
func Answered(ctx context.Context, db *store.DB) (int64, error) {
	list, err := answered(ctx, db)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	var n int64
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n = 0
		for _, u := range list {
			one, err := tx.Exec(ctx, `delete from undeliverable where organization_id = $1 and holder_id = $2 and latest_at = $3`,
				u.Organization, u.Holder, store.Micros(u.Latest))
			if err != nil {
				return fmt.Errorf("undeliverable: %w", err)
			}
			n += one
		}
		return nil
	})
	return n, err
}

// answered reads outside the transaction: what codes are entered must not conflict.
func answered(ctx context.Context, r store.Reader) ([]Mark, error) {
	rows, err := r.Query(ctx, `select u.organization_id, u.holder_id, u.latest_at from undeliverable u
			join account a on a.organization_id = u.organization_id and a.id = u.holder_id and a.email = u.recipient
		where exists (select 1 from mail_code c where c.organization_id = u.organization_id and c.holder_id = u.holder_id
			and c.address_key = a.email_key and c.used_at > u.latest_at)`)
	if err != nil {
		return nil, fmt.Errorf("undeliverable: %w", err)
	}
	defer rows.Close()
	var list []Mark
	for rows.Next() {
		var m Mark
		var latest store.Instant
		if err := rows.Scan(&m.Organization, &m.Holder, &latest); err != nil {
			return nil, fmt.Errorf("undeliverable: %w", err)
		}
		m.Latest = latest.Time
		list = append(list, m)
	}
	return list, rows.Err()
}

// Unreachable says whether mail does not reach the address an account has now. An
// address it had before does not count.
func Unreachable(ctx context.Context, r store.Reader, organization, holder string) (bool, error) {
	var n int
	err := r.QueryRow(ctx, `select count(*) from undeliverable u
			join account a on a.organization_id = u.organization_id and a.id = u.holder_id and a.email = u.recipient
		where u.organization_id = $1 and u.holder_id = $2`, organization, holder).Scan(&n)
	return n > 0, err
}

// Mark is where a page of Undeliverables ends, for the one after it. The zero Mark
// is before the first.
type Mark struct {
	Latest               time.Time
	Organization, Holder string
}

// After is the mark of one of the list.
func (u Undeliverable) After() Mark { return Mark{u.Latest, u.Organization, u.Holder} }

const undeliverableColumns = `u.organization_id, u.holder_id, o.name, a.name, u.recipient, u.source, u.status, u.words, u.since_at, u.latest_at, u.mails
	from undeliverable u
		join account a on a.organization_id = u.organization_id and a.id = u.holder_id and a.email = u.recipient
		join organization o on o.id = u.organization_id`

// Undeliverables are the addresses that mail does not reach, the latest first: of
// an organization, or of the whole portal (""), from a mark on, at most limit.
func Undeliverables(ctx context.Context, r store.Reader, organization string, from Mark, limit int) ([]Undeliverable, error) {
	latest := int64(1)<<62 - 1
	if !from.Latest.IsZero() {
		latest = store.Micros(from.Latest)
	}
	const order = ` order by u.latest_at desc, u.organization_id, u.holder_id limit `
	var rows *store.Rows
	var err error
	if organization == "" {
		rows, err = r.Query(ctx, `select `+undeliverableColumns+`
			where u.latest_at <= $1 and (u.latest_at < $2 or (u.organization_id, u.holder_id) > ($3, $4))`+order+`$5`,
			latest, latest, from.Organization, from.Holder, limit)
	} else {
		rows, err = r.Query(ctx, `select `+undeliverableColumns+`
			where u.organization_id = $1 and u.latest_at <= $2 and (u.latest_at < $3 or u.holder_id > $4)`+order+`$5`,
			organization, latest, latest, from.Holder, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("undeliverable: %w", err)
	}
	defer rows.Close()
	var list []Undeliverable
	for rows.Next() {
		var u Undeliverable
		var since, latest store.Instant
		if err := rows.Scan(&u.Organization, &u.Holder, &u.OrganizationName, &u.Name, &u.Recipient, &u.Source,
			&u.Status, &u.Words, &since, &latest, &u.Mails); err != nil {
			return nil, fmt.Errorf("undeliverable: %w", err)
		}
		u.Since, u.Latest = since.Time, latest.Time
		list = append(list, u)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("undeliverable: %w", err)
	}
	return list, nil
}

// CountUndeliverable is how many addresses of an organization, or of the whole
// portal (""), mail does not reach.
func CountUndeliverable(ctx context.Context, r store.Reader, organization string) (n int, err error) {
	err = r.QueryRow(ctx, `select count(*) from undeliverable u
			join account a on a.organization_id = u.organization_id and a.id = u.holder_id and a.email = u.recipient
		where $1 = '' or u.organization_id = $1`, organization).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("undeliverable: %w", err)
	}
	return n, nil
}
