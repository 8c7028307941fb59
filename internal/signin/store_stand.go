package signin

import (
	"context"
	"time"

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
	imported      time.Time
}

// standNumbers are what stand.read takes, in its order, of the rows that standJoins
// finds for the holder s: no null is among them. What is one value of one row is asked for
// by itself, since each column that is carried through a join costs PostgreSQL something
// at every join above, whether a row is there or not.
const (
	standNumbers = `case when case when a.id is null then p.removed_at is null else a.suspended_at is null and o.suspended_at is null end then 1 else 0 end,
		coalesce((select 1 from totp t where t.organization_id = s.organization_id and t.holder_id = s.holder_id and t.enrolled_at is not null), 0),
		coalesce((select 1 from mailotp m where m.organization_id = s.organization_id and m.holder_id = s.holder_id and m.enrolled_at is not null), 0),
		coalesce((select case when st.stopped_at > coalesce(pw.reset_at, 0) then 1 else 0 end + case when st.void_at is null then 0 else 2 end
			from second_step_state st where st.organization_id = s.organization_id and st.holder_id = s.holder_id), 0),
		coalesce(pw.first_at, 0), coalesce(a.imported_at, 0),
		coalesce((select 1 from grace_end g where g.address_digest = a.address_digest and g.ended_at is not null), 0),
		coalesce((select max(e.until) from extension e where e.organization_id = s.organization_id and e.holder_id = s.holder_id and e.replaced_at is null), 0)`
	standJoins = `
		left join account a on a.organization_id = s.organization_id and a.id = s.holder_id
		left join organization o on o.id = s.organization_id
		left join operator p on s.organization_id = 'operators' and p.id = s.holder_id
		left join password pw on pw.organization_id = s.organization_id and pw.holder_id = s.holder_id`
)

// What the second step's state says, added up.
const (
	stopped = 1
	void    = 2
)

// read makes of the numbers what they mean, for somebody of an organization whose
// assigned method is as given.
func (s *stand) read(organization, method string, n *numbers) {
	s.standing, s.totp, s.mailotp = n.truth(), n.truth(), n.truth()
	state := n.next()
	s.stopped, s.void = state&stopped != 0, state&void != 0
	first := n.instant()
	s.imported = n.instant()
	s.claim = rollout.Claim{Organization: organization, FirstPassword: first, Imported: !s.imported.IsZero(),
		Finished: n.truth(), Extended: n.instant()}
	s.method = account.Method(method)
}

// facts are what the rows say, of somebody who has proved nothing.
func (s stand) facts() Facts {
	return Facts{Suspended: !s.standing, Stopped: s.stopped, Void: s.void, Assigned: s.method, TOTP: s.totp, MailOTP: s.mailotp, Claim: s.claim}
}

// FactsAfter are the facts of the accounts that come after one, by organization and
// id, at most limit of them: of people who have proved nothing and hold no pass, at
// a place that is permitted. The zero Ref is before all.
func FactsAfter(ctx context.Context, r store.Reader, after account.Ref, limit int) (refs []account.Ref, facts []Facts, err error) {
	rows, err := r.Query(ctx, `select s.organization_id, s.holder_id, coalesce(a.method, 'totp'), concat_ws(' ', `+standNumbers+`)
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
		var n numbers
		var method string
		if err := rows.Scan(&ref.Organization, &ref.ID, &method, &n.left); err != nil {
			return nil, nil, err
		}
		s.read(ref.Organization, method, &n)
		if err := n.end(); err != nil {
			return nil, nil, err
		}
		refs, facts = append(refs, ref), append(facts, s.facts())
	}
	return refs, facts, rows.Err()
}
