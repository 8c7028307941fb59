package rollout

import (
	"context"

	"nidan/internal/account"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// Open is somebody who stands and has proved no method, with what decides when
// that locks him out.
type Open struct {
	account.Ref
	Name, Email   string
	Authority     account.Authority
	Method        account.Method // assigned
	Language      phrase.Lang
	Zone          string
	Claim         Claim
	Undeliverable bool // mail does not reach the address
}

const openColumns = `p.organization_id, p.holder_id, a.name, a.email, a.authority, a.method, a.language, a.time_zone,
		coalesce(w.first_at, 0), a.imported_at is not null, g.ended_at is not null, coalesce((select max(e.until) from extension e
			where e.organization_id = p.organization_id and e.holder_id = p.holder_id and e.replaced_at is null), 0), u.since_at is not null
	from progress_person p
		join account a on a.organization_id = p.organization_id and a.id = p.holder_id
		join organization o on o.id = p.organization_id and o.suspended_at is null
		left join password w on w.organization_id = p.organization_id and w.holder_id = p.holder_id
		left join grace_end g on g.address_digest = a.address_digest
		left join undeliverable u on u.organization_id = p.organization_id and u.holder_id = p.holder_id and u.recipient = a.email`

// EachOpen calls do with everybody who stands and has proved no method, by
// organization and id. There may be a hundred thousand: do keeps what it needs.
func EachOpen(ctx context.Context, r store.Reader, do func(Open) error) error {
	rows, err := r.Query(ctx, `select `+openColumns+`
		where p.enrolled_at is null and p.left_at is null order by p.organization_id, p.holder_id`)
	if err != nil {
		return err
	}
	return eachOpen(rows, do)
}

// OpenOf is EachOpen for one organization, for who comes after an id ("": from the
// first) and at most limit of them.
func OpenOf(ctx context.Context, r store.Reader, organization, after string, limit int) (list []Open, err error) {
	rows, err := r.Query(ctx, `select `+openColumns+`
		where p.organization_id = $1 and p.holder_id > $2 and p.enrolled_at is null and p.left_at is null
		order by p.holder_id limit $3`, organization, after, limit)
	if err != nil {
		return nil, err
	}
	return list, eachOpen(rows, func(o Open) error { list = append(list, o); return nil })
}

// OpenAfter is a batch of EachOpen over the whole portal: who comes after an
// organization and an id, at most limit of them.
func OpenAfter(ctx context.Context, r store.Reader, organization, holder string, limit int) (list []Open, err error) {
	rows, err := r.Query(ctx, `select `+openColumns+`
		where (p.organization_id, p.holder_id) > ($1, $2) and p.enrolled_at is null and p.left_at is null
		order by p.organization_id, p.holder_id limit $3`, organization, holder, limit)
	if err != nil {
		return nil, err
	}
	return list, eachOpen(rows, func(o Open) error { list = append(list, o); return nil })
}

func eachOpen(rows *store.Rows, do func(Open) error) error {
	defer rows.Close()
	for rows.Next() {
		var o Open
		var authority, method, language string
		var first, until int64
		err := rows.Scan(&o.Organization, &o.ID, &o.Name, &o.Email, &authority, &method, &language, &o.Zone,
			&first, &o.Claim.Imported, &o.Claim.Finished, &until, &o.Undeliverable)
		if err != nil {
			return err
		}
		o.Authority, o.Method = account.Authority(authority), account.Method(method)
		o.Language, _ = phrase.Parse(language)
		o.Claim.Organization, o.Claim.FirstPassword, o.Claim.Extended = o.Organization, store.Time(first), store.Time(until)
		if err := do(o); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Standings are all organizations that stand, with how many Portal Admins each
// has and how many of them account.Admin.Able would call so: active, with the method
// that is asked of them proved, neither stopped nor void. One step does not count.
func Standings(ctx context.Context, r store.Reader) ([]Standing, error) {
	rows, err := r.Query(ctx, `select o.id, o.name, count(a.id), count(a.id) filter (where
			(m.enrolled_at is not null or a.method = 'totp' and t.enrolled_at is not null) and st.void_at is null
			and coalesce(st.stopped_at, 0) <= coalesce(w.reset_at, 0))
		from organization o
			left join account a on a.organization_id = o.id and a.authority = 'portal_admin' and a.suspended_at is null
			left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
			left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
			left join second_step_state st on st.organization_id = a.organization_id and st.holder_id = a.id
			left join password w on w.organization_id = a.organization_id and w.holder_id = a.id
		where o.suspended_at is null group by o.id, o.name order by o.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Standing
	for rows.Next() {
		var s Standing
		if err := rows.Scan(&s.Organization, &s.Name, &s.Admins, &s.Able); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// Foresee asks what a dry run means for everybody its plan covers. see, unless nil,
// is told of each person with his fate, by organization and id.
func Foresee(ctx context.Context, r store.Reader, run *DryRun, see func(Open, Fate) error) (Outcome, error) {
	standings, err := Standings(ctx, r)
	if err != nil {
		return Outcome{}, err
	}
	tally := NewTally(run, standings)
	one := func(o Open) error {
		fate := tally.Add(o)
		if see == nil {
			return nil
		}
		return see(o, fate)
	}
	if run.Plan.Organization == "" {
		err = EachOpen(ctx, r, one)
	} else {
		err = eachOpenOf(ctx, r, run.Plan.Organization, one)
	}
	return tally.Outcome(), err
}

// eachOpenOf is EachOpen for one organization.
func eachOpenOf(ctx context.Context, r store.Reader, organization string, do func(Open) error) error {
	const many = 2000
	for after := ""; ; {
		list, err := OpenOf(ctx, r, organization, after, many)
		if err != nil {
			return err
		}
		for _, o := range list {
			if err := do(o); err != nil {
				return err
			}
		}
		if len(list) < many {
			return nil
		}
		after = list[len(list)-1].ID
	}
}
