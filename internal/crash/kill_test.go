package crash

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
)

// kills is how often each engine is killed: some in the tests, NIDAN_KILLS by hand.
func kills(t *testing.T) (n int, long bool) {
	text := os.Getenv("NIDAN_KILLS")
	if text == "" {
		return 12, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("NIDAN_KILLS: %v", err)
	}
	return n, true
}

// seed of the choice of moments: NIDAN_KILL_SEED repeats one.
func killSeed(t *testing.T) uint64 {
	if text := os.Getenv("NIDAN_KILL_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("NIDAN_KILL_SEED: %v", err)
		}
		return seed
	}
	return uint64(time.Now().UnixNano())
}

func TestWhatWasAnsweredIsThereAfterEveryKill(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { killing(t, "nidan.db") })
	t.Run("postgresql", func(t *testing.T) { killing(t, testpostgres.Database(t)) })
}

func killing(t *testing.T, source string) {
	t.Parallel()
	n, long := kills(t)
	seed := killSeed(t)
	t.Logf("NIDAN_KILL_SEED=%d chooses the moments", seed)
	people := 24
	if long {
		people = 24 + 2*n
	}
	w := openWorld(t, source, people)
	w.relay.moody = func(n int) mood {
		switch n % 11 {
		case 5:
			return defers
		case 9:
			return hangs
		}
		return takes
	}
	w.open(time.Time{})
	home := w.crowd()
	for i, m := range moments(seed, n) {
		w.await(m, 1500*time.Millisecond)
		w.open(w.kill())
		if long && i%25 == 24 {
			w.rest(i + 1)
		}
	}
	w.pleased()
	calm := w.relay.count()
	w.standstill(long)
	close(w.over)
	home()
	w.after()
	w.settle(long)
	t.Log(w.report())
	w.holds("in the end", true)
	w.undoubled(calm)
	if said, err := w.node.command(t.Context(), "audit", "verify"); err != nil {
		t.Errorf("nidan audit verify: %v\n%s", err, said)
	}
	if !long {
		w.planted(t)
	}
}

// standstill has the portal hang in the middle of everything and go on: no kill, and
// nothing may be doubled. On PostgreSQL, and in the long form, it hangs for more than a
// minute, when its leases are over; on PostgreSQL another node serves people meanwhile.
func (w *world) standstill(long bool) {
	w.t.Helper()
	first, pause, times := w.node, 300*time.Millisecond, 3
	if long || w.engine == store.PostgreSQL {
		pause, times = 65*time.Second, 1
	}
	var second *node
	if w.engine == store.PostgreSQL {
		second = newNode(w.t, w.dir, "second", w.source, w.relay.url)
		second.start()
	}
	for _, m := range moments(uint64(times), times) {
		w.await(m, 1500*time.Millisecond)
		first.signal(syscall.SIGSTOP)
		before := w.tally()[appCode][done] + w.tally()[mailedCode][done] + w.tally()[governing][done]
		if second != nil {
			w.node = second
			w.url.Store(&second.url)
		}
		time.Sleep(pause)
		if after := w.tally()[appCode][done] + w.tally()[mailedCode][done] + w.tally()[governing][done]; second != nil && after == before {
			w.t.Error("while a node hung, the other one served nobody")
		}
		first.signal(syscall.SIGCONT)
	}
	time.Sleep(min(pause, 10*time.Second)) // it goes on with what it had in hand
	if second != nil {
		first.stop()
	}
}

// undoubled looks whether a letter came twice that came first when nothing was killed
// any more and the relay took everything.
func (w *world) undoubled(since int) {
	w.t.Helper()
	came := map[string]int{}
	for i, l := range w.relay.all() {
		if first, twice := came[l.id]; !twice {
			came[l.id] = i
		} else if first >= since {
			w.t.Errorf("a letter came twice: %s %q", l.id, l.subject)
		}
	}
}

// rest lets everybody finish what he does, stops the portal as an operator would, and
// holds the invariants.
func (w *world) rest(kills int) {
	w.t.Helper()
	w.resting.Lock()
	defer w.resting.Unlock()
	w.down()
	w.node.stop()
	defer func() { w.open(time.Time{}) }()
	w.t.Logf("%d kills, %d polls at most until it was ready%s", kills, w.node.polls, w.report())
	w.holds(fmt.Sprintf("after %d kills", kills), false)
}

// holds holds every invariant.
func (w *world) holds(when string, ended bool) {
	w.t.Helper()
	w.with(func(db *store.DB) {
		list, err := breaches(w.t.Context(), db, w.evidence(), ended)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, what := range list {
			w.t.Errorf("%s: %s", when, what)
		}
	})
}

// pleased has the relay take everything.
func (w *world) pleased() {
	w.relay.mu.Lock()
	defer w.relay.mu.Unlock()
	w.relay.moody = func(int) mood { return takes }
}

// settle lets the post come to its end: what killed processes had in hand is free when
// its lease is over, which the short form does not wait for. Then the portal stops.
func (w *world) settle(long bool) {
	w.t.Helper()
	const waiting = ` from mail where sent_at is null and dropped_at is null and parked_at is null`
	if long {
		time.Sleep(95 * time.Second)
	}
	w.node.stop() // what it has in hand is settled
	w.write(clock.New(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update mail set lease_until = 0, due_at = $1 where id in (select id`+waiting+`)`, store.Micros(tx.Now()))
		return err
	})
	w.node.start()
	for range 1200 {
		left := 0
		w.with(func(db *store.DB) {
			var err error
			if left, err = one(context.Background(), db, `select count(*)`+waiting); err != nil {
				w.t.Fatal(err)
			}
		})
		if left == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.node.stop()
}
