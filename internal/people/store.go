package people

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"nidan/internal/account"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

const personText = `select a.id, a.email, a.email_key, a.name, a.phone, a.authority, a.method, a.preset, a.language, a.time_zone,
		a.job_title, a.mobile, a.suspended_at, t.enrolled_at, m.enrolled_at, u.since_at, coalesce(u.words, ''),
		coalesce(p.id, ''), coalesce(p.kind, ''), p.expires_at, p.spent_at, p.withdrawn_at, p.replaced_at,
		coalesce(st.stopped_at, 0) > coalesce(pw.reset_at, 0), st.void_at is not null
	from account a
		left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
		left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
		left join second_step_state st on st.organization_id = a.organization_id and st.holder_id = a.id
		left join password pw on pw.organization_id = a.organization_id and pw.holder_id = a.id
		left join undeliverable u on u.organization_id = a.organization_id and u.holder_id = a.id and u.recipient = a.email
		left join pass p on p.organization_id = a.organization_id and p.holder_id = a.id
			and p.id = (select max(x.id) from pass x where x.organization_id = a.organization_id and x.holder_id = a.id and x.kind = 'pass')`

// search is what the list is asked for. The filters are literal texts of the
// statement's own: what was typed is only ever a value.
type search struct {
	typed string
	show  Show
	after string // the last id of the page before
}

// list are the people of an organization by name, at most limit of them.
func list(ctx context.Context, r store.Reader, organization string, s search, limit int) ([]Person, error) {
	rows, err := r.Query(ctx, personText+`
		where a.organization_id = $1
			and ($2 = '' or replace(replace(lower(a.name), ' ', ''), '　', '') like $3 escape '!' or a.email_key like $4 escape '!')
			and ($5 = '' or $6 = 'open' and a.suspended_at is null and t.enrolled_at is null and m.enrolled_at is null
				or $7 = 'enrolled' and (t.enrolled_at is not null or m.enrolled_at is not null)
				or $8 = 'suspended' and a.suspended_at is not null)
			and ($9 = '' or (a.name, a.id) > ((select n.name from account n where n.organization_id = $10 and n.id = $11), $12))
		order by a.name, a.id limit $13`,
		organization, s.typed, pattern(account.NameKey(s.typed)), pattern(account.NameKey(s.typed)),
		string(s.show), string(s.show), string(s.show), string(s.show), s.after, organization, s.after, s.after, limit)
	return scanAll(rows, err, organization)
}

func scanAll(rows *store.Rows, err error, organization string) (people []Person, _ error) {
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scan(rows, organization)
		if err != nil {
			return nil, err
		}
		people = append(people, p)
	}
	return people, rows.Err()
}

// those are the people of an organization with some ids, by name. An id that it has
// not is left out.
func those(ctx context.Context, r store.Reader, organization string, ids []string) ([]Person, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args, names := []any{organization}, make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		names[i] = "$" + strconv.Itoa(i+2)
	}
	rows, err := r.Query(ctx, personText+` where a.organization_id = $1 and a.id in (`+strings.Join(names, ", ")+`) order by a.name, a.id`, args...)
	return scanAll(rows, err, organization)
}

// find is one person; store.ErrNone for an id that this organization has not.
func find(ctx context.Context, r store.Reader, ref account.Ref) (Person, error) {
	return scan(r.QueryRow(ctx, personText+` where a.organization_id = $1 and a.id = $2`, ref.Organization, ref.ID), ref.Organization)
}

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner, organization string) (p Person, err error) {
	var authority, method, preset, language, kind string
	var suspended, totp, mailotp, unreached, expires, spent, withdrawn, replaced store.Instant
	err = row.Scan(&p.ID, &p.Email, &p.EmailKey, &p.Name, &p.Phone, &authority, &method, &preset, &language, &p.Zone,
		&p.JobTitle, &p.Mobile, &suspended, &totp, &mailotp, &unreached, &p.UnreachedWhy,
		&p.Pass.ID, &kind, &expires, &spent, &withdrawn, &replaced, &p.Stopped, &p.Void)
	if err != nil {
		return Person{}, err
	}
	p.Organization = organization
	p.Authority, p.Method, p.Preset = account.Authority(authority), account.Method(method), account.Method(preset)
	p.Language, _ = phrase.Parse(language)
	p.Suspended, p.TOTP, p.MailOTP, p.Unreached = suspended.Time, totp.Time, mailotp.Time, unreached.Time
	p.Pass.Expires, p.Pass.Spent, p.Pass.Withdrawn, p.Pass.Replaced = expires.Time, spent.Time, withdrawn.Time, replaced.Time
	return p, nil
}

// claims are what decides about the grace of an organization's Portal Admins, by id.
func claims(ctx context.Context, r store.Reader, organization string) (map[string]rollout.Claim, error) {
	rows, err := r.Query(ctx, `select a.id, coalesce(w.first_at, 0), a.imported_at is not null,
			g.ended_at is not null or t.enrolled_at is not null or m.enrolled_at is not null,
			coalesce((select max(e.until) from extension e
				where e.organization_id = a.organization_id and e.holder_id = a.id and e.replaced_at is null), 0)
		from account a
			left join password w on w.organization_id = a.organization_id and w.holder_id = a.id
			left join grace_end g on g.address_digest = a.address_digest
			left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
			left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
		where a.organization_id = $1 and a.authority = 'portal_admin'`, organization)
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	defer rows.Close()
	all := map[string]rollout.Claim{}
	for rows.Next() {
		c := rollout.Claim{Organization: organization}
		var id string
		var first, until int64
		if err := rows.Scan(&id, &first, &c.Imported, &c.Finished, &until); err != nil {
			return nil, err
		}
		c.FirstPassword, c.Extended = store.Time(first), store.Time(until)
		all[id] = c
	}
	return all, rows.Err()
}
