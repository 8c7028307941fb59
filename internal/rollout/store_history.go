package rollout

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// Titled is a plan with the name of its organization, which is empty for the whole portal.
type Titled struct {
	Plan
	Scope string
}

// Named are all rollouts ever planned with their organizations' names, by opening.
func Named(ctx context.Context, r store.Reader) ([]Titled, error) {
	rows, err := r.Query(ctx, `select p.id, p.organization_id, p.opens, p.ends, p.planned_at, p.withdrawn_at,
			p.zone, p.message_en, p.message_ja, p.reminders, p.version, coalesce(o.name, '')
		from rollout p left join organization o on o.id = p.organization_id order by p.opens, p.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Titled
	for rows.Next() {
		var p Titled
		var opens, ends, planned, withdrawn store.Instant
		var series string
		if err := rows.Scan(&p.ID, &p.Organization, &opens, &ends, &planned, &withdrawn,
			&p.Zone, &p.Message.English, &p.Message.Japanese, &series, &p.Version, &p.Scope); err != nil {
			return nil, err
		}
		p.Opens, p.Ends, p.Planned, p.Withdrawn, p.Reminders = opens.Time, ends.Time, planned.Time, withdrawn.Time, Series(series)
		list = append(list, p)
	}
	return list, rows.Err()
}

// Version is a plan as it was from an instant on.
type Version struct {
	Plan
	What  string // "planned", "changed" or "withdrawn"
	Saved time.Time
	By    string // the operator's name, or who else did it
}

// History is a rollout with all its versions, the newest first; store.ErrNone when
// there is none of that id.
func History(ctx context.Context, r store.Reader, id string) (now Titled, versions []Version, err error) {
	rows, err := r.Query(ctx, `select p.organization_id, p.planned_at, p.withdrawn_at, coalesce(o.name, ''),
			v.version, v.what, v.opens, v.ends, v.zone, v.message_en, v.message_ja, v.reminders, v.saved_at, coalesce(w.name, v.saved_by)
		from rollout p
			join rollout_version v on v.rollout_id = p.id
			left join organization o on o.id = p.organization_id
			left join operator w on w.id = v.saved_by
		where p.id = $1 order by v.version desc`, id)
	if err != nil {
		return Titled{}, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v := Version{Plan: Plan{ID: id}}
		var opens, ends, planned, withdrawn, saved store.Instant
		var series string
		if err := rows.Scan(&v.Organization, &planned, &withdrawn, &now.Scope, &v.Version, &v.What, &opens, &ends,
			&v.Zone, &v.Message.English, &v.Message.Japanese, &series, &saved, &v.By); err != nil {
			return Titled{}, nil, err
		}
		v.Opens, v.Ends, v.Planned, v.Withdrawn = opens.Time, ends.Time, planned.Time, withdrawn.Time
		v.Saved, v.Reminders = saved.Time, Series(series)
		versions = append(versions, v)
	}
	if err := rows.Err(); err != nil {
		return Titled{}, nil, err
	}
	if len(versions) == 0 {
		return Titled{}, nil, store.ErrNone
	}
	now.Plan = versions[0].Plan
	return now, versions, nil
}

// Versions are all that a rollout of one scope has had, the newest first.
func Versions(ctx context.Context, r store.Reader, organization, id string) ([]Version, error) {
	now, versions, err := History(ctx, r, id)
	if err == nil && now.Organization != organization {
		err = store.ErrNone
	}
	return versions, err
}

// Extension is one that holds: of an account, or of an organization (no Name).
type Extension struct {
	account.Ref
	Scope       string // the organization's name
	Name, Email string
	Until       time.Time
	Reason      string
	Given       time.Time
	By          string
}

// Extensions are those of a rollout that hold, the latest own end first, from after
// an offset on.
func Extensions(ctx context.Context, r store.Reader, planID string, offset, limit int) ([]Extension, error) {
	rows, err := r.Query(ctx, `select e.organization_id, e.holder_id, coalesce(o.name, ''), coalesce(a.name, ''), coalesce(a.email, ''),
			e.until, e.reason, e.given_at, coalesce(w.name, e.given_by)
		from extension e
			left join organization o on o.id = e.organization_id
			left join account a on a.organization_id = e.organization_id and a.id = e.holder_id
			left join operator w on w.id = e.given_by
		where e.rollout_id = $1 and e.replaced_at is null order by e.until desc, o.name, a.name, e.id limit $2 offset $3`,
		planID, limit, offset)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Extension
	for rows.Next() {
		var e Extension
		var until, given store.Instant
		if err := rows.Scan(&e.Organization, &e.ID, &e.Scope, &e.Name, &e.Email, &until, &e.Reason, &given, &e.By); err != nil {
			return nil, err
		}
		e.Until, e.Given = until.Time, given.Time
		list = append(list, e)
	}
	return list, rows.Err()
}

// claimed is somebody by address, with what decides whether an extension can be
// given; store.ErrNone for an address nobody has.
func claimed(ctx context.Context, r store.Reader, emailKey string) (o Open, enrolled bool, err error) {
	var authority, language string
	var first, until int64
	err = r.QueryRow(ctx, `select a.organization_id, a.id, a.name, a.email, a.authority, a.language, a.time_zone,
			coalesce(w.first_at, 0), a.imported_at is not null, g.ended_at is not null,
			coalesce((select max(e.until) from extension e
				where e.organization_id = a.organization_id and e.holder_id = a.id and e.replaced_at is null), 0),
			t.holder_id is not null or m.holder_id is not null
		from account a
			left join password w on w.organization_id = a.organization_id and w.holder_id = a.id
			left join grace_end g on g.address_digest = a.address_digest
			left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
			left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
		where a.email_key = $1`, emailKey).
		Scan(&o.Organization, &o.ID, &o.Name, &o.Email, &authority, &language, &o.Zone,
			&first, &o.Claim.Imported, &o.Claim.Finished, &until, &enrolled)
	if err != nil {
		return Open{}, false, err
	}
	o.Authority = account.Authority(authority)
	o.Language, _ = phrase.Parse(language)
	o.Claim.Organization, o.Claim.FirstPassword, o.Claim.Extended = o.Organization, store.Time(first), store.Time(until)
	return o, enrolled, nil
}
