package figure

import (
	"context"
	"sync"
	"time"
)

// Numbers of the gate's bench.
const (
	gateRounds  = 5
	gateUsers   = 4
	gateFor     = 2 * time.Second
	gateSigning = 64
	gateBusyFor = 8 * time.Second
	// gateBusy is more than can sign in meanwhile: each of them does once.
	gateBusy = 1500
)

// gate: what the gate costs a request that renders nothing, by memory and asked of the
// database each time; and by memory while many people sign in.
func (r *Run) gate(ctx context.Context) error {
	w, err := r.open(ctx, 20+gateBusy)
	defer w.close()
	if err != nil {
		return err
	}
	rates := map[string][]time.Duration{} // requests a second, as a duration for its median
	var calm []time.Duration
	for round := range gateRounds {
		r.tell("round %d of %d …", round+1, gateRounds)
		for i, path := range []string{"/bench/empty", "/bench/gate", "/bench/cold"} {
			order := Order{URL: w.url, Do: "get", Path: path, Users: gateUsers, For: gateFor}
			if path != "/bench/empty" { // each signs in once: a code is good for no more
				who := 2*round + i - 1
				order.People = w.people[who : who+1]
			}
			report, err := r.load(ctx, order)
			if err != nil {
				return err
			}
			rates[path] = append(rates[path], rateOf(report, gateFor))
			if path == "/bench/gate" {
				calm = append(calm, quantile(report.Times, 0.99))
			}
		}
	}
	if err := r.counted(ctx, w); err != nil {
		return err
	}
	empty := quantile(rates["/bench/empty"], 0.5).Seconds()
	by := func(path string) float64 { return quantile(rates[path], 0.5).Seconds() / empty }
	r.told("requests a second, empty handler", empty, "/s")
	r.told("requests a second, behind the gate, session remembered", by("/bench/gate")*empty, "/s")
	r.atLeast("behind the gate, remembered ÷ empty handler", by("/bench/gate"), 0.65, "")
	cold := 0.40 // what SQLite holds
	if r.Database != "" {
		cold = 0.25
	}
	r.atLeast("behind the gate, asked of the database ÷ empty handler", by("/bench/cold"), cold, "")
	return r.crowded(ctx, w, empty, quantile(calm, 0.5))
}

func rateOf(report Report, span time.Duration) time.Duration {
	return time.Duration(float64(len(report.Times)) / span.Seconds() * float64(time.Second))
}

// counted holds what one request behind the gate asks and writes.
func (r *Run) counted(ctx context.Context, w *world) error {
	_, err := r.load(ctx, Order{URL: w.url, Do: "get", Path: "/bench/counted", Users: 1, For: time.Second, People: w.people[10:11]})
	if err != nil {
		return err
	}
	written, err := seenAgain(ctx, w.db)
	if err != nil {
		return err
	}
	r.atMost("round trips of a request behind the gate", float64(w.trips.Load())/float64(max(1, w.gated.Load())), 0.05, "")
	r.atMost("sessions written by a mere check", float64(written), 0, "")
	return nil
}

// crowded: the same while 64 clients sign in, again and again.
func (r *Run) crowded(ctx context.Context, w *world, empty float64, calm time.Duration) error {
	r.tell("%d clients sign in at once …", gateSigning)
	busy, stop := context.WithCancel(ctx)
	defer stop()
	var load sync.WaitGroup
	hashes := w.portal.Pool.Hashes()
	load.Go(func() {
		_, _ = r.load(busy, Order{URL: w.url, Do: "signin", Users: gateSigning, Patient: true, People: w.people[20:]}) // it is stopped half-way
	})
	report, err := r.load(ctx, Order{URL: w.url, Do: "get", Path: "/bench/gate", Users: gateUsers, For: gateBusyFor, Patient: true, People: w.people[11:12]})
	hashes = w.portal.Pool.Hashes() - hashes
	if err != nil {
		return err
	}
	beside, err := r.load(ctx, Order{URL: w.url, Do: "get", Path: "/bench/empty", Users: gateUsers, For: gateBusyFor / 2})
	stop()
	load.Wait()
	if err != nil {
		return err
	}
	r.told("passwords hashed meanwhile", float64(hashes), "")
	r.told("99th percentile of a request behind the gate, quiet", millis(calm), "ms")
	r.atMost("99th percentile while 64 clients sign in", millis(quantile(report.Times, 0.99)), 3*millis(calm), "ms")
	rate, emptyToo := rateOf(report, gateBusyFor).Seconds(), rateOf(beside, gateBusyFor/2).Seconds()
	r.told("behind the gate ÷ empty handler, both while 64 clients sign in", rate/emptyToo, "")
	r.atLeast("behind the gate while 64 clients sign in ÷ quiet empty handler", rate/empty, 0.45, "")
	r.told("empty handler while 64 clients sign in ÷ quiet empty handler", emptyToo/empty, "")
	return nil
}
