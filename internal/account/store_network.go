package account

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Network is a permitted network of an organization as it is kept. The zero Prefix
// is one that cannot be read: it permits nothing.
type Network struct {
	ID          string
	Written     string // as it stands in the store
	Prefix      netip.Prefix
	Description string
}

// Permit adds a permitted network of an organization; store.ErrTaken when it is there already.
func Permit(ctx context.Context, tx *store.Tx, organizationID string, network netip.Prefix, description string) error {
	_, err := tx.About(organizationID, "").Exec(ctx, `insert into network (id, organization_id, prefix, description) values ($1, $2, $3, $4)`,
		secret.ID(), organizationID, network.Masked().String(), description)
	return err
}

// DescribeNetwork changes what is said of a network; store.ErrNone when the
// organization has none of that id.
func DescribeNetwork(ctx context.Context, tx *store.Tx, organizationID, id, description string) error {
	n, err := tx.About(organizationID, "").Exec(ctx, `update network set description = $1 where organization_id = $2 and id = $3`, description, organizationID, id)
	return some(n, err)
}

// Forbid removes a permitted network of an organization; store.ErrNone when it has
// none of that id.
func Forbid(ctx context.Context, tx *store.Tx, organizationID, id string) error {
	n, err := tx.About(organizationID, "").Exec(ctx, `delete from network where organization_id = $1 and id = $2`, organizationID, id)
	return some(n, err)
}

func some(n int64, err error) error {
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// PermittedNetworks are the networks of an organization with what is said of them,
// the oldest first.
func PermittedNetworks(ctx context.Context, r store.Reader, organizationID string) ([]Network, error) {
	rows, err := r.Query(ctx, `select id, prefix, description from network where organization_id = $1 order by id`, organizationID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Network
	for rows.Next() {
		var n Network
		if err := rows.Scan(&n.ID, &n.Written, &n.Description); err != nil {
			return nil, err
		}
		n.Prefix, _ = netip.ParsePrefix(n.Written)
		list = append(list, n)
	}
	return list, rows.Err()
}

// Prefixes are the networks that can be read.
func Prefixes(networks []Network) (list []netip.Prefix) {
	for _, n := range networks {
		if n.Prefix.IsValid() {
			list = append(list, n.Prefix)
		}
	}
	return list
}

// Networks are the permitted networks of an organization, as the gate asks for them.
func Networks(ctx context.Context, r store.Reader, organizationID string) ([]netip.Prefix, error) {
	networks, err := PermittedNetworks(ctx, r, organizationID)
	return Prefixes(networks), err
}

// CheckNetworks switches the check of permitted networks for one account.
func CheckNetworks(ctx context.Context, tx *store.Tx, ref Ref, on bool) error {
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `update account set network_check = $1 where organization_id = $2 and id = $3`, on, ref.Organization, ref.ID)
	return some(n, err)
}

// StopChecking switches the check off for all accounts of an organization, or for
// its Portal Admins, and answers for how many it was on.
func StopChecking(ctx context.Context, tx *store.Tx, organizationID string, adminsOnly bool) (int64, error) {
	if adminsOnly {
		return tx.About(organizationID, "").Exec(ctx, `update account set network_check = false
			where organization_id = $1 and network_check and authority = 'portal_admin'`, organizationID)
	}
	return tx.About(organizationID, "").Exec(ctx, `update account set network_check = false where organization_id = $1 and network_check`, organizationID)
}

// Checked is an account with whether its networks are checked.
type Checked struct {
	Account
	On bool
}

// CheckedAmong are the accounts of an organization with some ids, by name. An id
// that it has not is left out.
func CheckedAmong(ctx context.Context, r store.Reader, organizationID string, ids []string) ([]Checked, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args, names := []any{organizationID}, make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		names[i] = "$" + strconv.Itoa(i+2)
	}
	rows, err := r.Query(ctx, checkedText+` where organization_id = $1 and id in (`+strings.Join(names, ", ")+`) order by name, id`, args...)
	return scanChecked(rows, err, organizationID)
}

const checkedText = `select id, email, name, authority, language, time_zone, suspended_at, network_check from account`

// CheckedList is a page of an organization's accounts by name: whose name or address
// is like the pattern (empty: all), whose check is "on" or "off" (empty: both), after
// an id.
func CheckedList(ctx context.Context, r store.Reader, organizationID, like, show, after string, limit int) ([]Checked, error) {
	rows, err := r.Query(ctx, checkedText+`
		where organization_id = $1 and ($2 = '' or name_key like $3 escape '!' or email_key like $4 escape '!')
			and ($5 = '' or $6 = 'on' and network_check or $7 = 'off' and not network_check)
			and ($8 = '' or (name, id) > ((select n.name from account n where n.organization_id = $9 and n.id = $10), $11))
		order by name, id limit $12`,
		organizationID, like, like, like, show, show, show, after, organizationID, after, after, limit)
	return scanChecked(rows, err, organizationID)
}

func scanChecked(rows *store.Rows, err error, organizationID string) ([]Checked, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Checked
	for rows.Next() {
		c := Checked{Account: Account{Ref: Ref{Organization: organizationID}}}
		var authority, language string
		var suspended store.Instant
		if err := rows.Scan(&c.ID, &c.Email, &c.Name, &authority, &language, &c.Zone, &suspended, &c.On); err != nil {
			return nil, err
		}
		c.Authority, c.Suspended = Authority(authority), suspended.Time
		c.Language, _ = phrase.Parse(language)
		list = append(list, c)
	}
	return list, rows.Err()
}
