package audit

import (
	"context"
	"fmt"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Place is a row where it stands in its chain.
type Place struct {
	Row
	First, Last bool // no row is in front of it, behind it
	Intact      bool // it is as it was written
	Follows     bool // it continues the row in front of it, or is the first
	Continued   bool // the row behind it continues it, or it is the last
}

// Look reads one row with its neighbours; store.ErrNone when there is no such row.
// Whether the whole chain is unbroken is Verify's to say.
func Look(ctx context.Context, r store.Reader, keys *secret.Keys, chain string, seq int64) (Place, error) {
	rows, err := r.Query(ctx, `select chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest
		from audit where chain = $1 and seq >= $2 and seq <= $3 order by seq`, chain, seq-1, seq+1)
	if err != nil {
		return Place{}, fmt.Errorf("audit row: %w", err)
	}
	near, err := scan(rows)
	if err != nil {
		return Place{}, fmt.Errorf("audit row: %w", err)
	}
	p := Place{First: true, Last: true, Follows: seq == 1, Continued: true}
	var before, after *Row
	for i, row := range near {
		switch row.Seq {
		case seq - 1:
			before = &near[i]
		case seq:
			p.Row = row
		default:
			after = &near[i]
		}
	}
	if p.Row.Digest == nil {
		return Place{}, store.ErrNone
	}
	p.Intact = p.Row.intact(keys)
	if before != nil {
		p.First, p.Follows = false, secret.Equal(p.Previous, before.Digest)
	}
	if after != nil {
		p.Last, p.Continued = false, secret.Equal(after.Previous, p.Digest)
	}
	return p, nil
}
