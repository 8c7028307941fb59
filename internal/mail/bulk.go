package mail

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the bulk lane.
const (
	// batchMost letters are leased, or settled, in one transaction. SQLite has one
	// writer, and a code waits for it: the transaction must stay short.
	batchMost = 200
	// bulkSenders letters are under way at the same time.
	bulkSenders = 2
	// bulkLease is how long a batch is held. The last of its letters is begun when
	// there is still time for a try and its settling.
	bulkLease = 3 * time.Minute
	// batchTime is how long a batch should take; where the relay or the pace is
	// slow, the next is smaller.
	batchTime = 2 * time.Second
	// settleEvery bounds how long a letter was sent and is not on record: a crash in
	// this time sends it twice.
	settleEvery = 100 * time.Millisecond
	// UsualPace is how many letters of mailings go out a second.
	UsualPace = 50
)

// mailing is the bulk lane at work. While one batch is being sent, the next is
// leased in the very transaction that settles the one before: what a mailing costs
// is the waits for the disk.
type mailing struct {
	*Post
	want    chan struct{} // the feeder has begun its last batch
	batches chan []taken  // leased
	letters chan taken    // to be sent
	fates   chan settled  // to be settled
	size    atomic.Int64  // letters of the next batch
	rest    atomic.Int64  // until when no relay is asked, by the machine's clock
}

func newMailing(p *Post) *mailing {
	m := &mailing{Post: p, want: make(chan struct{}, 1), batches: make(chan []taken, 1),
		letters: make(chan taken), fates: make(chan settled, batchMost)}
	m.size.Store(int64(p.pace.within(batchTime)))
	return m
}

// run works until ctx ends. Then what is being sent is finished and settled, and
// what was leased beyond that is given back.
func (m *mailing) run(ctx context.Context) {
	go m.feed()
	var senders sync.WaitGroup
	for range bulkSenders {
		senders.Go(func() {
			for t := range m.letters {
				m.fates <- settled{t, m.send(ctx, t)}
			}
		})
	}
	go func() { senders.Wait(); close(m.fates) }()
	newClerk(m).work(ctx)
}

// feed hands a batch's letters to the senders, and fits the size of the next to how
// long this one took.
func (m *mailing) feed() {
	for batch := range m.batches {
		m.want <- struct{}{}
		began := m.clk.Machine()
		for _, t := range batch {
			m.letters <- t
		}
		m.size.Store(fit(m.size.Load(), m.clk.Machine().Sub(began)))
	}
	close(m.letters)
}

// fit is the size of the next batch, after one of a size took so long.
func fit(size int64, took time.Duration) int64 {
	switch {
	case took > batchTime:
		return max(1, size/2)
	case took < batchTime/4:
		return min(batchMost, 2*size)
	}
	return size
}

// send sends one letter, or gives it back: where the relay was not reached a moment
// ago, where the lease may end before it is settled, where the portal stops.
func (m *mailing) send(ctx context.Context, t taken) fate {
	if m.resting() == 0 {
		m.pace.wait(ctx)
	}
	if ctx.Err() != nil || m.resting() > 0 || t.until.Sub(m.clk.Now()) < tryFor+settleFor {
		return fate{end: back}
	}
	// What was begun is finished, also when ctx ends in between.
	f, reached := m.attempt(context.WithoutCancel(ctx), t)
	if !reached {
		m.rest.Store(m.clk.Machine().Add(rest).UnixNano())
	}
	return f
}

// resting is how long no relay is to be asked, 0 when it may be.
func (m *mailing) resting() time.Duration {
	return max(0, time.Duration(m.rest.Load()-m.clk.Machine().UnixNano()))
}
