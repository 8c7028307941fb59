package pass

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Target is an account as an operator finds it.
type Target struct {
	account.Account
	OrganizationName string
	Stands           bool // neither the account nor the organization is suspended
}

const targetText = `select a.id, a.organization_id, a.email, a.email_key, a.name, a.authority, a.method, a.language, a.time_zone, o.name,
		a.suspended_at is null and o.suspended_at is null
	from account a join organization o on o.id = a.organization_id`

// target is one account; store.ErrNone when that organization has none of that id.
func target(ctx context.Context, r store.Reader, ref account.Ref) (Target, error) {
	return scanTarget(r.QueryRow(ctx, targetText+` where a.organization_id = $1 and a.id = $2`, ref.Organization, ref.ID))
}

// search finds Portal Admins of the whole portal by a part of the address or of the
// organization's name, each in its canonical form, at most limit of them.
func search(ctx context.Context, r store.Reader, address, name string, limit int) (list []Target, err error) {
	rows, err := r.Query(ctx, targetText+`
		where a.authority = 'portal_admin' and (a.email_key like $1 escape '!' or o.name_key like $2 escape '!')
		order by o.name, a.name, a.id limit $3`, pattern(address), pattern(name), limit)
	if err != nil {
		return nil, fmt.Errorf("pass: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scanTarget(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

type scanner interface{ Scan(dest ...any) error }

func scanTarget(row scanner) (t Target, err error) {
	var authority, method, language string
	err = row.Scan(&t.ID, &t.Organization, &t.Email, &t.EmailKey, &t.Name, &authority, &method, &language, &t.Zone, &t.OrganizationName, &t.Stands)
	t.Authority, t.Method = account.Authority(authority), account.Method(method)
	t.Language, _ = phrase.Parse(language)
	return t, err
}

// Request is a pass that was asked for at an operator where other Portal Admins are
// able on record: they were told, and have until Until. The zero Request is none.
type Request struct {
	ID          string
	account.Ref // for whom
	Why         string
	Ticket      act.Ticket
	Asked       time.Time
	Until       time.Time
	By          string // name of the operator who asked
}

const requestText = `select q.id, q.organization_id, q.holder_id, q.why, q.ticket, q.asked_at, q.waits_until, coalesce(o.name, q.asked_by)
	from pass_request q left join operator o on o.id = q.asked_by`

// request is the open request of an account; the zero Request when there is none.
func request(ctx context.Context, r store.Reader, ref account.Ref) (Request, error) {
	q, err := scanRequest(r.QueryRow(ctx, requestText+`
		where q.organization_id = $1 and q.holder_id = $2 and q.given_at is null and q.withdrawn_at is null`, ref.Organization, ref.ID))
	if errors.Is(err, store.ErrNone) {
		return Request{}, nil
	}
	return q, err
}

func scanRequest(row scanner, more ...any) (q Request, err error) {
	var ticket string
	var asked, until store.Instant
	err = row.Scan(append([]any{&q.ID, &q.Organization, &q.Ref.ID, &q.Why, &ticket, &asked, &until, &q.By}, more...)...)
	q.Ticket, q.Asked, q.Until = act.Ticket(ticket), asked.Time, until.Time
	return q, err
}

// ask writes a request; store.ErrTaken when one is open.
func ask(ctx context.Context, tx *store.Tx, ref account.Ref, given Given) (Request, error) {
	q := Request{ID: secret.ID(), Ref: ref, Why: given.Why, Ticket: given.Ticket, Asked: tx.Now(), Until: tx.Now().Add(Answer)}
	_, err := tx.Exec(ctx, `insert into pass_request (id, organization_id, holder_id, why, ticket, asked_at, asked_by, waits_until)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, q.ID, ref.Organization, ref.ID, given.Why, string(given.Ticket),
		store.Micros(q.Asked), given.By, store.Micros(q.Until))
	return q, err
}

// closeGiven ends an account's open request, since the pass was given.
func closeGiven(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	_, err := tx.Exec(ctx, `update pass_request set given_at = $1
		where organization_id = $2 and holder_id = $3 and given_at is null and withdrawn_at is null`, store.Micros(tx.Now()), ref.Organization, ref.ID)
	return err
}

// closeAsked withdraws an account's open request; store.ErrNone when there is none.
func closeAsked(ctx context.Context, tx *store.Tx, ref account.Ref, by string) error {
	n, err := tx.Exec(ctx, `update pass_request set withdrawn_at = $1, withdrawn_by = $2
		where organization_id = $3 and holder_id = $4 and given_at is null and withdrawn_at is null`,
		store.Micros(tx.Now()), by, ref.Organization, ref.ID)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// signedSince are, by id, the people of an organization who proved a code at a
// sign-in, or at /confirm in a session they had, since an instant, with the latest.
func signedSince(ctx context.Context, r store.Reader, organization string, since time.Time) (map[string]time.Time, error) {
	rows, err := r.Query(ctx, `select s.holder_id, max(s.at) from second_step s
			join account a on a.organization_id = s.organization_id and a.id = s.holder_id and a.authority = 'portal_admin'
		where s.organization_id = $1 and s.at >= $2 and s.door in ('signin', 'confirm') group by s.holder_id`,
		organization, store.Micros(since))
	if err != nil {
		return nil, fmt.Errorf("pass: %w", err)
	}
	defer rows.Close()
	signed := map[string]time.Time{}
	for rows.Next() {
		var id string
		var at store.Instant
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		signed[id] = at.Time
	}
	return signed, rows.Err()
}

// Asked is an open request as the operators' list shows it.
type Asked struct {
	Request
	Holder           string
	OrganizationName string
}

// requests are the open requests of the whole portal, the oldest first.
func requests(ctx context.Context, r store.Reader, limit int) (list []Asked, err error) {
	rows, err := r.Query(ctx, `select q.id, q.organization_id, q.holder_id, q.why, q.ticket, q.asked_at, q.waits_until, coalesce(p.name, q.asked_by),
			coalesce(a.name, ''), o.name
		from pass_request q
			join organization o on o.id = q.organization_id
			left join account a on a.organization_id = q.organization_id and a.id = q.holder_id
			left join operator p on p.id = q.asked_by
		where q.given_at is null and q.withdrawn_at is null order by q.asked_at, q.id limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("pass: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Asked
		one.Request, err = scanRequest(rows, &one.Holder, &one.OrganizationName)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// byOperators are the latest passes that operators gave, the newest first.
func byOperators(ctx context.Context, r store.Reader, limit int) ([]Record, error) {
	return records(r.Query(ctx, recordText+` join organization g on g.id = p.organization_id
		where p.kind = 'pass' and o.id is not null order by p.id desc limit $1`, limit))
}
