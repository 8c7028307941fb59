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
		left join undeliverable u on u.organization_id = p.organization_id and u.holder_id = p.holder_id`

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
