package profile

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

// proved is since when each second verification was proved; zero: it was not.
type proved struct{ TOTP, MailOTP time.Time }

// provedBy reads it, and whether a change of the address is open: a correction that
// waits or can be sent again, or a link that still works at now.
func provedBy(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) (p proved, moving bool, err error) {
	var totp, mailotp store.Instant
	err = r.QueryRow(ctx, `select t.enrolled_at, m.enrolled_at, exists (select 1 from address_change c
			where c.organization_id = $1 and c.holder_id = $2 and c.used_at is null and c.replaced_at is null and c.withdrawn_at is null
				and (c.waits_until is not null or c.expires_at > $3))
		from (select 1 as one) q
			left join totp t on t.organization_id = $4 and t.holder_id = $5
			left join mailotp m on m.organization_id = $6 and m.holder_id = $7`,
		ref.Organization, ref.ID, store.Micros(now), ref.Organization, ref.ID, ref.Organization, ref.ID).Scan(&totp, &mailotp, &moving)
	if err != nil {
		return proved{}, false, fmt.Errorf("profile: %w", err)
	}
	return proved{TOTP: totp.Time, MailOTP: mailotp.Time}, moving, nil
}
