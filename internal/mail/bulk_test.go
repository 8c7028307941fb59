package mail

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/store/storetest"
)

func mailingTo(n int) (list []Letter) {
	for i := range n {
		list = append(list, letter(Bulk, fmt.Sprintf("person%d@example.com", i)))
	}
	return list
}

func TestAMailingKeepsItsPaceOverEveryBatch(t *testing.T) {
	var now atomic.Int64
	p := newPacer(100, func() time.Time { return time.Unix(0, now.Load()) })
	now.Store(int64(time.Hour))
	ended, cancel := context.WithCancel(context.Background())
	cancel() // nobody really waits
	for range 500 {
		p.wait(ended)
	}
	if ahead := p.next.Sub(time.Unix(0, now.Load())); ahead < 4800*time.Millisecond || ahead > 5*time.Second {
		t.Errorf("500 letters at 100 a second take %v", ahead)
	}
	now.Add(int64(time.Hour)) // what was idle makes up for a tenth of a second, not for an hour
	for range 100 {
		p.wait(ended)
	}
	if ahead := p.next.Sub(time.Unix(0, now.Load())); ahead < 800*time.Millisecond {
		t.Errorf("after a pause 100 letters take %v", ahead)
	}
}

func TestABatchFitsTheSpeedOfTheRelay(t *testing.T) {
	size := int64(batchMost)
	for range 10 {
		size = fit(size, time.Minute)
	}
	if size != 1 {
		t.Errorf("a slow relay gets batches of %d", size)
	}
	for range 10 {
		size = fit(size, time.Millisecond)
	}
	if size != batchMost {
		t.Errorf("a fast relay gets batches of %d", size)
	}
	for pace, want := range map[int]int{0: batchMost, 1000: batchMost, 10: 20, 1: 2} {
		if got := newPacer(pace, clock.New().Machine).within(batchTime); got != want {
			t.Errorf("at %d a second the first batch is of %d, want %d", pace, got, want)
		}
	}
}

func TestManyLettersAreLeasedUnderOneNameAndSettledTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ctx := context.Background()
		queue(t, w, mailingTo(batchMost+10)...)
		p := post(w, &outside{})
		claim := func() []taken {
			ids, err := waiting(ctx, w.DB, Bulk, w.Clock.Now(), batchMost)
			must(t, err)
			got, err := p.lease(ctx, ids, bulkLease)
			must(t, err)
			return got
		}
		first, second := claim(), claim()
		if len(first) != batchMost || len(second) != 10 || first[0].lease == second[0].lease {
			t.Fatalf("%d and %d letters", len(first), len(second))
		}
		// The worker sleeps past its lease; half of its letters are taken anew.
		w.Clock.Set(storetest.Start.Add(bulkLease + time.Microsecond))
		var ids []string
		for _, one := range first[:batchMost/2] {
			ids = append(ids, one.id)
		}
		anew, err := p.lease(ctx, ids, bulkLease)
		must(t, err)
		var late []settled
		for _, one := range first {
			late = append(late, settled{one, fate{end: sent}})
		}
		for _, one := range anew { // in the same transaction another lease settles some of them
			if one.id < ids[3] {
				late = append(late, settled{one, fate{end: back}})
			}
		}
		must(t, p.settleAll(ctx, late))
		if sent, held := count(t, w, "sent_at is not null"), count(t, w, "lease_by is not null and sent_at is null"); sent != batchMost/2 || held != batchMost/2-3+10 {
			t.Errorf("%d were settled as sent, want %d; %d are held, want %d", sent, batchMost/2, held, batchMost/2-3+10)
		}
	})
}

func TestNoLetterIsBegunWhenItsLeaseIsAboutToEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, mailingTo(5)...)
		relay := &outside{}
		m := newMailing(post(w, relay))
		ids, err := waiting(context.Background(), w.DB, Bulk, w.Clock.Now(), batchMost)
		must(t, err)
		batch, err := m.lease(context.Background(), ids, bulkLease)
		must(t, err)
		w.Clock.Set(storetest.Start.Add(bulkLease - tryFor - settleFor))
		if f := m.send(context.Background(), batch[0]); f.end != sent {
			t.Errorf("in time: %+v", f)
		}
		w.Clock.Set(storetest.Start.Add(bulkLease - tryFor - settleFor + time.Microsecond))
		if f := m.send(context.Background(), batch[1]); f.end != back || len(relay.to()) != 1 {
			t.Errorf("too late: %+v, %d sent", f, len(relay.to()))
		}
	})
}

func TestAMailingRestsWhileNoRelayIsReachedAndLosesNoTries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, mailingTo(30)...)
		arrived := make(chan string, 1000)
		relay := &outside{answer: func(m Message) error {
			arrived <- m.To
			return failed(stepConnect, context.DeadlineExceeded)
		}}
		stop := running(t, post(w, relay))
		arrives(t, "a letter", arrived)
		time.Sleep(300 * time.Millisecond)
		stop()
		tried, untouched := count(t, w, "tries = 1"), count(t, w, "tries = 0 and lease_by is null and lease_until = 0")
		if tried < 1 || tried > bulkSenders || tried+untouched != 30 {
			t.Errorf("%d were tried while the relay was away, %d stand as before", tried, untouched)
		}
	})
}
