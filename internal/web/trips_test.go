package web

import (
	"context"
	"encoding/base32"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// Bounds of design.md: round trips to the database of one request, its gate included.
const (
	readTrips  = 3
	writeTrips = 10
)

// beyond are the acts that cost more, each once in a while for one person, with
// the reason why they are not merged into fewer statements.
var beyond = map[string]int64{
	"POST /signin":           11, // the right password of a MailOTP account: counted, a session, a code and its letter
	"POST /password/forgot":  11, // two allowances, the owner's record and a letter; the same for everybody
	"POST /profile/password": 14, // two questions of how often, ends other sessions and resets, renews this one, tells the owner
	"GET /profile/totp":      8,  // makes the new secret, once
	"POST /profile/totp":     22, // proves, enrolls, ends reminders, sessions and passes, tells the owner: once a phone
	"GET /setup/totp":        8,
	"POST /setup/totp":       20,
	// Once a reset: who is able, the answer, the record, a letter to the owner and each other Portal Admin.
	"POST /accounts/{id}/reset": 11,
	// Two transactions: who it is, counted before the hash, and then the session with its set-up and the record.
	"POST /start/{token}": 17,
	// Once a change of address: how often, whether anybody has it, the older one replaced, the record, a letter to each mailbox.
	"POST /profile/address":       15,
	"POST /accounts/{id}/address": 17, // besides, who the other Portal Admins are, and a letter to each
	// The address moves, once: the claim, its end of grace, four kinds of what was mailed to the old one, sessions, the record, two letters.
	"POST /address/{token}": 22,
	// A correction: besides, who else is able and who signed in since; a letter to each Portal Admin.
	"GET /operator/addresses/{organization}/{id}":  4,
	"POST /operator/addresses/{organization}/{id}": 18,
	// Once a person: its address, its account, its record; the guide with its own record and letter.
	"POST /accounts/new": 15,
	// Reminders, sessions and what he gave end; it is noted, recorded and told.
	"POST /accounts/{id}/suspend": 12,
	// What slows down single networks is looked for before the transaction.
	"POST /accounts/{id}/unlock": 12,
	// Once a person: each room removes what it keeps of him.
	"POST /accounts/{id}/delete": 30,
	// Whether anything waits to be added up, the rollout, all of them, each organization's Portal Admins, everybody.
	"GET /operator/rollouts/{id}/forecast": 6,
	// Once a change: all rollouts, the new dates with their version, the record, a letter to each other operator.
	"POST /operator/rollouts/{id}/change": 12,
	// Once an organization: is the name free, and the address; the organization, its first Portal Admin, the guide, three records, a letter.
	"POST /operator/organizations/new": 28,
	// Once a Portal Admin where none is able: the same without the organization, a letter to each other one.
	"POST /operator/organizations/{id}/admins/new":             20,
	"POST /operator/organizations/{id}/admins/{account}/guide": 12, // who it is and how he stands, the guide, its record, the letter
	"POST /operator/organizations/{id}/suspend":                13, // sessions, reminders, the record, a letter to each Portal Admin
	"POST /operator/organizations/{id}/return":                 11,
	"POST /operator/organizations/{id}/name":                   12,
	// Once a question: how often, of the network and the address, the ticket with all of its own, the record and one letter; the same for everybody.
	"POST /contact": 22,
	// Once a ticket: how often, its number, its row, thread, search and readers, the record and its letters.
	"POST /tickets/new": 22,
	// Once a contribution: what was seen, its entry, state, search, when it is due, the record and its letters.
	"POST /tickets/{id}":          20,
	"POST /operator/tickets/{id}": 20,
	// The ticket with its people, its thread, and the templates of answers.
	"GET /operator/tickets/{id}": 4,
	// Once a window: what stands beside it and falls into it, its list, the record, a letter to each other operator.
	"POST /operator/windows/new": 20,
	// Once a network: the record, a letter to each Portal Admin.
	"POST /networks/new": 12,
	// Once in a while for one person: his networks, where Portal Admins were seen, the record, a letter.
	"POST /networks/check": 11,
	// The warning: whom it concerns, the networks, where Portal Admins were seen.
	"GET /networks/check": 4,
	// Once where nobody gets in: the counts, the networks, who was seen where, who is able.
	"GET /operator/networks/{organization}": 5,
}

var codeLine = regexp.MustCompile(`(?m)^\s*(\d{4} \d{4})\s*$`)

const typed = "lantern over harbor"

// walker walks through the portal and writes down what each request cost.
type walker struct {
	counted sync.Mutex
	storetest.World
	t       *testing.T
	portal  *Portal
	server  *httptest.Server
	client  *http.Client
	trips   int64
	hashes  uint64
	body    string
	header  http.Header
	key     []byte
	mailbox *[]mail.Message
	lines   strings.Builder
}

type catcher struct{ mails *[]mail.Message }

func (c catcher) Send(_ context.Context, m mail.Message) error {
	*c.mails = append(*c.mails, m)
	return nil
}

func walk(t *testing.T, w storetest.World) *walker {
	t.Helper()
	mails := []mail.Message{}
	if _, err := clock.Start(t.Context(), w.DB, w.Clock, "test"); err != nil {
		t.Fatal(err)
	}
	p := portal(t, w, false)
	p.Post = mail.NewPost(w.DB, w.Keys, w.Clock, catcher{&mails}, "portal@example.com", p.Log)
	k := &walker{World: w, t: t, portal: p, key: totp.NewSecret(), mailbox: &mails}
	handler := p.Handler()
	k.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, trips := store.Counting(r.Context())
		handler.ServeHTTP(rw, r.WithContext(ctx))
		k.counted.Lock() // a test may ask for several pages at once
		defer k.counted.Unlock()
		k.trips = trips.N()
	}))
	t.Cleanup(k.server.Close)
	k.browser()
	return k
}

