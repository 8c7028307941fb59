package rollout

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

// laggard is somebody who stands and has proved no method, as far as he has come.
type laggard struct {
	account.Account
	Told, Signed, Started time.Time
	Unreached             bool
}

// Mailable says whether mail to the address arrives, as far as is known.
func (l laggard) Mailable() bool { return !l.Unreached }

// laggards are those of one organization by name, after an id ("": from the first)
// and at most limit of them.
func laggards(ctx context.Context, r store.Reader, organization, after string, limit int) (list []laggard, err error) {
	rows, err := r.Query(ctx, `select a.id, a.name, a.email, a.authority, p.told_at, p.signed_at, p.started_at, u.since_at is not null
		from progress_person p
			join account a on a.organization_id = p.organization_id and a.id = p.holder_id
			left join undeliverable u on u.organization_id = p.organization_id and u.holder_id = p.holder_id and u.recipient = a.email
		where p.organization_id = $1 and p.enrolled_at is null and p.left_at is null
			and ($2 = '' or (a.name, a.id) > (select b.name, b.id from account b where b.organization_id = $3 and b.id = $4))
		order by a.name, a.id limit $5`, organization, after, organization, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		l := laggard{Account: account.Account{Ref: account.Ref{Organization: organization}}}
		var authority string
		var told, signed, started store.Instant
		if err := rows.Scan(&l.ID, &l.Name, &l.Email, &authority, &told, &signed, &started, &l.Unreached); err != nil {
			return nil, err
		}
		l.Authority, l.Told, l.Signed, l.Started = account.Authority(authority), told.Time, signed.Time, started.Time
		list = append(list, l)
	}
	return list, rows.Err()
}
