package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
)

// standing are the Portal Admins of an organization o who stand, by its index; able
// are those of them whom account.Admin.Able would call so.
const (
	standing = ` from account a where a.organization_id = o.id and a.authority = 'portal_admin' and a.suspended_at is null`
	able     = ` from account a
			left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
			left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
			left join second_step_state st on st.organization_id = a.organization_id and st.holder_id = a.id
			left join password pw on pw.organization_id = a.organization_id and pw.holder_id = a.id
		where a.organization_id = o.id and a.authority = 'portal_admin' and a.suspended_at is null and st.void_at is null
			and (m.enrolled_at is not null or a.method = 'totp' and t.enrolled_at is not null)
			and coalesce(st.stopped_at, 0) <= coalesce(pw.reset_at, 0)`
)

const listedText = `select o.id, o.name, o.created_at, o.suspended_at, coalesce(b.name, o.suspended_by, ''),
		coalesce(p.accounts, 0), coalesce(p.told, 0), coalesce(p.signed, 0), coalesce(p.started, 0), coalesce(p.totp, 0), coalesce(p.mailotp, 0),
		(select count(*)` + standing + `), (select count(*)` + able + `), r.opens, r.ends
	from (`

const listedJoins = `) o
		left join operator b on b.id = o.suspended_by
		left join progress p on p.organization_id = o.id
		left join rollout r on r.organization_id = o.id and r.id = (select x.id from rollout x
			where x.organization_id = o.id and x.withdrawn_at is null order by x.ends desc, x.id limit 1)
	order by o.name_key`

// Which organizations a list is about: each a text of its own, so that none pays for
// what another asks.
const (
	listedRows = `select o.id, o.name, o.name_key, o.created_at, o.suspended_at, o.suspended_by from organization o`
	listedFrom = listedRows + `
		where ($1 = '' or o.name_key like $2 escape '!')
			and ($3 = '' or o.name_key > (select n.name_key from organization n where n.id = $4))`
	listedUpTo   = ` order by o.name_key limit $5`
	notStanding  = ` and o.suspended_at is not null`
	withoutAble  = ` and o.suspended_at is null and not exists (select 1` + able + `)`
	withoutAdmin = ` and o.suspended_at is null and not exists (select 1` + standing + `)`
)

// Search is what the list is asked for.
type Search struct {
	Typed string // a part of the name
	Show  Show
	After string // the last id of the page before
}

