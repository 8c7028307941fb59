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
	// Once a reset: who is able, the answer, the record, a letter to the owner and each other Portal Admin.
	"POST /accounts/{id}/reset": 11,
	// Two transactions: who it is, counted before the hash, and then the session with its set-up and the record.
	"POST /start/{token}": 17,
	// Once a change of address: how often, whether anybody has it, the older one replaced, the record, a letter to each mailbox.
	"POST /profile/address":       15,
	"POST /accounts/{id}/address": 15,
	// The address moves, once: the claim, its end of grace, four kinds of what was mailed to the old one, sessions, the record, two letters.
	"POST /address/{token}": 21,
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
	"POST /accounts/{id}/delete": 25,
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

// answering is a Portal Admin who answers a password that waits.
func (k *walker) answering() {
	k.t.Helper()
	k.do("", "POST", "/password/forgot", 303, "email", "mailed@aozora.example", "name", "mailed", "phone", "0312345678")
	if err := k.portal.Post.Drain(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	link := ""
	for _, m := range *k.mailbox {
		if found := regexp.MustCompile(`/password/reset/\S+`).FindString(m.Text); found != "" && m.To == "mailed@aozora.example" {
			link = found
		}
	}
	k.do("", "POST", link, 303, "password", "harbor under lantern", "password_again", "harbor under lantern")
	k.do("one waits", "GET", "/accounts/resets", 200)
	path := regexp.MustCompile(`/accounts/[0-9a-f-]{36}/reset`).FindString(k.body)
	k.at("one waits", path, "/accounts/{id}/reset")
	id := regexp.MustCompile(`name="reset" value="([^"]+)"`).FindStringSubmatch(k.body)
	k.post("nothing chosen", path, "/accounts/{id}/reset", 422, "reset", id[1])
	k.post("refused", path, "/accounts/{id}/reset", 303, "reset", id[1], "answer", "refuse")
}

// starting is the way of somebody new, up to the pages that settingUp goes through.
func (k *walker) starting() {
	k.browser()
	g := k.newcomer("starter")
	k.at("any link", g.path, "/start/{token}")
	k.post("another phone", g.path, "/start/{token}", 422, "email", g.Email, "name", g.Name, "phone", "1")
	k.post("identified", g.path, "/start/{token}", 200, g.who()...)
	k.post("password", g.path, "/start/{token}", 303, g.begins()...)
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
	k.governing()
	k.do("the organization's", "GET", "/history", 200)
	k.networks()
	k.do("two steps", "GET", "/profile/password", 200)
	k.do("own password", "POST", "/profile/password", 303, "password", "harbor under lantern", "password_again", "harbor under lantern")
	k.do("two steps", "GET", "/profile/address", 200)
	k.do("a free address", "POST", "/profile/address", 303, "email", "app.new@aozora.example")
	k.do("one that somebody has", "POST", "/profile/address", 303, "email", "mailed@aozora.example")
	k.do("one that waits", "GET", "/profile/address", 200)
	k.do("a change is open", "GET", "/profile", 200)
	k.do("a change is open", "GET", "/profile/address/withdraw", 200)
	k.do("withdrawn", "POST", "/profile/address/withdraw", 303)
	k.do("anybody's link", "GET", "/address/x", 404)
	k.do("anybody's link", "POST", "/address/x", 404)
	k.movingSomebody()
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
	k.answering()
	k.do("two steps", "POST", "/signout", 303)
}

// movingSomebody changes somebody else's address, to the end.
func (k *walker) movingSomebody() {
	k.t.Helper()
	ref := k.refOf("grace")
	k.at("somebody's", "/accounts/"+ref.ID+"/address", "/accounts/{id}/address")
	k.post("somebody's", "/accounts/"+ref.ID+"/address", "/accounts/{id}/address", 303, "email", "grace.new@aozora.example")
	if err := k.portal.Post.Drain(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	link := ""
	for _, m := range *k.mailbox {
		if found := addressLink.FindString(m.Text); found != "" && m.To == "grace.new@aozora.example" {
			link = found
		}
	}
	k.at("a link that works", link, "/address/{token}")
	k.post("the address moves", link, "/address/{token}", 303)
	k.at("used", link, "/address/{token}")
}

var addressLink = regexp.MustCompile(`/address/[A-Za-z0-9_-]{43}`)

// refOf is the account of a name.
func (k *walker) refOf(name string) (ref account.Ref) {
	k.t.Helper()
	err := k.DB.QueryRow(context.Background(), `select organization_id, id from account where name = $1`, name).Scan(&ref.Organization, &ref.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	return ref
}

// governing is a Portal Admin at work on somebody's account.
func (k *walker) governing() {
	k.do("those locked", "GET", "/accounts?show=locked", 200)
	k.do("form", "GET", "/accounts/new", 200)
	k.do("a person", "POST", "/accounts/new", 303, "name", "Nao New", "email", "nao@aozora.example", "phone", "0312345678",
		"language", "en", "authority", "general_user", "time_zone", "UTC", "method", "totp")
	var id string
	if err := k.DB.QueryRow(context.Background(), `select id from account where email_key = 'nao@aozora.example'`).Scan(&id); err != nil {
		k.t.Fatal(err)
	}
	place := "/accounts/" + id
	k.at("a person", place, "/accounts/{id}")
	k.at("form", place+"/edit", "/accounts/{id}/edit")
	k.at("what it means", place+"/suspend", "/accounts/{id}/suspend")
	k.at("what it means", place+"/unlock", "/accounts/{id}/unlock")
	k.at("what it means", place+"/delete", "/accounts/{id}/delete")
	k.post("form, changed meanwhile", place+"/edit", "/accounts/{id}/edit", 422, "name", "Nao Neu", "phone", "0312345678",
		"language", "en", "authority", "general_user", "time_zone", "UTC")
	k.post("a person", place+"/suspend", "/accounts/{id}/suspend", 303)
	k.post("a person", place+"/return", "/accounts/{id}/return", 303)
	k.post("a person", place+"/guide", "/accounts/{id}/guide", 303)
	k.post("a person", place+"/unlock", "/accounts/{id}/unlock", 303)
	k.post("MailOTP", place+"/method", "/accounts/{id}/method", 303, "method", "mailotp")
	k.post("a person", place+"/delete", "/accounts/{id}/delete", 303)
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
	k.do("passwords that wait", "GET", "/operator/resets", 200)
	k.do("corrections", "GET", "/operator/addresses", 200)
	correction := "/operator/addresses/" + k.refOf("grace").Organization + "/" + k.refOf("mailed").ID
	k.at("nothing asked", correction, "/operator/addresses/{organization}/{id}")
	k.post("asked for", correction, "/operator/addresses/{organization}/{id}", 303, "email", "corrected@aozora.example", "why", "mailbox closed", "ticket", "T-1")
	k.at("waits", correction, "/operator/addresses/{organization}/{id}")
	k.post("withdrawn", correction, "/operator/addresses/{organization}/{id}", 303, "act", "withdraw")
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
	fmt.Fprintf(&k.lines, "%-4s %-18s %3d trips %d Argon2  %s\n", method, pattern, k.trips, k.hashes, what)
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

// registering keeps the register of organizations.
func (k *walker) registering() {
	const all, one = "/operator/organizations", "/operator/organizations/{id}"
	k.do("the first page", "GET", all, 200)
	k.at("by name", all+"?q=aozora&show=unled", all)
	k.at("by address", all+"?q=app%40aozora.example", all)
	k.do("form", "GET", all+"/new", 200)
	k.do("with its first Portal Admin", "POST", all+"/new", 303, "organization", "Brennhof", "name", "Bruno", "email", "bruno@brennhof.example",
		"phone", "0312345678", "language", "en", "time_zone", "Europe/Berlin")
	var id, admin string
	if err := k.DB.QueryRow(context.Background(), "select organization_id, id from account where email_key = 'bruno@brennhof.example'").Scan(&id, &admin); err != nil {
		k.t.Fatal(err)
	}
	place := all + "/" + id
	k.at("one of them", place, one)
	k.at("form", place+"/admins/new", one+"/admins/new")
	k.post("another Portal Admin", place+"/admins/new", one+"/admins/new", 303, "name", "Berta", "email", "berta@brennhof.example",
		"phone", "0312345678", "language", "en", "time_zone", "Europe/Berlin")
	k.at("a starting guide", place+"/admins/"+admin+"/guide", one+"/admins/{account}/guide")
	k.post("a starting guide", place+"/admins/"+admin+"/guide", one+"/admins/{account}/guide", 303)
	k.at("form", place+"/name", one+"/name")
	k.post("two are told", place+"/name", one+"/name", 303, "organization", "Brennhof GmbH")
	k.at("what it means", place+"/suspend", one+"/suspend")
	k.post("two are told", place+"/suspend", one+"/suspend", 303)
	k.at("what it means", place+"/return", one+"/return")
	k.post("two are told", place+"/return", one+"/return", 303)
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
	k.do("one step", "POST", "/signin", 303, "email", "grace.new@aozora.example", "password", typed)
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
