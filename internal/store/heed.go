package store

import (
	"context"
	"slices"
	"sync"
	"time"
)

// heed is how a node learns that what it keeps of watched tables may be old: of its own
// transactions at once, of everybody else's by the engine.
type heed struct {
	mu    sync.Mutex
	heeds []func(Change)
	lite  *lite // SQLite
	wire  *wire // PostgreSQL
}

// Heed has do called with every change of watched tables that becomes known here: of
// this node's own transactions before Write returns, whether they were committed,
// rolled back or nobody knows; of others' as soon as Sure would otherwise say yes.
func (db *DB) Heed(do func(Change)) {
	db.heed.mu.Lock()
	defer db.heed.mu.Unlock()
	db.heed.heeds = append(slices.Clip(db.heed.heeds), do)
}

func (h *heed) tell(c Change) {
	if c.none() {
		return
	}
	h.mu.Lock()
	all := h.heeds
	h.mu.Unlock()
	for _, do := range all {
		do(c)
	}
}

// Sure says whether everything that others committed before has been heeded, at the
// machine's time now: on SQLite to the last commit, on PostgreSQL to sureFor ago. While
// it is not, nothing that is kept in memory may be used. It costs no round trip.
func (db *DB) Sure(now time.Time) bool {
	switch {
	case db.heed.lite != nil:
		return db.heed.lite.sure()
	case db.heed.wire != nil:
		return db.heed.wire.sure(now)
	}
	return false
}

// Listen hears what other nodes change, until ctx ends. On SQLite nothing need be heard.
// machine is the machine's own time; lost is told why a connection that heard was lost.
func (db *DB) Listen(ctx context.Context, machine func() time.Time, lost func(error)) {
	if db.heed.wire == nil {
		<-ctx.Done()
		return
	}
	db.heed.wire.listen(ctx, db.address, machine, lost)
}