// browser begins with no cookies.
func (k *walker) browser() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	k.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (k *walker) people() {
	k.t.Helper()
	hash, err := k.portal.Pool.Hash(context.Background(), typed)
	if err != nil {
		k.t.Fatal(err)
	}
	at := k.Clock.Now()
	k.Clock.Set(at.AddDate(0, -1, 0))
	k.Clock.Accept()
	err = k.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, "Aozora")
		if err != nil {
			return err
		}
		if _, err := rollout.Save(ctx, tx, rollout.Plan{Opens: at.AddDate(0, 0, -7), Ends: at.AddDate(0, 1, 0)}, "test"); err != nil {
			return err
		}
		for _, name := range []string{"app", "mailed", "grace"} {
			a, err := account.Add(ctx, tx, k.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: name + "@aozora.example",
				Name: name, Phone: "0312345678", Authority: account.PortalAdmin, Language: "en", Zone: "Asia/Tokyo"}, "test")
			if err != nil {
				return err
			}
			if err := password.Set(ctx, tx, a.Ref, hash, password.Changed); err != nil {
				return err
			}
			switch name {
			case "app":
				err = totp.Enroll(ctx, tx, k.Keys, a.Ref, k.key, 0, 0)
			case "mailed":
				if err = account.Assign(ctx, tx, a.Ref, account.MailOTP, "test"); err == nil {
					_, err = mailotp.Enroll(ctx, tx, a.Ref)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	k.Clock.Set(at)
}

func (k *walker) code() string { return totp.Code(k.key, totp.Step(k.Clock.Now())) }

func (k *walker) mailed() string {
	k.t.Helper()
	if err := k.portal.Post.Drain(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	for i := len(*k.mailbox) - 1; i >= 0; i-- {
		if found := codeLine.FindStringSubmatch((*k.mailbox)[i].Text); found != nil {
			return found[1]
		}
	}
	k.t.Fatal("no code was mailed")
	return ""
}

// do makes one request and writes down its line. what is empty for a request that
// only leads to another.
func (k *walker) do(what, method, path string, status int, fields ...string) {
	k.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequest(method, k.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		k.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	before := k.portal.Pool.Hashes()
	answer, err := k.client.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	k.hashes = k.portal.Pool.Hashes() - before
	k.body, k.header = html.UnescapeString(string(body)), answer.Header
	if answer.StatusCode != status {
		k.t.Fatalf("%s %s (%s): %d, wanted %d", method, path, what, answer.StatusCode, status)
	}
	if what == "" {
		return
	}
	bound := int64(readTrips)
	if method == http.MethodPost {
		bound = writeTrips
	}
	if more, ok := beyond[method+" "+path]; ok {
		bound = more
	}
	if k.trips > bound {
		k.t.Errorf("%s %s (%s): %d round trips, at most %d", method, path, what, k.trips, bound)
	}
	fmt.Fprintf(&k.lines, "%-4s %-18s %3d trips %d Argon2  %s\n", method, path, k.trips, k.hashes, what)
}

func (k *walker) later(d time.Duration) { k.Clock.Set(k.Clock.Now().Add(d)) }

// setupKey is the key on the page shown.
func (k *walker) setupKey() []byte {
	k.t.Helper()
	found := regexp.MustCompile(`secret=([A-Z2-7]+)`).FindStringSubmatch(k.body)
	if found == nil {
		k.t.Fatal("there is no key on the page")
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(found[1])
	if err != nil {
		k.t.Fatal(err)
	}
	return key
}

func TestRoundTripsAndHashesOfEachPageAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.portal.gate.Memory = nil      // what each costs that is not remembered
		k.do("", "GET", "/signin", 200) // the first request of a node reads what was planned
		k.strangers()
		k.byApp()
		k.byMail()
		k.settingUp()
		k.starting()
		k.operating()
		k.caretaking()
		k.registering()
		k.importing()
		k.browser()
		k.do("an address nobody has", "POST", "/contact", 303, "email", "nobody@aozora.example", "name", "x", "summary", "x", "detail", "x")
		k.do("an account's address", "POST", "/contact", 303, "email", "app@aozora.example", "name", "x", "summary", "x", "detail", "x")
		// On PostgreSQL much of what is written goes along with what is asked (store.Tx.Later).
		name := "trips.sqlite.golden"
		if w.DB.Engine() == store.PostgreSQL {
			name = "trips.postgresql.golden"
		}
		golden(t, name, k.lines.String())
	})
}

// post sends a form to a page whose address differs with each run.
func (k *walker) post(what, path, pattern string, status int, fields ...string) {
	k.t.Helper()
	k.do("", "POST", path, status, fields...)
	k.bounded(what, "POST", pattern, writeTrips)
}

// bounded writes down what a request to a page of this pattern cost.
func (k *walker) bounded(what, method, pattern string, bound int64) {
	k.t.Helper()
	if more, ok := beyond[method+" "+pattern]; ok {
		bound = more
	}
	if k.trips > bound {
		k.t.Errorf("%s %s (%s): %d round trips, at most %d", method, pattern, what, k.trips, bound)
	}
	fmt.Fprintf(&k.lines, "%-4s %-18s %3d trips %d Argon2  %s\n", method, pattern, k.trips, k.hashes, what)
}

// at opens a page whose address differs with each run, and writes its pattern down.
func (k *walker) at(what, path, pattern string) {
	k.t.Helper()
	k.do("", "GET", path, 200)
	k.bounded(what, "GET", pattern, readTrips)
}
