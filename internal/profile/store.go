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

func provedBy(ctx context.Context, r store.Reader, ref account.Ref) (proved, error) {
	var totp, mailotp store.Instant
	err := r.QueryRow(ctx, `select t.enrolled_at, m.enrolled_at
		from (select 1 as one) q
			left join totp t on t.organization_id = $1 and t.holder_id = $2
			left join mailotp m on m.organization_id = $3 and m.holder_id = $4`,
		ref.Organization, ref.ID, ref.Organization, ref.ID).Scan(&totp, &mailotp)
	if err != nil {
		return proved{}, fmt.Errorf("profile: %w", err)
	}
	return proved{TOTP: totp.Time, MailOTP: mailotp.Time}, nil
}
