package failovertest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
	"nidan/internal/totp"
)

// accepted is one code that the portal said it took.
type taken struct {
	who  *person
	step int64
	code string
}

// history is what was answered, for comparing it with what is there.
type history struct {
	mu       sync.Mutex
	taken    []taken
	counted  map[string]int // holder → wrong codes that were refused
	outages  int
	strange  []answer
	failures []error
}

func (h *history) note(a answer, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil:
		h.failures = append(h.failures, err)
	case a.outage():
		h.outages++
	case a.status >= 500:
		h.strange = append(h.strange, a)
	}
}

// signIn is a whole sign-in, at two nodes. It says whether all of it was answered as done.
func (h *history) signIn(p *person, first, second *node) bool {
	a, err := p.password(first)
	if h.note(a, err); err != nil || !a.begun() {
		return false
	}
	return h.finish(p, second)
}

// finish is its second step.
func (h *history) finish(p *person, n *node) bool {
	step := totp.Step(n.clock.Now())
	code := totp.Code(p.key, step)
	a, err := p.code(n, code)
	if h.note(a, err); err != nil || !a.accepted() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken = append(h.taken, taken{p, step, code})
	return true
}

// guess types a wrong code; a refusal of it is counted.
func (h *history) guess(p *person, n *node) {
	a, err := p.code(n, "000000")
	h.note(a, err)
	if err == nil && a.status == http.StatusUnprocessableEntity {
		h.mu.Lock()
		h.counted[p.ID]++
		h.mu.Unlock()
	}
}

// The primary dies between the two steps of sign-ins, while others sign in, guess and
// look around; the standby takes over, and nobody restarts anything.
func TestTheDatabasesPrimaryDiesBetweenTheTwoStepsOfSignIns(t *testing.T) {
	pair := testpostgres.NewPair(t, true)
	outlive(t, pair.URL(), pair.Primary.Kill, func() { pair.Promote(t) })
}

