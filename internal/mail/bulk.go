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
	batchMost = 50
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
	// usualPace is how many letters of mailings go out a second.
	usualPace = 50
)

// mailing is the bulk lane at work: while one batch is being sent, the next is
// leased and the last is settled.
type mailing struct {
	*Post
	batches chan []taken // leased
	letters chan taken   // to be sent
	fates   chan settled // to be settled
	size    atomic.Int64 // letters of the next batch
	rest    atomic.Int64 // until when no relay is asked, by the machine's clock
}

func newMailing(p *Post) *mailing {
	m := &mailing{Post: p, batches: make(chan []taken), letters: make(chan taken), fates: make(chan settled, batchMost)}
	m.size.Store(int64(p.pace.within(batchTime)))
	return m
}

// run works until ctx ends. Then what is being sent is finished and settled, and
// what was leased beyond that is given back.
func (m *mailing) run(ctx context.Context) {
	var feeder, senders, settler sync.WaitGroup
	feeder.Go(m.feed)
	for range bulkSenders {
		senders.Go(func() {
			for t := range m.letters {
				m.fates <- settled{t, m.send(ctx, t)}
			}
		})
	}
	settler.Go(func() { m.record(ctx) })
	for ctx.Err() == nil {
		m.claim(ctx)
	}
	close(m.batches)
	feeder.Wait()
	close(m.letters)
	senders.Wait()
	close(m.fates)
	settler.Wait()
}

// claim leases one batch and hands it on when the one before is all under way.
func (m *mailing) claim(ctx context.Context) {
	if wait := m.resting(); wait > 0 {
		pause(ctx, wait)
		return
	}
	hold := context.WithoutCancel(ctx)
	ids, err := waiting(hold, m.db, Bulk, m.clk.Now(), int(m.size.Load()))
	if err == nil && len(ids) == 0 {
		m.idle(ctx, Bulk)
		return
	}
	var batch []taken
	if err == nil {
		batch, err = m.lease(hold, ids, bulkLease)
	}
	if err != nil {
		m.log.Error("the outbox cannot be worked", "lane", Bulk, "error", err)
		pause(ctx, rest)
		return
	}
	if len(batch) > 0 { // none: another node was faster with all of them
		m.batches <- batch
	}
}

// feed hands a batch's letters to the senders, and fits the size of the next to how
// long this one took.
func (m *mailing) feed() {
	for batch := range m.batches {
		began := m.clk.Machine()
		for _, t := range batch {
			m.letters <- t
		}
		m.size.Store(fit(m.size.Load(), m.clk.Machine().Sub(began)))
	}
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

// record settles what was sent, many in one transaction, until fates is closed.
func (m *mailing) record(ctx context.Context) {
	for first := range m.fates {
		if err := m.settleAll(ctx, m.gather(first)); err != nil {
			m.log.Error("the outbox cannot be worked", "lane", Bulk, "error", err)
		}
	}
}

// gather waits for more that can be settled together, for a moment.
func (m *mailing) gather(first settled) []settled {
	group := append(make([]settled, 0, batchMost), first)
	timer := time.NewTimer(settleEvery)
	defer timer.Stop()
	for len(group) < batchMost {
		select {
		case s, ok := <-m.fates:
			if !ok {
				return group
			}
			group = append(group, s)
		case <-timer.C:
			return group
		}
	}
	return group
}

// pacer spaces letters evenly over time, for all who wait on it together.
type pacer struct {
	gap time.Duration
	now func() time.Time

	mu   sync.Mutex
	next time.Time
}

// slack is how far a pacer may make up for time that was lost between two letters.
const slack = 100 * time.Millisecond

// newPacer lets so many pass a second; 0 all.
func newPacer(letters int, now func() time.Time) *pacer {
	if letters <= 0 {
		return &pacer{now: now}
	}
	return &pacer{gap: time.Second / time.Duration(letters), now: now}
}

// wait returns when the next letter may go, or ctx ends.
func (p *pacer) wait(ctx context.Context) {
	if p.gap == 0 {
		return
	}
	p.mu.Lock()
	now := p.now()
	if earliest := now.Add(-slack); p.next.Before(earliest) {
		p.next = earliest
	}
	wait := p.next.Sub(now)
	p.next = p.next.Add(p.gap)
	p.mu.Unlock()
	if wait > 0 {
		pause(ctx, wait)
	}
}

// within is how many letters pass in a time, from 1 to a whole batch.
func (p *pacer) within(span time.Duration) int {
	if p.gap == 0 {
		return batchMost
	}
	return int(min(batchMost, max(1, span/p.gap)))
}