// List are the organizations by name, at most limit of them.
func List(ctx context.Context, r store.Reader, s Search, limit int) ([]Listed, error) {
	var rows *store.Rows
	var err error
	args := []any{s.Typed, pattern(s.Typed), s.After, s.After, limit}
	switch s.Show {
	case ShowSuspended:
		rows, err = r.Query(ctx, listedText+listedFrom+notStanding+listedUpTo+listedJoins, args...)
	case ShowUnled:
		rows, err = r.Query(ctx, listedText+listedFrom+withoutAble+listedUpTo+listedJoins, args...)
	case ShowNobody:
		rows, err = r.Query(ctx, listedText+listedFrom+withoutAdmin+listedUpTo+listedJoins, args...)
	default:
		rows, err = r.Query(ctx, listedText+listedFrom+listedUpTo+listedJoins, args...)
	}
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	defer rows.Close()
	var list []Listed
	for rows.Next() {
		one, err := scanListed(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// find is one organization; store.ErrNone when there is none of that id.
func find(ctx context.Context, r store.Reader, id string) (Listed, error) {
	return scanListed(r.QueryRow(ctx, listedText+listedRows+` where o.id = $1`+listedJoins, id))
}

type scanner interface{ Scan(dest ...any) error }

func scanListed(row scanner) (l Listed, err error) {
	var created, suspended, opens, ends store.Instant
	err = row.Scan(&l.ID, &l.Name, &created, &suspended, &l.SuspendedBy,
		&l.Figures.Accounts, &l.Figures.Told, &l.Figures.Signed, &l.Figures.Started, &l.Figures.TOTP, &l.Figures.MailOTP,
		&l.Admins, &l.Able, &opens, &ends)
	l.Created, l.Suspended, l.Own = created.Time, suspended.Time, Period{opens.Time, ends.Time}
	return l, err
}

// byAddress is who signs in with an address, of whatever organization, or an
// operator; store.ErrNone when nobody does.
func byAddress(ctx context.Context, r store.Reader, key string) (p Person, err error) {
	var authority string
	var suspended store.Instant
	err = r.QueryRow(ctx, `select d.organization_id, d.holder_id, coalesce(o.name, ''), coalesce(p.name, ''),
			coalesce(a.name, ''), coalesce(a.email, p.email, ''), coalesce(a.authority, ''), a.suspended_at
		from address d
			left join organization o on o.id = d.organization_id
			left join account a on a.organization_id = d.organization_id and a.id = d.holder_id
			left join operator p on p.id = d.holder_id
		where d.address_key = $1`, key).
		Scan(&p.Organization, &p.ID, &p.OrganizationName, &p.OperatorName, &p.Name, &p.Email, &authority, &suspended)
	p.Authority, p.Suspended = account.Authority(authority), suspended.Time
	return p, err
}

// adminText reads what decides about one account. It was enrolled at some time where
// a method is, or where grace was ended by this very account's enrolling.
const adminText = `select a.id, a.email, a.email_key, a.name, a.phone, a.authority, a.language, a.time_zone, a.method, a.suspended_at,
		m.enrolled_at is not null or a.method = 'totp' and t.enrolled_at is not null,
		coalesce(st.stopped_at, 0) > coalesce(pw.reset_at, 0), st.void_at is not null,
		t.enrolled_at is not null or m.enrolled_at is not null or g.ended_at is not null,
		(select max(p.expires_at) from pass p where p.organization_id = a.organization_id and p.holder_id = a.id and p.kind = 'guide'
			and p.spent_at is null and p.withdrawn_at is null and p.replaced_at is null),
		exists (select 1 from password_reset w where w.organization_id = a.organization_id and w.holder_id = a.id
			and w.aside is not null and w.needs_approval and w.approved_at is null
			and w.finished_at is null and w.refused_at is null and w.replaced_at is null)
	from account a
		left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
		left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
		left join second_step_state st on st.organization_id = a.organization_id and st.holder_id = a.id
		left join password pw on pw.organization_id = a.organization_id and pw.holder_id = a.id
		left join grace_end g on g.address_digest = a.address_digest and g.holder_id = a.id and g.why = 'enrolled'`

// admins are the Portal Admins of an organization after an id, at most limit of them.
func admins(ctx context.Context, r store.Reader, organization, after string, limit int) ([]Admin, error) {
	rows, err := r.Query(ctx, adminText+` where a.organization_id = $1 and a.authority = 'portal_admin' and a.id > $2
		order by a.id limit $3`, organization, after, limit)
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	defer rows.Close()
	var list []Admin
	for rows.Next() {
		one, err := scanAdmin(rows, organization)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// person is one account of an organization, whatever the authority.
func person(ctx context.Context, r store.Reader, ref account.Ref) (Admin, error) {
	return scanAdmin(r.QueryRow(ctx, adminText+` where a.organization_id = $1 and a.id = $2`, ref.Organization, ref.ID), ref.Organization)
}

func scanAdmin(row scanner, organization string) (a Admin, err error) {
	var authority, language, method string
	var suspended, guide store.Instant
	err = row.Scan(&a.ID, &a.Email, &a.EmailKey, &a.Name, &a.Phone, &authority, &language, &a.Zone, &method, &suspended,
		&a.Proved, &a.Stopped, &a.Void, &a.EverEnrolled, &guide, &a.ResetWaits)
	a.Organization, a.Authority, a.Method = organization, account.Authority(authority), account.Method(method)
	a.Language, _ = phrase.Parse(language)
	a.Suspended, a.Guide = suspended.Time, guide.Time
	return a, err
}

// touched is whom suspending an organization would reach at now: people who are
// signed in, and reminders that wait.
func touched(ctx context.Context, r store.Reader, organization string, now time.Time) (people, reminders int64, err error) {
	err = r.QueryRow(ctx, `select (select count(distinct s.holder_id) from session s
				where s.organization_id = $1 and s.ended_at is null and s.seen_at > $2 and s.started_at > $3),
			(select count(*) from mail l where l.organization_id = $4 and l.kind = $5 and l.sent_at is null and l.dropped_at is null)`,
		organization, store.Micros(now.Add(-session.Idle)), store.Micros(now.Add(-session.Absolute)), organization, mail.Reminder).
		Scan(&people, &reminders)
	return people, reminders, err
}

// twice is how long after a deed the same one, by the same hand, is a second click.
const twice = 10 * time.Minute

// addedJustNow says whether an account was added by somebody a moment ago: what is
// asked a second time is answered like the first. with says that its organization
// came with it.
func addedJustNow(ctx context.Context, tx *store.Tx, organization, emailKey, by string, with bool) (id string, err error) {
	err = tx.QueryRow(ctx, `select a.id from account a join organization o on o.id = a.organization_id
		where a.organization_id = $1 and a.email_key = $2 and a.method_by = $3 and a.created_at > $4
			and ($5 = 0 or a.created_at = o.created_at)`,
		organization, emailKey, by, store.Micros(tx.Now().Add(-twice)), flag(with)).Scan(&id)
	if errors.Is(err, store.ErrNone) {
		err = nil
	}
	return id, err
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}

// pattern is what a search looks for, as a like-pattern with ! before its signs.
func pattern(typed string) string {
	if typed == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(typed) + "%"
}
