package people

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// A person is read along with the row a of account.
const (
	personColumns = `a.id, a.email, a.email_key, a.name, a.name_key, a.phone, a.authority, a.method, a.preset, a.language, a.time_zone,
		a.job_title, a.mobile, a.suspended_at, t.enrolled_at, m.enrolled_at, u.since_at, coalesce(u.words, ''),
		coalesce(p.id, ''), coalesce(p.kind, ''), p.expires_at, p.spent_at, p.withdrawn_at, p.replaced_at,
		coalesce(st.stopped_at, 0) > coalesce(pw.reset_at, 0), st.void_at is not null`
	personJoins = `
		left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
		left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
		left join second_step_state st on st.organization_id = a.organization_id and st.holder_id = a.id
		left join password pw on pw.organization_id = a.organization_id and pw.holder_id = a.id
		left join undeliverable u on u.organization_id = a.organization_id and u.holder_id = a.id and u.recipient = a.email
		left join pass p on p.organization_id = a.organization_id and p.holder_id = a.id
			and p.id = (select max(x.id) from pass x where x.organization_id = a.organization_id and x.holder_id = a.id and x.kind = 'pass')`
)

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
	rows, err := r.Query(ctx, `select `+personColumns+` from account a`+personJoins+`
		where a.organization_id = $1 and a.id in (`+strings.Join(names, ", ")+`) order by a.name_key, a.id`, args...)
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

// find is one person, with more than the list shows; store.ErrNone for an id that
// this organization has not. The wrong codes are told as of now.
func find(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) (Person, error) {
	var m more
	hour := store.Micros(now.Add(-time.Hour))
	p, err := scan(r.QueryRow(ctx, `with mine as (
			select f.at from second_step_failure f where f.organization_id = $1 and f.holder_id = $2),
		run as (select at from mine where at > coalesce((select max(y.at) from second_step y
			where y.organization_id = $1 and y.holder_id = $2), 0))
		select `+personColumns+`,
			(select count(*) from run), (select count(*) from run where at <= coalesce(st.waits_from, 0)), (select max(at) from mine),
			(select count(*) from mine where at > $3 and at > coalesce(st.waits_from, 0)),
			(select min(at) from mine where at > $3 and at > coalesce(st.waits_from, 0)),
			coalesce(g.id, ''), g.created_at, g.expires_at, g.spent_at, g.withdrawn_at, g.replaced_at,
			(select max(s.started_at) from session s where s.organization_id = a.organization_id and s.holder_id = a.id),
			coalesce((select e.why from grace_end e where e.address_digest = a.address_digest
				and e.organization_id = a.organization_id and e.holder_id = a.id), '') = 'enrolled'
		from account a`+personJoins+`
			left join pass g on g.organization_id = a.organization_id and g.holder_id = a.id
				and g.id = (select max(x.id) from pass x where x.organization_id = a.organization_id and x.holder_id = a.id and x.kind = 'guide')
		where a.organization_id = $1 and a.id = $2`, ref.Organization, ref.ID, hour), ref.Organization, m.into()...)
	m.of(&p)
	return p, err
}

// more is what is read of one person alone.
type more struct {
	run, forgiven, inHour                                           int
	last, first, created, expires, spent, withdrawn, replaced, sign store.Instant
	guide                                                           string
	ever                                                            bool
}

func (m *more) into() []any {
	return []any{&m.run, &m.forgiven, &m.last, &m.inHour, &m.first, &m.guide, &m.created, &m.expires, &m.spent, &m.withdrawn, &m.replaced, &m.sign, &m.ever}
}

func (m *more) of(p *Person) {
	p.Ledger = verification.Ledger{Run: m.run, Forgiven: m.forgiven, LastFailure: m.last.Time, InHour: m.inHour, FirstInHour: m.first.Time,
		Stopped: p.Stopped, Void: p.Void}
	p.Guide = pass.Pass{ID: m.guide, Kind: pass.Guide, Expires: m.expires.Time, Spent: m.spent.Time, Withdrawn: m.withdrawn.Time, Replaced: m.replaced.Time}
	p.GuideGiven, p.Signed, p.Ever = m.created.Time, m.sign.Time, m.ever || p.Enrolled()
}

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner, organization string, more ...any) (p Person, err error) {
	var authority, method, preset, language, kind string
	var suspended, totp, mailotp, unreached, expires, spent, withdrawn, replaced store.Instant
	err = row.Scan(append([]any{&p.ID, &p.Email, &p.EmailKey, &p.Name, &p.NameKey, &p.Phone, &authority, &method, &preset, &language, &p.Zone,
		&p.JobTitle, &p.Mobile, &suspended, &totp, &mailotp, &unreached, &p.UnreachedWhy,
		&p.Pass.ID, &kind, &expires, &spent, &withdrawn, &replaced, &p.Stopped, &p.Void}, more...)...)
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
