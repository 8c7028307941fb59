package mail

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// running runs a post until the test stops it, or ends.
func running(t *testing.T, p *Post) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { p.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// arrives waits for an event that must come.
func arrives[T any](t *testing.T, what string, events <-chan T) T {
	t.Helper()
	select {
	case event := <-events:
		return event
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func TestTwoPostsSendEachLetterOnce(t *testing.T) {
	const letters = 200
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		second := w
		if w.DB.Engine() == store.SQLite { // another process has the file open as well
			db, err := store.Open(context.Background(), w.DB.Name(), w.Clock.Now)
			must(t, err)
			t.Cleanup(func() { _ = db.Close() })
			second.DB = db
		}
		lanes := []Lane{Code, Notice, Bulk}
		var all []Letter
		for i := range letters {
			all = append(all, letter(lanes[i%3], fmt.Sprintf("person%d@example.com", i)))
		}
		queue(t, w, all...)
		arrived := make(chan string, 2*letters)
		relay := &outside{answer: func(m Message) error { arrived <- m.To; return nil }}
		first, other := post(w, relay), post(second, relay)
		stopFirst, stopOther := running(t, first), running(t, other)
		for range letters {
			arrives(t, "a letter", arrived)
		}
		stopFirst()
		stopOther()
		times := map[string]int{}
		for _, to := range relay.to() {
			times[to]++
		}
		for to, n := range times {
			if n != 1 {
				t.Errorf("%s got %d", to, n)
			}
		}
		if n := count(t, w, "sent_at is not null and tries = 1 and body is null"); len(times) != letters || n != letters {
			t.Errorf("%d people got a letter, %d rows say sent, want %d", len(times), n, letters)
		}
	})
}

// TestAMailingNeverStandsBeforeACode: 500 bulk letters wait for a relay that
// answers none of them; a code written meanwhile goes out.
func TestAMailingNeverStandsBeforeACode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var mailing []Letter
		for i := range 500 {
			mailing = append(mailing, letter(Bulk, fmt.Sprintf("person%d@example.com", i)))
		}
		queue(t, w, mailing...)
		arrived, answer := make(chan string, 600), make(chan struct{})
		relay := &outside{answer: func(m Message) error {
			arrived <- m.To
			if m.To != "waiting@example.com" {
				<-answer
			}
			return nil
		}}
		p := post(w, relay)
		running(t, p)
		t.Cleanup(func() { close(answer) }) // runs before the post is stopped
		for range bulkSenders {
			if to := arrives(t, "the mailing", arrived); !strings.HasPrefix(to, "person") {
				t.Fatalf("first came %s", to)
			}
		}
		queue(t, w, letter(Code, "waiting@example.com"))
		p.Wake()
		if to := arrives(t, "the code", arrived); to != "waiting@example.com" {
			t.Errorf("before the code came %s", to)
		}
	})
}

func TestDrainSendsCodesFirstAlsoAmongAMailing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Bulk, "b1@example.com"), letter(Bulk, "b2@example.com"),
			letter(Notice, "n@example.com"), letter(Code, "c1@example.com"))
		var once sync.Once
		relay := &outside{answer: func(m Message) error {
			if m.To == "b1@example.com" {
				once.Do(func() { queue(t, w, letter(Code, "c2@example.com")) })
			}
			return nil
		}}
		must(t, post(w, relay).Drain(context.Background()))
		if got := strings.Join(relay.to(), " "); got != "c1@example.com n@example.com b1@example.com c2@example.com b2@example.com" {
			t.Errorf("order: %s", got)
		}
	})
}

func TestRunFinishesWhatIsInHandAndTakesNothingMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var mailing []Letter
		for i := range bulkSenders + 7 {
			mailing = append(mailing, letter(Bulk, fmt.Sprintf("person%d@example.com", i)))
		}
		queue(t, w, mailing...)
		arrived, answer := make(chan string, len(mailing)), make(chan struct{})
		p := post(w, &outside{answer: func(m Message) error { arrived <- m.To; <-answer; return nil }})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		for range bulkSenders {
			arrives(t, "the first", arrived)
		}
		cancel()
		select {
		case <-done:
			t.Error("Run returned with a letter in hand")
		default:
		}
		close(answer)
		arrives(t, "the end of Run", done)
		if n := count(t, w, "sent_at is not null"); n != bulkSenders || len(arrived) != 0 {
			t.Errorf("%d sent, %d more taken", n, len(arrived))
		}
		if n := count(t, w, "sent_at is null and tries = 0 and lease_by is null and lease_until = 0"); n != 7 {
			t.Errorf("%d stand as if they had never been taken, want 7", n)
		}
	})
}

func TestWakeNeverWaits(t *testing.T) {
	p := post(storetest.World{}, &outside{})
	for range 1000 {
		p.Wake() // nobody runs
	}
}
