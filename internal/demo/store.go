package demo

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// actSeeded is the last record of a seed.
const actSeeded = "portal:demo:seeded"

// Seeded says whether a database holds a whole seed: one that was broken off does not.
func Seeded(ctx context.Context, r store.Reader) (whole bool, err error) {
	err = r.QueryRow(ctx, `select exists (select 1 from audit where chain = 'operators' and act = $1)`, actSeeded).Scan(&whole)
	if err != nil {
		return false, fmt.Errorf("demo seed: %w", err)
	}
	return whole, nil
}

// used says whether anybody is in a database.
func used(ctx context.Context, r store.Reader) (there bool, err error) {
	return there, r.QueryRow(ctx, `select exists (select 1 from address)`).Scan(&there)
}

// authApp is one enrolled authenticator app.
type authApp struct {
	name, organization, email string
	key                       []byte
	last                      int64 // the last step accepted; of an earlier clock epoch: 0
}

// enrolledApps are the authenticator apps of everybody in the demo, operators first.
func enrolledApps(ctx context.Context, r store.Reader, keys *secret.Keys) ([]authApp, error) {
	rows, err := r.Query(ctx, `select t.organization_id, t.holder_id, t.secret,
			case when t.epoch = (select epoch from clock where id = 1) then t.last_step else 0 end,
			coalesce(a.name, p.name), coalesce(a.email, p.email), coalesce(o.name, '')
		from totp t
			left join account a on a.organization_id = t.organization_id and a.id = t.holder_id
			left join organization o on o.id = t.organization_id
			left join operator p on t.organization_id = 'operators' and p.id = t.holder_id
		where coalesce(a.id, p.id) is not null
		order by coalesce(o.created_at, 0), coalesce(a.authority, '') desc, coalesce(a.email, p.email)`)
	if err != nil {
		return nil, fmt.Errorf("demo authenticator: %w", err)
	}
	defer rows.Close()
	var list []authApp
	for rows.Next() {
		var app authApp
		var ref account.Ref
		var sealed []byte
		if err := rows.Scan(&ref.Organization, &ref.ID, &sealed, &app.last, &app.name, &app.email, &app.organization); err != nil {
			return nil, fmt.Errorf("demo authenticator: %w", err)
		}
		if app.key, err = totp.Unseal(keys, ref, sealed); err != nil {
			return nil, fmt.Errorf("demo authenticator: %w", err)
		}
		list = append(list, app)
	}
	return list, rows.Err()
}
