package figure

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Pair is one door tried twice: for somebody who is there, and for somebody who is
// not. Both answers have the same status.
type Pair struct {
	Path         string
	Known, Other url.Values
	Status       int
}

// wrong is a password that nobody has.
const wrong = "not the password"

// door is a place at which it must not be told who is there.
type door struct {
	name string
	pair func(i int, p Person) Pair
}

// doors are those that the bench compares, each with as many pairs.
var doors = []door{
	{"sign-in, wrong password", func(i int, p Person) Pair {
		return Pair{Path: "/signin", Status: http.StatusUnprocessableEntity,
			Known: url.Values{"email": {p.Email}, "password": {wrong}},
			Other: url.Values{"email": {stranger(i)}, "password": {wrong}}}
	}},
	{"forgotten password", func(i int, p Person) Pair {
		return Pair{Path: "/password/forgot", Status: http.StatusSeeOther,
			Known: url.Values{"email": {p.Email}, "name": {named}, "phone": {phone}},
			Other: url.Values{"email": {stranger(i)}, "name": {named}, "phone": {phone}}}
	}},
}

func stranger(i int) string { return fmt.Sprintf("nobody%d@bench.example", i) }

// alike: each door for somebody who is there and for somebody who is not, in turn.
func (r *Run) alike(ctx context.Context) error {
	threads()
	w, err := r.open(ctx, r.Pairs)
	defer w.close()
	if err != nil {
		return err
	}
	for _, d := range doors {
		r.tell("%s, %d pairs …", d.name, r.Pairs)
		pairs := make([]Pair, len(w.people))
		for i, p := range w.people {
			pairs[i] = d.pair(i, p)
		}
		report, err := r.load(ctx, Order{URL: w.url, Do: "guess", Pairs: pairs})
		if err != nil {
			return err
		}
		there, nobody := millis(quantile(report.Times, 0.5)), millis(quantile(report.Other, 0.5))
		r.told(d.name+": median, somebody who is there", there, "ms")
		r.told(d.name+": median, nobody", nobody, "ms")
		r.atMost(d.name+": difference of the medians", max(there-nobody, nobody-there), max(2, 0.02*there), "ms")
	}
	return nil
}

// guesses tries each pair, now the one first and now the other, each time from an
// address of its own so that no counter slows them.
func guesses(address string, pairs []Pair) (there, nobody []time.Duration, err error) {
	client := browser()
	for i, pair := range pairs {
		for j := range 2 {
			known := (i+j)%2 == 0
			form := pair.Known
			if !known {
				form = pair.Other
			}
			r, err := http.NewRequest(http.MethodPost, address+pair.Path, strings.NewReader(form.Encode()))
			if err != nil {
				return nil, nil, err
			}
			n := 2*i + j
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.%d.%d.%d", 18+n/62500%2, n/250%250, 1+n%250))
			began := clk.Machine()
			if err := send(client, r, pair.Status); err != nil {
				return nil, nil, err
			}
			took := clk.Machine().Sub(began)
			if known {
				there = append(there, took)
			} else {
				nobody = append(nobody, took)
			}
		}
	}
	return there, nobody, nil
}
