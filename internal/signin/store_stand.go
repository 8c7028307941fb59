package signin

import (
	"context"

	"nidan/internal/account"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// stand is what the rule asks about somebody beside the session: the part of the
// facts that the rows say.
type stand struct {
	standing      bool // neither account nor organization suspended, nor removed
	method        account.Method
	totp, mailotp bool // enrolled
	stopped, void bool
	claim         rollout.Claim
	imported      store.Instant

	first, extended store.Instant
	assigned        string
}

// standColumns are what stand.into takes, in its order, of the rows that standJoins
// finds for the holder s.
const (
	standColumns = `case when a.id is null then p.removed_at is null else a.suspended_at is null and o.suspended_at is null end,
		coalesce(a.method, 'totp'), t.enrolled_at is not null, m.enrolled_at is not null,
		coalesce(st.stopped_at, 0) > coalesce(pw.reset_at, 0), st.void_at is not null,
		coalesce(pw.first_at, 0), coalesce(a.imported_at, 0), g.ended_at is not null,
		(select max(e.until) from extension e where e.organization_id = s.organization_id and e.holder_id = s.holder_id and e.replaced_at is null)`
	standJoins = `
		left join account a on a.organization_id = s.organization_id and a.id = s.holder_id
		left join organization o on o.id = s.organization_id
		left join operator p on s.organization_id = 'operators' and p.id = s.holder_id
		left join totp t on t.organization_id = s.organization_id and t.holder_id = s.holder_id
		left join mailotp m on m.organization_id = s.organization_id and m.holder_id = s.holder_id
		left join second_step_state st on st.organization_id = s.organization_id and st.holder_id = s.holder_id
		left join password pw on pw.organization_id = s.organization_id and pw.holder_id = s.holder_id
		left join grace_end g on g.address_digest = a.address_digest`
)

func (s *stand) into() []any {
	return []any{&s.standing, &s.assigned, &s.totp, &s.mailotp, &s.stopped, &s.void, &s.first, &s.imported, &s.claim.Finished, &s.extended}
}

// read makes of the columns what they mean, for somebody of an organization.
func (s *stand) read(organization string) {
	s.method = account.Method(s.assigned)
	s.claim = rollout.Claim{Organization: organization, FirstPassword: s.first.Time,
		Imported: !s.imported.IsZero(), Finished: s.claim.Finished, Extended: s.extended.Time}
}

// facts are what the rows say, of somebody who has proved nothing.
func (s stand) facts() Facts {
	return Facts{Suspended: !s.standing, Stopped: s.stopped, Void: s.void, Assigned: s.method, TOTP: s.totp, MailOTP: s.mailotp, Claim: s.claim}
}

// FactsAfter are the facts of the accounts that come after one, by organization and
// id, at most limit of them: of people who have proved nothing and hold no pass, at
// a place that is permitted. The zero Ref is before all.
func FactsAfter(ctx context.Context, r store.Reader, after account.Ref, limit int) (refs []account.Ref, facts []Facts, err error) {
	rows, err := r.Query(ctx, `select s.organization_id, s.holder_id, `+standColumns+`
		from (select organization_id, id as holder_id from account
			where (organization_id, id) > ($1, $2) order by organization_id, id limit $3) s`+standJoins+`
		order by s.organization_id, s.holder_id`, after.Organization, after.ID, limit)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var ref account.Ref
		var s stand
		if err := rows.Scan(append([]any{&ref.Organization, &ref.ID}, s.into()...)...); err != nil {
			return nil, nil, err
		}
		s.read(ref.Organization)
		refs, facts = append(refs, ref), append(facts, s.facts())
	}
	return refs, facts, rows.Err()
}
