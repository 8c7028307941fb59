package figure

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"nidan/internal/password"
	"nidan/internal/totp"
)

// Order is what a load process is told to do.
type Order struct {
	URL     string
	Do      string   // signin, get, guess, pages, rush, hash
	Path    string   // get
	Paths   []string // pages: so many requests of each, one after the other, signed in once
	Times   int      // pages: of each; hash: in all
	People  []Person
	Pairs   []Pair        // guess
	Users   int           // at once
	Patient bool          // who is told that too many sign in at once tries again
	For     time.Duration // get: how long
}

// Report is what it answers.
type Report struct {
	Took  time.Duration
	Times []time.Duration // of each sign-in, request or guess
	Other []time.Duration // guess: of those who are not there
	Pages map[string][]time.Duration

	CPU             time.Duration `json:"-"` // of the load process itself
	Refused, Failed int           // rush: answered 503 with Retry-After; answered otherwise
}

// load starts this program anew as the load and waits for its report.
func (r *Run) load(ctx context.Context, o Order) (report Report, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return Report{}, err
	}
	child := exec.CommandContext(ctx, r.Program, "bench", "load")
	child.Stdin, child.Stderr = bytes.NewReader(text), os.Stderr
	out, err := child.Output()
	if err != nil {
		return Report{}, fmt.Errorf("load process: %w", err)
	}
	report.CPU = child.ProcessState.UserTime() + child.ProcessState.SystemTime()
	return report, json.Unmarshal(out, &report)
}

// Load is the load process: an order on in, a report on out.
func Load(in io.Reader, out io.Writer) error {
	var o Order
	if err := json.NewDecoder(bufio.NewReader(in)).Decode(&o); err != nil {
		return err
	}
	report, err := o.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(report)
}

func (o Order) run() (report Report, err error) {
	began := clk.Machine()
	switch o.Do {
	case "signin":
		report.Times, err = o.signIns()
	case "get":
		report.Times, err = o.gets()
	case "pages":
		report.Pages, err = o.pages()
	case "rush":
		report, err = o.rush()
	case "hash": // what is fresh in memory costs as much again the first time
		if err = o.hash(4 * o.Users); err == nil {
			began = clk.Machine()
			err = o.hash(o.Times)
		}
	case "guess":
		report.Times, report.Other, err = guesses(o.URL, o.Pairs)
	}
	report.Took = clk.Machine().Sub(began)
	return report, err
}

// signIns lets everybody sign in once, so many at once.
func (o Order) signIns() ([]time.Duration, error) {
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	queue := make(chan Person)
	var all sync.WaitGroup
	for range o.Users {
		all.Go(func() {
			for person := range queue {
				began := clk.Machine()
				_, err := o.patiently(person)
				mu.Lock()
				times = append(times, clk.Machine().Sub(began))
				if err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for _, person := range o.People {
		queue <- person
	}
	close(queue)
	all.Wait()
	return times, failed
}

// hash is the bare loop that sign-ins are held against: the hash of one, and nothing else. It
// runs in a process of its own, so that it leaves nothing in the memory of the portal's.
func (o Order) hash(times int) error {
	pool := password.NewPool(password.Standard, o.Users, 512<<20)
	defer pool.Close()
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	for i := range o.Users {
		all.Go(func() {
			for range (times + i) / o.Users {
				if _, err := pool.Hash(context.Background(), typed); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return failed
}

// patience is how long somebody waits who is told that too many sign in at once.
const patience = 100 * time.Millisecond

// errFull is an answer of 503.
var errFull = errors.New("the portal is full")

// patiently signs in, if it is to be patient as often as it is told to come back.
func (o Order) patiently(p Person) (client *http.Client, err error) {
	for client, err = o.signIn(p); o.Patient && errors.Is(err, errFull); client, err = o.signIn(p) {
		time.Sleep(patience)
	}
	return client, err
}

// signIn opens all pages of a sign-in, as a browser would.
func (o Order) signIn(p Person) (*http.Client, error) {
	client := browser()
	door := "/signin"
	if p.Operator {
		door = "/operator/signin"
	}
	if err := request(client, o.URL+door, nil, http.StatusOK); err != nil {
		return nil, err
	}
	form := url.Values{"email": {p.Email}, "password": {p.Password}}
	if err := request(client, o.URL+door, form, http.StatusSeeOther); err != nil {
		return nil, err
	}
	return client, o.finish(client, p)
}

// finish is a sign-in from its second step on.
func (o Order) finish(client *http.Client, p Person) error {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(p.Key)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		path   string
		form   url.Values
		status int
	}{
		{"/signin/code", nil, 200},
		{"/signin/code", url.Values{"code": {""}}, 303},
		{"/", nil, 200},
	} {
		if step.form.Has("code") {
			step.form.Set("code", totp.Code(key, totp.Step(clk.Machine())))
		}
		if err := request(client, o.URL+step.path, step.form, step.status); err != nil {
			return err
		}
	}
	return nil
}

func browser() *http.Client {
	jar, _ := cookiejar.New(nil) // without a list of public suffixes it cannot fail
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

var transport = &http.Transport{MaxIdleConnsPerHost: 256}

func request(client *http.Client, address string, form url.Values, status int) error {
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return send(client, r, status)
}

func send(client *http.Client, r *http.Request, status int) error {
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	if err := drained(answer); err != nil {
		return err
	}
	if answer.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, errFull)
	}
	if answer.StatusCode != status {
		return fmt.Errorf("%s %s: %d, wanted %d", r.Method, r.URL.Path, answer.StatusCode, status)
	}
	return nil
}

// drained reads an answer to its end, so that its connection is used again.
func drained(answer *http.Response) error {
	defer answer.Body.Close()
	_, err := io.Copy(io.Discard, answer.Body)
	return err
}

// gets asks one page again and again, signed in where people are given.
func (o Order) gets() ([]time.Duration, error) {
	client, status := browser(), http.StatusNoContent
	if len(o.People) > 0 {
		var err error
		if client, err = o.patiently(o.People[0]); err != nil {
			return nil, err
		}
	}
	if !strings.HasPrefix(o.Path, "/bench/") {
		status = http.StatusOK
	}
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	var all sync.WaitGroup
	until := clk.Machine().Add(o.For)
	for range o.Users {
		all.Go(func() {
			var own []time.Duration
			for clk.Machine().Before(until) {
				began := clk.Machine()
				if err := request(client, o.URL+o.Path, nil, status); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				own = append(own, clk.Machine().Sub(began))
			}
			mu.Lock()
			times = append(times, own...)
			mu.Unlock()
		})
	}
	all.Wait()
	return times, failed
}

// pages asks each page so many times, after a few that nobody counts.
func (o Order) pages() (map[string][]time.Duration, error) {
	client, err := o.signIn(o.People[0])
	if err != nil {
		return nil, err
	}
	const first = 3
	times := map[string][]time.Duration{}
	for _, path := range o.Paths {
		for i := range first + o.Times {
			began := clk.Machine()
			if err := request(client, o.URL+path, nil, http.StatusOK); err != nil {
				return nil, err
			}
			if i >= first {
				times[path] = append(times[path], clk.Machine().Sub(began))
			}
		}
	}
	return times, nil
}
