package notice

import (
	"context"
	"sync/atomic"
	"time"

	"nidan/internal/page"
	"nidan/internal/store"
)

// Board is the notices that show, as one node keeps them. It is read anew when the
// version of what was planned is another than the one it was read by.
type Board struct {
	DB   *store.DB
	kept atomic.Pointer[kept]
}

type kept struct {
	version int64
	list    []Notice
}

// Shown are the notices that show to a reader at now. version is the one that the
// gate decided by (session.Visit.Policy); zero has the board read anew.
func (b *Board) Shown(ctx context.Context, version int64, r Reader, now time.Time) ([]Notice, error) {
	k := b.kept.Load()
	if k == nil || version == 0 || k.version != version {
		// A notice that is published between the gate's question and this reading is
		// read too early, under the older version: then it is read once more, no harm.
		list, err := upcoming(ctx, b.DB, now)
		if err != nil {
			return nil, err
		}
		k = &kept{version: version, list: list}
		b.kept.Store(k)
	}
	return Shown(k.list, r, now), nil
}

// Said is a notice that nobody wrote: it follows from a plan, and moves with it.
type Said struct {
	What        What
	Opens, Ends time.Time
	Link        string
	At          time.Time // since when it is planned
}

// What a notice follows from.
type What string

// The plans that are told of.
const (
	Window  What = "window"
	Rollout What = "rollout"
)

// line says it to a reader.
func (s Said) line(say page.Speaker) Line {
	args := []any{"opens", say.Moment(s.Opens), "ends", say.End(s.Ends)}
	return Line{Title: say.T("notice.said_"+string(s.What), args...), Text: say.T("notice.said_"+string(s.What)+"_text", args...), Link: s.Link, At: s.At}
}
