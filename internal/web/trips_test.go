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
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/progress"
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
	// Whether anything waits to be added up, the rollout, all of them, each organization's Portal Admins, everybody.
	"GET /operator/rollouts/{id}/forecast": 6,
	// Once a change: all rollouts, the new dates with their version, the record, a letter to each other operator.
	"POST /operator/rollouts/{id}/change": 12,
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
	body    string
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
	k.body = html.UnescapeString(string(body))
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
	fmt.Fprintf(&k.lines, "%-4s %-18s %3d trips %d Argon2  %s\n", method, path, k.trips, k.portal.Pool.Hashes()-before, what)
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
		k.do("", "GET", "/signin", 200) // the first request of a node reads what was planned
		k.strangers()
		k.byApp()
		k.byMail()
		k.settingUp()
		k.operating()
		k.caretaking()
		golden(t, "trips.golden", k.lines.String())
	})
}

func (k *walker) strangers() {
	k.do("nobody is signed in", "GET", "/signin", 200)
	k.do("nobody is signed in", "GET", "/", 303)
	k.do("wrong password", "POST", "/signin", 422, "email", "app@aozora.example", "password", "wrong")
	k.do("an address nobody has", "POST", "/signin", 422, "email", "nobody@aozora.example", "password", "wrong")
	k.do("nobody is signed in", "GET", "/status", 200)
	k.do("nobody is signed in", "GET", "/contact", 200)
	k.do("nobody is signed in", "GET", "/password/forgot", 200)
	k.do("an address nobody has", "POST", "/password/forgot", 303, "email", "nobody@aozora.example", "name", "x", "phone", "1")
	k.do("all is right", "POST", "/password/forgot", 303, "email", "app@aozora.example", "name", "app", "phone", "0312345678")
}

func (k *walker) byApp() {
	k.do("code of an app comes next", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
	k.do("of an app", "GET", "/signin/code", 200)
	k.do("instead of a code", "GET", "/pass", 200)
	k.do("wrong, or none was given", "POST", "/pass", 422, "code", "AAAA-BBBB-CCCC")
	k.do("anybody's link", "GET", "/pass/x", 200)
	k.do("wrong", "POST", "/signin/code", 422, "code", "000000")
	k.do("", "POST", "/signin/code", 422, "code", "000000")
	k.do("wrong, the owner is told", "POST", "/signin/code", 422, "code", "000000")
	k.do("right", "POST", "/signin/code", 303, "code", k.code())
	k.do("two steps", "GET", "/", 200)
	k.do("two steps", "GET", "/profile", 200)
	k.do("two steps", "GET", "/sessions", 200)
	k.do("", "GET", "/progress", 200) // the first request of a node reads what was planned
	k.do("own organization", "GET", "/progress", 200)
	k.do("the organization's", "GET", "/accounts", 200)
	k.do("the organization's", "GET", "/history", 200)
	k.networks()
	k.do("two steps", "GET", "/profile/password", 200)
	k.do("own password", "POST", "/profile/password", 303, "password", "harbor under lantern", "password_again", "harbor under lantern")
	k.do("a new phone", "GET", "/profile/totp", 200)
	k.later(time.Minute)
	key := k.setupKey()
	k.do("a new phone", "POST", "/profile/totp", 303, "code", totp.Code(key, totp.Step(k.Clock.Now())))
	k.key = key
	k.later(16 * time.Minute)
	k.do("", "GET", "/", 200) // the last request is written down
	k.do("a fresh code", "GET", "/confirm", 200)
	k.do("a fresh code", "POST", "/confirm", 303, "code", k.code())
	k.do("end all others", "POST", "/sessions", 303, "act", "others")
	k.do("two steps", "POST", "/signout", 303)
}

// networks permits the one this walk is made from, and has it checked.
func (k *walker) networks() {
	k.do("the organization's", "GET", "/networks", 200)
	k.do("one more", "POST", "/networks/new", 303, "network", "127.0.0.0/8", "description", "here")
	k.do("the organization's", "GET", "/networks/accounts", 200)
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(k.body)
	if id == nil {
		k.t.Fatal("nobody is on the list")
	}
	k.at("one person", "/networks/check?check=on&id="+id[1], "/networks/check")
	k.post("one person, on", "/networks/check", "/networks/check", 303, "ids", id[1], "check", "on")
	k.post("one person, off", "/networks/check", "/networks/check", 303, "ids", id[1], "check", "off")
}

// organization is the id of one.
func (k *walker) organization(name string) string {
	k.t.Helper()
	o, err := organization.ByName(context.Background(), k.DB, name)
	if err != nil {
		k.t.Fatal(err)
	}
	return o.ID
}

// operating is the walk of an operator.
func (k *walker) operating() {
	k.browser()
	k.key = totp.NewSecret()
	hash, err := k.portal.Pool.Hash(context.Background(), typed)
	if err != nil {
		k.t.Fatal(err)
	}
	var plan rollout.Plan
	err = k.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: "olga@portal.example", Name: "Olga Berg", Language: "en", Zone: "UTC"}, "test")
		if err != nil {
			return err
		}
		if err := password.Set(ctx, tx, o.Ref(), hash, password.Changed); err != nil {
			return err
		}
		if err := totp.Enroll(ctx, tx, k.Keys, o.Ref(), k.key, 0, 0); err != nil {
			return err
		}
		book, err := rollout.ReadBook(ctx, tx)
		plan = book.Plans[0]
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	k.do("", "POST", "/operator/signin", 303, "email", "olga@portal.example", "password", typed)
	k.do("", "POST", "/signin/code", 303, "code", k.code())
	if err := k.portal.rollouts.Count(context.Background()); err != nil { // as it is done beside the requests
		k.t.Fatal(err)
	}
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/progress", "/operator/rollouts/{id}/progress")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/organizations", "/operator/rollouts/{id}/organizations")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/rehearsal", "/operator/rollouts/{id}/rehearsal")
	k.at("a rollout", "/operator/rollouts/"+plan.ID, "/operator/rollouts/{id}")
	if _, err := progress.Fold(context.Background(), k.DB); err != nil {
		k.t.Fatal(err)
	}
	k.at("whom the end locks out", "/operator/rollouts/"+plan.ID+"/forecast", "/operator/rollouts/{id}/forecast")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/extend", "/operator/rollouts/{id}/extend")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/reminders", "/operator/rollouts/{id}/reminders")
	k.do("all of them", "GET", "/operator/rollouts", 200)
	k.do("passes", "GET", "/operator/passes", 200)
	k.do("the outbox", "GET", "/operator/mail", 200)
	k.do("everything", "GET", "/operator/audit", 200)
	k.at("of a person in an organization", "/operator/audit?chain=Aozora&subject=app@aozora.example", "/operator/audit")
	k.at("a row", "/operator/audit/operators/1", "/operator/audit/{chain}/{seq}")
	k.do("a week", "GET", "/operator/audit/failures", 200)
	k.do("whose networks are checked", "GET", "/operator/networks", 200)
	k.at("an organization", "/operator/networks/"+k.organization("Aozora"), "/operator/networks/{organization}")
	ends := plan.Ends.AddDate(0, 0, 7)
	dates := []string{"version", "1", "zone", "UTC", "reminders", "7", "opens", plan.Opens.Format(time.RFC3339), "ends", ends.Format(time.RFC3339)}
	place := "/operator/rollouts/" + plan.ID
	k.post("what it would mean", place+"/change", "/operator/rollouts/{id}/change", 200, dates...)
	k.post("saved", place+"/change", "/operator/rollouts/{id}/change", 303, append(dates, "sure", "yes")...)
	k.post("one person", place+"/extend", "/operator/rollouts/{id}/extend", 200, "people", "later@aozora.example",
		"until", ends.AddDate(0, 0, 7).Format(time.RFC3339), "reason", "abroad")
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
	fmt.Fprintf(&k.lines, "%-4s %-18s %3d trips 0 Argon2  %s\n", method, pattern, k.trips, what)
}

