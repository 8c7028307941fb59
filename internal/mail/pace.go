package mail

import (
	"context"
	"sync"
	"time"
)

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
