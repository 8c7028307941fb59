package failovertest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
	"nidan/internal/web"
)

const typed = "lantern over harbor"

// cheap hashes: nothing here is about what they cost.
var cheap = password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

type nowhere struct{}

func (nowhere) Send(context.Context, mail.Message) error { return nil }

// node is one portal on the pair, as `serve` makes it.
type node struct {
	db     *store.DB
	clock  *clock.Clock
	portal *web.Portal
	server *httptest.Server
	url    string
}

// open serves a node. patience is what a request waits for a database that says nothing.
func open(t *testing.T, source, name string, patience time.Duration, settings ...string) *node {
	t.Helper()
	n := &node{clock: clock.New()}
	var err error
	if n.db, err = store.Open(t.Context(), source, n.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.db.Close() })
	if _, err := n.db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := clock.Start(t.Context(), n.db, n.clock, name); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("", settings)
	if err != nil {
		t.Fatal(err)
	}
	n.portal, err = web.New(web.Needs{Config: c, DB: n.db, Keys: storetest.Keys(t), Clock: n.clock, Log: slog.New(slog.DiscardHandler),
		Sender: nowhere{}, HashCost: cheap, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.portal.Pool.Close)
	n.server = httptest.NewServer(n.portal.Handler())
	t.Cleanup(n.server.Close)
	n.url = n.server.URL
	return n
}

// work does what a node does beside requests, until the test ends.
func (n *node) work(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { n.portal.Background(ctx) })
	t.Cleanup(func() { stop(); all.Wait() })
}

// person signs in, at whatever node, in one browser.
type person struct {
	account.Ref
	email  string
	key    []byte
	client *http.Client
}

// people writes so many enrolled accounts.
func people(t *testing.T, n *node, count int) (all []*person) {
	t.Helper()
	hash, err := n.portal.Pool.Hash(t.Context(), typed)
	if err != nil {
		t.Fatal(err)
	}
	err = n.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		all = nil
		o, err := organization.Add(ctx, tx, "Aozora")
		if err != nil {
			return err
		}
		for i := range count {
			a, err := account.Add(ctx, tx, n.portal.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: fmt.Sprintf("p%d@aozora.example", i),
				Name: "P", Phone: "0312345678", Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "test")
			if err != nil {
				return err
			}
			p := &person{Ref: a.Ref, email: a.Email, key: totp.NewSecret()}
			if err := password.Set(ctx, tx, a.Ref, hash, password.Changed); err != nil {
				return err
			}
			if err := totp.Enroll(ctx, tx, n.portal.Keys, a.Ref, p.key, 0, 0); err != nil {
				return err
			}
			all = append(all, p.anew())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// anew is somebody in a browser that knows nothing.
func (p *person) anew() *person {
	jar, _ := cookiejar.New(nil) // without a list of public suffixes it cannot fail
	other := *p
	other.client = &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &other
}

// answer is what a person gets to see.
type answer struct {
	status         int
	location, body string
	again          string // Retry-After
}

// at asks a node: with a form it sends it.
func (p *person) at(n *node, path string, form ...string) (a answer, err error) {
	var response *http.Response
	if len(form) == 0 {
		response, err = p.client.Get(n.url + path)
	} else {
		values := url.Values{}
		for i := 0; i < len(form); i += 2 {
			values.Set(form[i], form[i+1])
		}
		// Cookies are the node's by host and not by port, as behind one proxy.
		response, err = p.client.PostForm(n.url+path, values)
	}
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Location"), string(body), response.Header.Get("Retry-After")}, err
}

func (p *person) password(n *node) (answer, error) {
	return p.at(n, "/signin", "email", p.email, "password", typed)
}

func (p *person) code(n *node, code string) (answer, error) {
	return p.at(n, "/signin/code", "code", code)
}

// accepted says that the sign-in went on.
func (a answer) accepted() bool { return a.status == http.StatusSeeOther && a.location == "/" }

// begun says that the password was right.
func (a answer) begun() bool { return a.status == http.StatusSeeOther && a.location == "/signin/code" }

// outage says that the portal said, as it should, that it cannot for now.
func (a answer) outage() bool { return a.status == http.StatusServiceUnavailable && a.again != "" }

// unsure says that nobody knows whether it was done.
func (a answer) unsure() bool {
	return a.outage() && strings.Contains(a.body, "may have been done or not")
}

func count(t *testing.T, n *node, text string, args ...any) (rows int) {
	t.Helper()
	if err := n.db.QueryRow(t.Context(), text, args...).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// must stops the test at another answer than the one wanted.
func must(t *testing.T, what string, a answer, err error, want func(answer) bool) {
	t.Helper()
	if err != nil || !want(a) {
		t.Fatalf("%s: %v, %d to %q, Retry-After %q\n%s", what, err, a.status, a.location, a.again, a.body)
	}
}
