package importing

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Listed is an account as a list of them says it.
type Listed struct {
	Organization string            `json:"organization"`
	Name         string            `json:"name"`
	Email        string            `json:"email"`
	Authority    account.Authority `json:"authority"`
	Method       account.Method    `json:"method"`
	Enrolled     bool              `json:"enrolled"`
	Suspended    bool              `json:"suspended"`
	Imported     *time.Time        `json:"imported,omitempty"`
	OldHash      string            `json:"old_hash,omitempty"` // the format of another system's
}

// EachAccount calls do with every account of an organization ("" is all of them), or
// with those who still have another system's hash.
func EachAccount(ctx context.Context, r store.Reader, organization string, oldAlone bool, do func(Listed) error) error {
	rows, err := r.Query(ctx, `select o.name, a.name, a.email, a.authority, a.method, p.enrolled_at is not null, a.suspended_at is not null, a.imported_at,
			case when w.sealed is not null then w.format else '' end
		from account a join organization o on o.id = a.organization_id
			left join progress_person p on p.organization_id = a.organization_id and p.holder_id = a.id
			left join password w on w.organization_id = a.organization_id and w.holder_id = a.id
		where ($1 = '' or a.organization_id = $2) and (not $3 or w.sealed is not null)
		order by a.organization_id, a.name, a.id`, organization, organization, oldAlone)
	if err != nil {
		return fmt.Errorf("list of accounts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l Listed
		var imported store.Instant
		if err := rows.Scan(&l.Organization, &l.Name, &l.Email, &l.Authority, &l.Method, &l.Enrolled, &l.Suspended, &imported, &l.OldHash); err != nil {
			return fmt.Errorf("list of accounts: %w", err)
		}
		if !imported.IsZero() {
			l.Imported = &imported.Time
		}
		if err := do(l); err != nil {
			return err
		}
	}
	return rows.Err()
}