// outlive is the tale of two nodes whose database's primary is killed, and another server
// takes over.
func outlive(t *testing.T, source string, kill, takeOver func()) {
	one, two := open(t, source, "one", 0), open(t, source, "two", 0)
	nodes := []*node{one, two}
	one.work(t)
	all := people(t, one, 120)
	early, between, late := all[:20], all[20:40], all[40:]
	h := &history{counted: map[string]int{}}

	for i, p := range early {
		if !h.signIn(p, nodes[i%2], nodes[(i+1)%2]) {
			t.Fatalf("before anything happened nobody gets in: %v %v", h.failures, h.strange)
		}
	}
	for i, p := range between {
		a, err := p.password(nodes[i%2])
		must(t, "a password", a, err, answer.begun)
	}

	// The load: some sign in, some guess, some look at pages.
	var load sync.WaitGroup
	stop := make(chan struct{})
	for worker := range 6 {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				p := late[worker*13+i%13]
				switch {
				case i < 8:
					h.signIn(p, nodes[i%2], nodes[(i+worker)%2])
				case i%4 == 0:
					fresh := p.anew()
					if a, err := fresh.password(nodes[i%2]); err == nil && a.begun() {
						h.guess(fresh, nodes[i%2])
					}
				default:
					h.note(early[i%len(early)].at(nodes[i%2], "/"))
				}
			}
		})
	}
	enough := func(what func() bool) {
		t.Helper()
		for range 3000 {
			h.mu.Lock()
			is := what()
			h.mu.Unlock()
			if is {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("half a minute went by")
	}
	enough(func() bool { return len(h.taken) > len(early)+12 && len(h.counted) > 0 })
	killed := time.Now()
	kill()
	enough(func() bool { return h.outages > 30 })
	takeOver()
	promoted := h.answers()
	for _, n := range nodes {
		back := false
		for range 12000 {
			if a, err := early[0].at(n, "/"); err == nil && a.status == http.StatusOK {
				back = true
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if !back {
			t.Fatal("the portal did not come back by itself")
		}
	}
	away := time.Since(killed).Round(100 * time.Millisecond)
	close(stop)
	load.Wait()
	if len(h.failures) > 0 || len(h.strange) > 0 {
		t.Errorf("%d requests got no answer (%v), %d another than an honest 503", len(h.failures), h.failures, len(h.strange))
	}
	t.Logf("%d codes taken before another server did, %d requests told to come back, away for %s", promoted, h.outages, away)

	// The codes of this minute are refused, whether they were used or not.
	for i, p := range between {
		n := nodes[i%2]
		a, err := p.code(n, totp.Code(p.key, totp.Step(n.clock.Now())))
		must(t, "a code of the minute of the failover", a, err, func(a answer) bool { return a.status == http.StatusUnprocessableEntity })
	}
	for i, was := range h.taken {
		again, n := was.who.anew(), nodes[i%2]
		if a, err := again.password(n); err != nil || !a.begun() {
			continue // slowed down, perhaps: it gets no further than others
		}
		if a, err := again.code(n, was.code); err != nil || a.accepted() {
			t.Errorf("a code that was accepted before is so again: %v", err)
		}
	}
	for _, n := range nodes {
		n.clock.Jump(3 * time.Minute)
	}
	for i, p := range between {
		if !h.finish(p, nodes[i%2]) {
			t.Error("whoever was between the steps does not get in by a later code")
		}
	}
	h.compare(t, nodes)
}

func (h *history) answers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.taken)
}

// compare holds what was answered against what is there.
func (h *history) compare(t *testing.T, nodes []*node) {
	t.Helper()
	seen := map[string]bool{}
	for i, was := range h.taken {
		key := was.who.ID + was.code
		if seen[key] {
			t.Errorf("one code was answered as right twice")
		}
		seen[key] = true
		if n := count(t, nodes[0], `select count(*) from second_step where organization_id = $1 and holder_id = $2 and totp_step = $3`,
			was.who.Organization, was.who.ID, was.step); n != 1 {
			t.Errorf("a code that was answered as right has %d records", n)
		}
		a, err := was.who.at(nodes[i%2], "/")
		if err != nil || a.status != http.StatusOK {
			t.Errorf("a sign-in that was answered as done is not there: %v, %d to %s", err, a.status, a.location)
		}
	}
	for holder, wrong := range h.counted {
		if n := count(t, nodes[0], `select count(*) from second_step_failure where holder_id = $1`, holder); n < wrong {
			t.Errorf("%d wrong codes were refused, %d are counted", wrong, n)
		}
	}
}

// Without synchronous replication the new primary may never have heard of a code that
// was accepted. The floor refuses it all the same, at its very first try.
func TestACodeThatTheNewPrimaryNeverHeardOfIsNotAcceptedAgain(t *testing.T) {
	pair := testpostgres.NewPair(t, false)
	n := open(t, pair.URL(), "one", 0)
	p := people(t, n, 1)[0]
	pair.Detach(t)
	step := totp.Step(n.clock.Now())
	ahead := totp.Code(p.key, step+1) // of a device whose clock is a little fast
	a, err := p.password(n)
	must(t, "the password", a, err, answer.begun)
	a, err = p.code(n, ahead)
	must(t, "the code", a, err, answer.accepted)

	pair.Primary.Kill()
	pair.Promote(t)
	if n := count(t, n, `select count(*) from second_step`); n != 0 {
		t.Fatalf("the standby has heard of it: %d records", n)
	}
	thief := p.anew()
	a, err = thief.password(n)
	must(t, "the password again", a, err, answer.begun)
	a, err = thief.code(n, ahead)
	must(t, "the code again", a, err, func(a answer) bool { return a.status == http.StatusUnprocessableEntity })

	n.clock.Jump(2 * time.Minute)
	a, err = thief.code(n, totp.Code(p.key, totp.Step(n.clock.Now())))
	must(t, "a later code", a, err, answer.accepted)
}

// While the standby is away PostgreSQL keeps whoever commits waiting. Nobody is told that
// something was done or was not; when the standby is back it goes on.
func TestWhileTheStandbyIsAwayNobodyIsToldThatAnythingWasDoneOrWasNot(t *testing.T) {
	pair := testpostgres.NewPair(t, true)
	n := open(t, pair.URL(), "one", time.Second)
	all := people(t, n, 2)
	right, wrong := all[0], all[1]
	for _, p := range all {
		a, err := p.password(n)
		must(t, "the password", a, err, answer.begun)
	}
	pair.Standby.Stop()
	a, err := right.code(n, totp.Code(right.key, totp.Step(n.clock.Now())))
	must(t, "a right code", a, err, answer.unsure)
	a, err = wrong.code(n, "000000")
	must(t, "a wrong code", a, err, answer.unsure)
	a, err = wrong.at(n, "/signin")
	must(t, "a page", a, err, func(a answer) bool { return a.status == http.StatusOK })
	// A primary that hangs says nothing at all: then it is certain that nothing was done.
	pair.Primary.Stop()
	a, err = wrong.at(n, "/signin")
	must(t, "a page, while the primary hangs", a, err, func(a answer) bool { return a.outage() && !a.unsure() })
	a, err = wrong.code(n, "000000")
	must(t, "a code, while the primary hangs", a, err, func(a answer) bool { return a.outage() && !a.unsure() })
	pair.Primary.Resume()
	// The server calls it done when somebody ends its wait; only a warning says that it may be lost.
	answered := make(chan error)
	go func() {
		answered <- n.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update organization set created_at = created_at + 1`)
			return err
		})
	}()
	for ended := false; !ended; {
		pair.Primary.EndWaits(t) // of the requests before, perhaps
		select {
		case err := <-answered:
			if ended = true; !errors.Is(err, store.ErrUnsure) {
				t.Errorf("a commit whose wait was ended: %v", err)
			}
		case <-time.After(100 * time.Millisecond):
		}
	}
	pair.Standby.Resume()

	fresh := right.anew()
	for range 100 { // its lock on a row may be held for a moment
		if a, err = fresh.password(n); err == nil && a.begun() {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	must(t, "the password, with the standby back", a, err, answer.begun)
	a, err = fresh.code(n, totp.Code(right.key, totp.Step(n.clock.Now())+1))
	must(t, "a later code", a, err, answer.accepted)
	if n := count(t, n, `select count(*) from second_step_failure`); n > 1 {
		t.Errorf("one wrong code is counted %d times", n)
	}
}
