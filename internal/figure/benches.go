package figure

import (
	"context"
	"runtime"
	"sync"
	"time"

	"nidan/internal/clock"
)

var clk = clock.New()

// signin: a full sign-in with all its pages against a bare loop of its one hash.
func (r *Run) signin(ctx context.Context) error {
	permits := runtime.GOMAXPROCS(0)
	const rounds, people, warming = 5, 80, 120
	const counted = 120 // hashes alone, in each round
	w, err := r.open(ctx, rounds*people+warming)
	defer w.close()
	if err != nil {
		return err
	}
	// Both are warmed up: each connection has prepared and planned its statements.
	if _, err := r.load(ctx, Order{URL: w.url, Do: "signin", People: w.people[rounds*people:], Users: 2 * permits}); err != nil {
		return err
	}
	var costs, ratios, bare []time.Duration
	for round := range rounds {
		r.tell("round %d of %d …", round+1, rounds)
		alone, err := r.load(ctx, Order{Do: "hash", Times: counted, Users: permits})
		if err != nil {
			return err
		}
		before := cpu()
		report, err := r.load(ctx, Order{URL: w.url, Do: "signin", People: w.people[round*people : (round+1)*people], Users: 2 * permits})
		if err != nil {
			return err
		}
		costs = append(costs, (cpu()-before)/people)
		bare = append(bare, alone.Took/counted)
		ratios = append(ratios, time.Duration(float64(alone.Took)/counted/(float64(report.Took)/people)*float64(time.Second)))
	}
	r.told("hashes a second that a bare loop makes", 1/quantile(bare, 0.5).Seconds(), "/s")
	r.atMost("CPU of a sign-in in the portal's process, its one hash being in another", millis(quantile(costs, 0.5)), 3, "ms")
	r.atLeast("rate of sign-ins ÷ rate of a bare hash loop", quantile(ratios, 0.5).Seconds(), 0.90, "")
	return nil
}

// stall: a signed-in page while eight people sign in at once.
func (r *Run) stall(ctx context.Context) error {
	w, err := r.open(ctx, 1200)
	defer w.close()
	if err != nil {
		return err
	}
	page := Order{URL: w.url, Do: "get", Path: "/profile", Users: 1, For: 8 * time.Second, People: w.people[:1]}
	r.tell("a quiet portal …")
	quiet, err := r.load(ctx, page)
	if err != nil {
		return err
	}
	r.tell("eight people sign in at once, again and again …")
	busy, stop := context.WithCancel(ctx)
	var load sync.WaitGroup
	load.Go(func() {
		_, _ = r.load(busy, Order{URL: w.url, Do: "signin", Users: 8, People: w.people[2:]}) // it is stopped half-way
	})
	page.People = w.people[1:2]
	crowded, err := r.load(ctx, page)
	stop()
	load.Wait()
	if err != nil {
		return err
	}
	calm := millis(quantile(quiet.Times, 0.99))
	r.told("99th percentile of a quiet page", calm, "ms")
	r.atMost("99th percentile while eight sign in", millis(quantile(crowded.Times, 0.99)), max(3*calm, 15), "ms")
	r.told("median while eight sign in", millis(quantile(crowded.Times, 0.5)), "ms")
	return nil
}
