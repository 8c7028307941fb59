package network

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"nidan/internal/store"
)

// remembered is how long it is kept from where somebody signed in (security.md, retention).
const remembered = 90 * 24 * time.Hour

// leaders are the Portal Admins of an organization who stand, with from where each
// signed in with a code, the newest first.
func leaders(ctx context.Context, r store.Reader, organizationID string, now time.Time) ([]Leader, error) {
	rows, err := r.Query(ctx, `select a.id, a.name, a.network_check, coalesce(s.network, ''), max(coalesce(s.started_at, 0))
		from account a
			left join session s on s.organization_id = a.organization_id and s.holder_id = a.id and s.code_at is not null and s.started_at > $1
		where a.organization_id = $2 and a.authority = 'portal_admin' and a.suspended_at is null
		group by a.id, a.name, a.network_check, coalesce(s.network, '')
		order by a.id, max(coalesce(s.started_at, 0)) desc`, store.Micros(now.Add(-remembered)), organizationID)
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	defer rows.Close()
	var list []Leader
	for rows.Next() {
		var l Leader
		var seen string
		var at int64
		if err := rows.Scan(&l.ID, &l.Name, &l.Checked, &seen, &at); err != nil {
			return nil, err
		}
		if len(list) == 0 || list[len(list)-1].ID != l.ID {
			list = append(list, l)
		}
		if network, err := netip.ParsePrefix(seen); err == nil {
			last := &list[len(list)-1]
			last.Seen = append(last.Seen, network)
		}
	}
	return list, rows.Err()
}

// checkedOrganization is an organization in which the network of anybody is checked.
type checkedOrganization struct {
	ID, Name                   string
	Networks, Accounts, Admins int64
}

// checking are the organizations in which the network of anybody is checked, by
// name, after one of them.
func checking(ctx context.Context, r store.Reader, like, after string, limit int) ([]checkedOrganization, error) {
	rows, err := r.Query(ctx, `select o.id, o.name, (select count(*) from network n where n.organization_id = o.id), count(*),
			count(*) filter (where a.authority = 'portal_admin')
		from organization o join account a on a.organization_id = o.id and a.network_check
		where ($1 = '' or o.name_key like $2 escape '!') and ($3 = '' or (o.name, o.id) > ((select x.name from organization x where x.id = $4), $5))
		group by o.id, o.name order by o.name, o.id limit $6`, like, like, after, after, after, limit)
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	defer rows.Close()
	var list []checkedOrganization
	for rows.Next() {
		var o checkedOrganization
		if err := rows.Scan(&o.ID, &o.Name, &o.Networks, &o.Accounts, &o.Admins); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

// counts are an organization's name and for how many of its accounts, and of its
// Portal Admins, the network is checked; store.ErrNone when there is no such one.
func counts(ctx context.Context, r store.Reader, organizationID string) (o checkedOrganization, err error) {
	o.ID = organizationID
	err = r.QueryRow(ctx, `select o.name, (select count(*) from network n where n.organization_id = o.id),
			(select count(*) from account a where a.organization_id = o.id and a.network_check),
			(select count(*) from account a where a.organization_id = o.id and a.network_check and a.authority = 'portal_admin')
		from organization o where o.id = $1`, organizationID).Scan(&o.Name, &o.Networks, &o.Accounts, &o.Admins)
	return o, err
}
