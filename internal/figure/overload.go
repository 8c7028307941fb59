package figure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A rush is what follows the end of a maintenance window: everybody has the page of
// the sign-in open and presses the button.
const (
	rushFor   = 15 * time.Second
	rushTimes = 10 // as many as the cores can hash
	pageEvery = 20 * time.Millisecond
)

// overload: ten times the sign-ins that the cores can hash, while somebody who is
// signed in goes on working.
func (r *Run) overload(ctx context.Context) error {
	permits := runtime.GOMAXPROCS(0)
	const counted = 240
	alone, err := r.load(ctx, Order{Do: "hash", Times: counted, Users: permits})
	if err != nil {
		return err
	}
	capacity := counted / alone.Took.Seconds()
	n := int(capacity*rushTimes*rushFor.Seconds()) + 1
	w, err := r.open(ctx, n+1+4*permits)
	defer w.close()
	if err != nil {
		return err
	}
	rest := w.people[n+1:]
	if _, err := r.load(ctx, Order{URL: w.url, Do: "signin", People: rest, Users: permits}); err != nil {
		return err // warms both up
	}
	r.tell("%d people press the button within %s …", n, rushFor)
	before, hashed := cpu(), w.portal.Pool.Hashes()
	memory := make(chan [2]float64, 1)
	go func() { memory <- watchMemory(rushFor) }()
	report, err := r.load(ctx, Order{URL: w.url, Do: "rush", People: w.people[:n+1], For: rushFor, Path: "/profile"})
	if err != nil {
		return err
	}
	held, used := <-memory, cpu()-before
	r.told("sign-ins a second that the hash alone allows", capacity, "/s")
	r.atLeast("sign-ins asked for ÷ what the hash allows", float64(len(report.Times)+report.Refused)/rushFor.Seconds()/capacity, 0.9*rushTimes, "")
	r.atLeast("sign-ins that came to their end ÷ what the hash allows", float64(len(report.Times))/report.Took.Seconds()/capacity, 0.90, "")
	r.atMost("99th percentile of these, from the button to the dashboard", quantile(report.Times, 0.99).Seconds(), 2, "s")
	r.atMost("99th percentile of a signed-in page meanwhile", millis(quantile(report.Other, 0.99)), 50, "ms")
	cores := report.Took.Seconds() * float64(permits)
	r.told("of the cores' time, taken by the load itself", report.CPU.Seconds()/cores, "")
	r.told("of the cores' time, taken by the portal's process beside hashing", used.Seconds()/cores, "")
	r.told("hashes made ÷ sign-ins that came to their end", float64(w.portal.Pool.Hashes()-hashed)/float64(len(report.Times)), "")
	r.told("refused by 503 with Retry-After", float64(report.Refused), "")
	r.atMost("answered otherwise, or not at all", float64(report.Failed), 0, "")
	r.atMost("memory at the end ÷ a third into the rush", held[1]/max(1, held[0]), 1.1, "")
	return nil
}

// watchMemory is what this process and the one that hashes held a third into a time, and at its end.
func watchMemory(span time.Duration) (held [2]float64) {
	for i, after := range []time.Duration{span / 3, span - span/3} {
		time.Sleep(after)
		held[i], _ = residentOf("self") // not on this system: the figure says so
	}
	return held
}

// rush lets people come at an even pace for a while, whatever became of those before,
// and meanwhile asks a page for the last of them, who is signed in.
func (o Order) rush() (report Report, err error) {
	last := len(o.People) - 1
	client, err := o.signIn(o.People[last])
	if err != nil {
		return Report{}, err
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	began := clk.Machine()
	all.Go(func() {
		for clk.Machine().Sub(began) < o.For {
			asked := clk.Machine()
			err := request(client, o.URL+o.Path, nil, http.StatusOK)
			mu.Lock()
			report.Other = append(report.Other, clk.Machine().Sub(asked))
			if err != nil {
				report.Failed++
			}
			mu.Unlock()
			time.Sleep(pageEvery)
		}
	})
	for i, person := range o.People[:last] {
		due := o.For * time.Duration(i) / time.Duration(last)
		time.Sleep(due - clk.Machine().Sub(began))
		all.Go(func() {
			pressed := clk.Machine()
			err := o.press(person)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				report.Times = append(report.Times, clk.Machine().Sub(pressed))
			case errors.Is(err, errRefused):
				report.Refused++
			default:
				report.Failed++
			}
		})
	}
	all.Wait()
	return report, nil
}

var errRefused = errors.New("refused for now")

// press signs somebody in whose browser shows the page already.
func (o Order) press(p Person) error {
	form := url.Values{"email": {p.Email}, "password": {p.Password}}
	r, err := http.NewRequest(http.MethodPost, o.URL+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := browser()
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	if err := drained(answer); err != nil {
		return err
	}
	switch {
	case answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		return errRefused
	case answer.StatusCode != http.StatusSeeOther:
		return fmt.Errorf("POST /signin: %d", answer.StatusCode)
	}
	return o.finish(client, p)
}
