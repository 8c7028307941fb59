package address

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Correction is a case with all that the operators' rule asks.
type Correction struct {
	Case
	Others []account.Admin // able on record, without the one himself
	Signed map[string]time.Time
}

// readCorrection reads it. Read in the deciding transaction, a sign-in that happens
// meanwhile is not missed.
func readCorrection(ctx context.Context, r store.Reader, ref account.Ref) (c Correction, err error) {
	if c.Case, err = find(ctx, r, ref); err != nil {
		return Correction{}, err
	}
	admins, err := account.Abilities(ctx, r, ref.Organization)
	if err != nil {
		return Correction{}, err
	}
	for _, a := range account.Able(admins) {
		if a.ID != ref.ID {
			c.Others = append(c.Others, a)
		}
	}
	if c.Change.Correction() {
		c.Signed, err = signedSince(ctx, r, ref, c.Change.Asked)
	}
	return c, err
}

// signedSince are, by id, the owner of an account and the Portal Admins of its
// organization who proved a code since an instant, at whatever door, with the latest.
func signedSince(ctx context.Context, r store.Reader, ref account.Ref, since time.Time) (map[string]time.Time, error) {
	rows, err := r.Query(ctx, `select s.holder_id, max(s.at) from second_step s
			join account a on a.organization_id = s.organization_id and a.id = s.holder_id and (a.authority = 'portal_admin' or a.id = $1)
		where s.organization_id = $2 and s.at >= $3 group by s.holder_id`, ref.ID, ref.Organization, store.Micros(since))
	if err != nil {
		return nil, fmt.Errorf("address correction: %w", err)
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

// facts are what the rule asks.
func (c Correction) facts(v *session.Visit) Facts {
	f := Facts{Operator: v.Operator(), Stands: c.Stands, Authority: c.Authority, OthersAble: len(c.Others) > 0}
	if c.Change.Correction() {
		f.Asked = c.Change.Asked
	}
	for id := range c.Signed {
		f.OwnerSigned = f.OwnerSigned || id == c.ID
		f.OthersSigned = f.OthersSigned || id != c.ID
	}
	return f
}

// Waiting is an open correction as the operators' list shows it.
type Waiting struct {
	Change
	Holder, OrganizationName string
}

// corrections are the open ones of the whole portal, the oldest first.
func corrections(ctx context.Context, r store.Reader, limit int) (list []Waiting, err error) {
	rows, err := r.Query(ctx, `select a.name, o.name, a.organization_id, a.id, `+changeColumns+`
		from address_change c join account a on a.organization_id = c.organization_id and a.id = c.holder_id
			join organization o on o.id = c.organization_id`+askerJoins+`
		where c.waits_until is not null and c.used_at is null and c.replaced_at is null and c.withdrawn_at is null
		order by c.asked_at, c.id limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("address corrections: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var w Waiting
		var ref account.Ref
		into, change := places()
		if err := rows.Scan(append([]any{&w.Holder, &w.OrganizationName, &ref.Organization, &ref.ID}, into...)...); err != nil {
			return nil, err
		}
		w.Change = change()
		w.Ref = ref
		list = append(list, w)
	}
	return list, rows.Err()
}
