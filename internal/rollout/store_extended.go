package rollout

import (
	"context"
	"time"

	"nidan/internal/store"
)

// OpenExtended is OpenAfter for those to whom a plan's extension of their own was
// given at one instant, until another.
func OpenExtended(ctx context.Context, r store.Reader, plan string, until, given time.Time, organization, holder string, limit int) (list []Open, err error) {
	rows, err := r.Query(ctx, `select `+openColumns+`
			join extension x on x.organization_id = p.organization_id and x.holder_id = p.holder_id and x.replaced_at is null
		where x.rollout_id = $1 and x.until = $2 and x.given_at = $3 and x.holder_id <> ''
			and (p.organization_id, p.holder_id) > ($4, $5) and p.enrolled_at is null and p.left_at is null
		order by p.organization_id, p.holder_id limit $6`, plan, store.Micros(until), store.Micros(given), organization, holder, limit)
	if err != nil {
		return nil, err
	}
	return list, eachOpen(rows, func(o Open) error { list = append(list, o); return nil })
}
