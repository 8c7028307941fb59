package figure

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Pair is one door tried twice: for somebody who is there, and for somebody who is
// not. Both answers have the same status, and lead to the same place.
type Pair struct {
	Path         string
	OtherPath    string // for who is not there; empty: the same
	Known, Other url.Values
	Status       int
	To           string // where the answer leads; empty: whatever
	Cookie       string // of whoever asks both; empty: nobody is signed in
}

// alike: each door for somebody who is there and for somebody who is not, in turn.
func (r *Run) alike(ctx context.Context) error {
	w, err := r.open(ctx, r.Pairs)
	defer w.close()
	if err != nil {
		return err
	}
	for _, d := range doors {
		pairs, err := d.pairs(ctx, w)
		if err != nil {
			return err
		}
		r.tell("%s, %d pairs …", d.name, len(pairs))
		report, err := r.load(ctx, Order{URL: w.url, Do: "guess", Pairs: pairs})
		if err != nil {
			return err
		}
		there, nobody := millis(quantile(report.Times, 0.5)), millis(quantile(report.Other, 0.5))
		r.told(d.name+": median, "+d.there, there, "ms")
		r.told(d.name+": median, "+d.nobody, nobody, "ms")
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
			path, form := pair.Path, pair.Known
			if !known {
				form = pair.Other
				if pair.OtherPath != "" {
					path = pair.OtherPath
				}
			}
			r, err := http.NewRequest(http.MethodPost, address+path, strings.NewReader(form.Encode()))
			if err != nil {
				return nil, nil, err
			}
			n := 2*i + j
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.%d.%d.%d", 18+n/62500%2, n/250%250, 1+n%250))
			if pair.Cookie != "" {
				r.AddCookie(&http.Cookie{Name: "nidan", Value: pair.Cookie})
			}
			began := clk.Machine()
			if err := guess(client, r, pair); err != nil {
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

// guess sends one, and refuses an answer that is not the pair's: two that failed alike
// would be called alike.
func guess(client *http.Client, r *http.Request, pair Pair) error {
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if to := answer.Header.Get("Location"); answer.StatusCode != pair.Status || pair.To != "" && to != pair.To {
		return fmt.Errorf("%s %s: %d on to %q, wanted %d %q", r.Method, r.URL.Path, answer.StatusCode, to, pair.Status, pair.To)
	}
	return nil
}