// at opens a page whose address differs with each run, and writes its pattern down.
func (k *walker) at(what, path, pattern string) {
	k.t.Helper()
	k.do("", "GET", path, 200)
	k.bounded(what, "GET", pattern, readTrips)
}

// caretaking plans a window and takes it back, as an operator beside another.
func (k *walker) caretaking() {
	k.staff("caretaker@portal.example")
	k.browser()
	k.later(time.Minute)
	k.do("", "POST", "/operator/signin", 303, "email", "caretaker@portal.example", "password", typed)
	k.do("", "POST", "/signin/code", 303, "code", k.code())
	k.do("", "GET", "/", 200)
	opens, closes := k.Clock.Now().Add(time.Hour).Format(time.RFC3339), k.Clock.Now().Add(2*time.Hour).Format(time.RFC3339)
	k.do("form", "GET", "/operator/windows/new", 200)
	k.do("what will happen", "POST", "/operator/windows/new", 200, "opens", opens, "closes", closes)
	k.do("saved", "POST", "/operator/windows/new", 303, "opens", opens, "closes", closes, "sure", "yes")
	k.do("", "GET", "/", 200) // a node reads anew what was planned
	k.do("one ahead", "GET", "/operator/windows", 200)
}

func (k *walker) byMail() {
	k.browser()
	k.do("mailed code comes next", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
	k.do("mailed", "GET", "/signin/code", 200)
	k.do("a new code", "POST", "/signin/code", 303, "act", "send")
	k.do("wrong", "POST", "/signin/code", 422, "code", "00000000")
	k.do("right", "POST", "/signin/code", 303, "code", k.mailed())
}

func (k *walker) settingUp() {
	k.browser()
	k.do("one step", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed)
	k.do("one step", "GET", "/", 200)
	k.do("choice", "GET", "/setup/method", 200)
	k.do("choice", "POST", "/setup/method", 303, "method", "totp")
	k.do("address", "GET", "/setup", 200)
	k.do("address", "POST", "/setup", 303)
	k.do("mailbox", "GET", "/setup/mailbox", 200)
	k.do("mailbox", "POST", "/setup/mailbox", 303, "code", k.mailed())
	k.do("key", "GET", "/setup/totp", 200)
	key := k.setupKey()
	k.do("key, wrong", "POST", "/setup/totp", 422, "code", "000000")
	k.do("key, right", "POST", "/setup/totp", 303, "code", totp.Code(key, totp.Step(k.Clock.Now())))
	k.do("done", "GET", "/setup/done", 200)
}
