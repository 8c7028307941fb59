package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// rolling is the load of a rolling upgrade: people who sign in, look and leave, at
// whichever nodes there are.
type rolling struct {
	t        *testing.T
	mu       sync.Mutex
	nodes    []*httptest.Server
	answered atomic.Int64
	bad      atomic.Int64
}

func (r *rolling) serve(nodes ...*httptest.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes = nodes
}

// ask goes to one node after the other; all of them are one portal to the browser.
func (r *rolling) ask(client *http.Client, n int, method, path string, form url.Values) int {
	r.mu.Lock()
	node := r.nodes[n%len(r.nodes)]
	r.mu.Unlock()
	request, err := http.NewRequest(method, node.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Error(err)
		return 0
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(request)
	if err != nil {
		r.t.Error(err)
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode >= 500 {
		r.bad.Add(1)
		r.t.Errorf("%s %s: %d", method, path, answer.StatusCode)
	}
	r.answered.Add(1)
	return answer.StatusCode
}

// person signs in by one step, looks around and signs out, again and again.
func (r *rolling) person(ctx context.Context, email string) {
	for n := 0; ctx.Err() == nil; {
		jar, err := cookiejar.New(nil)
		if err != nil {
			r.t.Error(err)
			return
		}
		client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		r.ask(client, n, "POST", "/signin", url.Values{"email": {email}, "password": {typed}})
		for _, path := range []string{"/", "/profile", "/sessions", "/tickets", "/announcement", "/accounts"} {
			n++
			r.ask(client, n, "GET", path, nil)
		}
		r.ask(client, n, "POST", "/signout", nil)
		n++
	}
}

// wait goes on until so many more were answered.
func (r *rolling) wait(more int64) {
	for until := r.answered.Load() + more; r.answered.Load() < until && r.bad.Load() == 0 && !r.t.Failed(); {
		time.Sleep(time.Millisecond)
	}
}

// The old program and the new one serve one database while each node is replaced.
func TestARollingUpgradeAnswersEverybody(t *testing.T) {
	w := storetest.Open(t, storetest.PostgreSQL(t))
	k := walk(t, w)
	k.people()
	steps, err := w.DB.Steps()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("-- serves-from: %d\n", len(steps))
	for _, table := range []string{"account", "session", "password", "audit", "allowance", "mail", "ticket", "clock"} {
		text += "alter table " + table + " add column shoe text not null default '';\ncreate index " + table + "_shoe on " + table + " (shoe);\n"
	}
	next, err := store.NewMigration(len(steps)+1, "later.sql", text+"create table shoe (id text primary key);\n")
	if err != nil {
		t.Fatal(err)
	}
	node := func(name string, with ...store.Migration) *httptest.Server {
		db := w.DB.Knowing(append(steps[:len(steps):len(steps)], with...))
		if empty, err := db.Schema(t.Context()); empty || err != nil {
			t.Fatalf("%s refuses: %v", name, err)
		}
		if _, err := clock.Start(t.Context(), db, w.Clock, name); err != nil {
			t.Fatal(err)
		}
		p := portal(t, storetest.World{DB: db, Clock: w.Clock, Keys: w.Keys}, false)
		server := httptest.NewServer(p.Handler())
		t.Cleanup(server.Close)
		return server
	}
	r := &rolling{t: t}
	old := []*httptest.Server{node("old 1"), node("old 2")}
	r.serve(old...)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { r.person(ctx, "grace@aozora.example") })
	}
	r.wait(60)
	if done, err := w.DB.Knowing(append(steps[:len(steps):len(steps)], next)).Migrate(t.Context()); err != nil || len(done) != 1 {
		t.Errorf("%v %v", done, err)
	}
	r.wait(60)
	first := node("new 1", next)
	r.serve(old[0], first)
	r.wait(60)
	if _, err := w.DB.Schema(t.Context()); err != nil {
		t.Errorf("an old node would not start again: %v", err)
	}
	r.serve(node("new 2", next), first)
	r.wait(60)
	stop()
	all.Wait()
	if r.answered.Load() < 240 {
		t.Errorf("only %d were answered", r.answered.Load())
	}
}

// A step that older programs cannot go on with takes their nodes out of the way.
func TestANodeWhoseProgramIsTooOldIsNotReady(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	steps, err := w.DB.Steps()
	if err != nil {
		t.Fatal(err)
	}
	old := portal(t, storetest.World{DB: w.DB.Knowing(steps), Clock: clock.New(), Keys: w.Keys}, false)
	for _, c := range []struct {
		text  string
		ready bool
	}{{fmt.Sprintf("-- serves-from: %d\ncreate table shoe (id text primary key);\n", len(steps)), true}, {"drop table shoe;\n", false}} {
		later, err := w.DB.Steps()
		if err != nil {
			t.Fatal(err)
		}
		next, err := store.NewMigration(len(later)+1, "later.sql", c.text)
		if err != nil {
			t.Fatal(err)
		}
		w.DB = w.DB.Knowing(append(later[:len(later):len(later)], next))
		if _, err := w.DB.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if why := old.unready(t.Context()); (why == "") != c.ready {
			t.Errorf("after %q: %q", c.text, why)
		}
	}
}
