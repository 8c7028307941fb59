package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/route"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

var (
	tableMade = regexp.MustCompile(`(?m)^create table (\w+)`)
	hole      = regexp.MustCompile(`\{[^}]*\}`)
)

// everything is every row of every table.
func (k *walker) everything() map[string]string {
	k.t.Helper()
	files, err := filepath.Glob("../store/migrations/*.sql")
	if err != nil || len(files) == 0 {
		k.t.Fatal(files, err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			k.t.Fatal(err)
		}
		for _, found := range tableMade.FindAllStringSubmatch(string(text), -1) {
			all[found[1]] = k.rows(found[1])
		}
	}
	return all
}

func (k *walker) rows(table string) string {
	k.t.Helper()
	rows, err := k.DB.Query(context.Background(), `select * from `+table)
	if err != nil {
		k.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		k.t.Fatal(err)
	}
	var list []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			k.t.Fatal(err)
		}
		for i := range values {
			values[i] = *values[i].(*any)
		}
		list = append(list, fmt.Sprint(values...))
	}
	if err := rows.Err(); err != nil {
		k.t.Fatal(err)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// same says which tables are not as they were.
func (k *walker) same(when string, before map[string]string) {
	k.t.Helper()
	if len(before) < 30 {
		k.t.Fatalf("only %d tables are looked at", len(before))
	}
	after := k.everything()
	for _, table := range slices.Sorted(maps.Keys(before)) {
		if before[table] != after[table] {
			k.t.Errorf("%s: the table %s was changed from\n%.500s\nto\n%.500s", when, table, before[table], after[table])
		}
	}
}

// staff adds an operator who has an authenticator app.
func (k *walker) staff(email string) (id string) {
	k.t.Helper()
	hash, err := k.portal.Pool.Hash(context.Background(), typed)
	if err != nil {
		k.t.Fatal(err)
	}
	err = k.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: email, Name: email, Language: "en", Zone: "UTC"}, "test")
		if err != nil {
			return err
		}
		id = o.ID
		if err := password.Set(ctx, tx, o.Ref(), hash, password.Changed); err != nil {
			return err
		}
		return totp.Enroll(ctx, tx, k.Keys, o.Ref(), k.key, 0, 0)
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return id
}

// window plans one, from and to the given time from now.
func (k *walker) window(from, to time.Duration, operators ...string) (w maintenance.Window) {
	k.t.Helper()
	err := k.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		w, err = maintenance.Plan(ctx, tx, tx.Now().Add(from), tx.Now().Add(to), "test", operators...)
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return w
}

// visitors are browsers of everybody who could be at a door, as a window opens.
func (k *walker) visitors() map[string]*http.Client {
	k.t.Helper()
	visitors := map[string]*http.Client{}
	come := func(who string, steps func()) {
		k.browser()
		steps()
		visitors[who] = k.client
	}
	come("a stranger", func() {})
	come("one step", func() { k.do("", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed) })
	come("before the mailed code", func() { k.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed) })
	come("two steps", func() {
		k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
		k.do("", "POST", "/signin/code", 303, "code", k.code())
	})
	come("before the app's code", func() {
		k.later(time.Minute)
		k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
	})
	come("an operator not on the list", func() {
		k.do("", "POST", "/operator/signin", 303, "email", "unlisted@portal.example", "password", typed)
		k.do("", "POST", "/signin/code", 303, "code", k.code())
	})
	return visitors
}

// answer sends one request as it is.
func (k *walker) answer(client *http.Client, method, path string) (status int, header http.Header, body string) {
	k.t.Helper()
	k.client = client
	r, err := http.NewRequest(method, k.server.URL+path, strings.NewReader("act=send&session=x&method=totp&email=grace@aozora.example&password="+strings.ReplaceAll(typed, " ", "+")+"&sure=yes&code="+k.code()))
	if err != nil {
		k.t.Fatal(err)
	}
	if method != http.MethodPost {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := k.client.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer answer.Body.Close()
	text := make([]byte, 1<<20)
	n := 0
	for {
		more, err := answer.Body.Read(text[n:])
		n += more
		if err != nil || n == len(text) {
			break
		}
	}
	return answer.StatusCode, answer.Header, string(text[:n])
}

func TestInAWindowEveryDoorIsClosedAndNothingIsDone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.staff("unlisted@portal.example")
		listed := k.staff("listed@portal.example")
		visitors := k.visitors()
		one := k.window(10*time.Second, time.Hour, listed)
		k.later(30 * time.Second)
		left := strconv.Itoa(int(one.Closes.Sub(k.Clock.Now()) / time.Second))
		// In the house zone and in UTC, as every page says an end.
		until := k.portal.Site.Speaker("en", nil).End(one.Closes)
		if !strings.Contains(until, " JST (") || !strings.Contains(until, " UTC)") {
			t.Fatal(until)
		}
		doors := map[string]bool{}
		for _, rt := range k.portal.Routes() {
			if !rt.Gate.InWindow {
				method, path, _ := strings.Cut(rt.Pattern, " ")
				doors[method+" "+hole.ReplaceAllString(strings.ReplaceAll(path, "{$}", ""), "x")] = true
			}
		}
		for _, unknown := range []string{"/nothing", "/a/b/c", "/.git/config", "/operator", "/operator/nothing", "/signin/", "/demo/clock"} {
			doors["GET "+unknown], doors["POST "+unknown] = true, true
		}
		for door := range maps.Clone(doors) {
			if path, get := strings.CutPrefix(door, "GET "); get {
				doors["HEAD "+path] = true
			}
		}
		if len(doors) < 80 {
			t.Errorf("only %d doors were tried", len(doors))
		}
		before := k.everything()
		for who, client := range visitors {
			for _, door := range slices.Sorted(maps.Keys(doors)) {
				method, path, _ := strings.Cut(door, " ")
				status, header, body := k.answer(client, method, path)
				if status != http.StatusServiceUnavailable || header.Get("Retry-After") != left || header.Get("Set-Cookie") != "" {
					t.Errorf("%s: %s answers %d, Retry-After %q, Set-Cookie %q", who, door, status, header.Get("Retry-After"), header.Get("Set-Cookie"))
				}
				if told := strings.Contains(body, until) && strings.Contains(body, `href="/status"`); told != (method != http.MethodHead) {
					t.Errorf("%s: %s says when it opens again: %t", who, door, told)
				}
			}
		}
		k.same("in the window", before)
	})
}

func TestInAWindowWhatEverybodyMayReadStaysOpen(t *testing.T) {
	t.Parallel()
	k := walk(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	k.people()
	visitors := k.visitorsOfNoOperator()
	k.window(time.Second, time.Hour)
	k.later(2 * time.Second)
	tried := 0
	for _, rt := range portal(t, k.World, true).Routes() {
		path, get := strings.CutPrefix(rt.Pattern, "GET ")
		if !rt.Gate.InWindow || rt.Gate.Who != route.Everybody || !get || strings.HasPrefix(path, "/demo") {
			continue
		}
		tried++
		for who, client := range visitors {
			status, _, _ := k.answer(client, "GET", hole.ReplaceAllString(path, "x"))
			if status != 200 && status != 404 && path != "/operator/signin" && path != "/readyz" {
				t.Errorf("%s: %s answers %d", who, rt.Pattern, status)
			}
		}
	}
	if tried < 6 {
		t.Errorf("only %d pages are open in a window", tried)
	}
	for _, path := range []string{"/status", "/contact", "/operator/signin", "/healthz"} {
		if status, _, _ := k.answer(visitors["a stranger"], "GET", path); status != 200 {
			t.Errorf("%s answers %d", path, status)
		}
	}
}

// visitorsOfNoOperator are a stranger and somebody signed in.
func (k *walker) visitorsOfNoOperator() map[string]*http.Client {
	k.t.Helper()
	k.browser()
	visitors := map[string]*http.Client{"a stranger": k.client}
	k.browser()
	k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
	k.do("", "POST", "/signin/code", 303, "code", k.code())
	visitors["two steps"] = k.client
	return visitors
}

func TestACodeTypedInAWindowWorksAfterIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.browser()
		k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
		byApp := k.client
		k.browser()
		k.do("", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed)
		k.do("", "POST", "/setup/method", 303, "method", "totp")
		k.do("", "POST", "/setup", 303)
		setUp, proof := k.client, k.mailed()
		k.browser()
		k.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
		byMail := k.client
		mailed := k.mailed()
		k.window(5*time.Second, 20*time.Second)
		k.later(10 * time.Second)
		before, code := k.everything(), k.code()
		for client, right := range map[*http.Client]string{byApp: code, byMail: mailed, setUp: proof} {
			k.client = client
			for range 6 { // more often than wrong codes may be tried
				path := "/signin/code"
				if client == setUp {
					path = "/setup/mailbox"
				}
				k.do("", "POST", path, 503, "code", right)
				k.do("", "POST", path, 503, "code", "000000")
				k.do("", "POST", path, 503, "act", "send")
			}
		}
		k.browser()
		for range 12 {
			k.do("", "POST", "/signin", 503, "email", "app@aozora.example", "password", "wrong")
		}
		k.same("in the window", before)
		k.later(10 * time.Second)
		k.client = byApp
		k.do("", "POST", "/signin/code", 303, "code", code)
		k.client = byMail
		k.do("", "POST", "/signin/code", 303, "code", mailed)
		k.client = setUp
		k.do("", "POST", "/setup/mailbox", 303, "code", proof)
	})
}

func TestAnOperatorOnTheListEntersInAWindowAndLiftsIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.staff("unlisted@portal.example")
		listed := k.staff("listed@portal.example")
		one := k.window(time.Second, time.Hour, listed)
		k.later(time.Minute)
		k.browser()
		k.do("", "POST", "/operator/signin", 422, "email", "unlisted@portal.example", "password", typed)
		k.do("", "POST", "/operator/signin", 422, "email", "app@aozora.example", "password", typed)
		k.do("", "POST", "/operator/signin", 303, "email", "listed@portal.example", "password", typed)
		k.do("", "POST", "/signin/code", 303, "code", k.code())
		k.do("", "GET", "/operator/windows", 200)
		k.do("", "GET", "/operator/windows/"+one.ID+"/lift", 200)
		inside := k.client
		k.browser()
		k.do("", "GET", "/signin", 503)
		k.client = inside
		k.do("", "POST", "/operator/windows/"+one.ID+"/lift", 303)
		k.browser()
		k.do("", "GET", "/signin", 200)
	})
}

// status is what a portal answers at its front door, and when to come back.
func status(p *Portal) string {
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/signin", nil))
	return fmt.Sprint(w.Code, " ", w.Header().Get("Retry-After"))
}

func TestAWindowClosesAndOpensByItselfOnEveryNodeAndAfterARestart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		first, second := k.portal, portal(t, w, false)
		start := w.Clock.Now()
		k.window(time.Minute, 10*time.Minute)
		k.window(5*time.Minute, 15*time.Minute)  // overlaps
		k.window(15*time.Minute, 20*time.Minute) // adjoins
		k.window(30*time.Minute, 40*time.Minute) // after a gap
		taken := k.window(20*time.Minute, 60*time.Minute)
		lifted := k.window(50*time.Minute, 70*time.Minute)
		change := func(do func(ctx context.Context, tx *store.Tx, id, by string) error, id string) {
			t.Helper()
			if err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return do(ctx, tx, id, "test") }); err != nil {
				t.Fatal(err)
			}
		}
		const moment = time.Microsecond
		for _, c := range []struct {
			at   time.Duration
			want string
			then func()
		}{
			{0, "200 ", nil},
			{time.Minute - moment, "200 ", nil},
			{time.Minute, "503 4140", func() { change(maintenance.Cancel, taken.ID) }}, // as long as all of them in a row
			{time.Minute + moment, "503 1140", nil},                                    // a moment less than 19 minutes is rounded up
			{12 * time.Minute, "503 480", nil},
			{15 * time.Minute, "503 300", nil},
			{20*time.Minute - moment, "503 1", nil},
			{20 * time.Minute, "200 ", nil},
			{30 * time.Minute, "503 600", nil},
			{40 * time.Minute, "200 ", nil},
			{55 * time.Minute, "503 900", func() { change(maintenance.Lift, lifted.ID) }},
			{55*time.Minute + moment, "200 ", nil},
			{80 * time.Minute, "200 ", nil},
		} {
			w.Clock.Set(start.Add(c.at))
			for name, p := range map[string]*Portal{"one node": first, "another": second, "one begun anew": portal(t, w, false)} {
				if got := status(p); got != c.want {
					t.Errorf("after %s, %s: %s, want %s", c.at, name, got, c.want)
				}
			}
			if c.then != nil {
				c.then()
			}
		}
	})
}

func TestWindowsAheadAreToldAtTheDoorAndInsideInBothZonesAndLanguages(t *testing.T) {
	t.Parallel()
	k := walk(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	k.people()
	visitors := k.visitorsOfNoOperator()
	k.window(24*time.Hour, 26*time.Hour)
	k.window(25*time.Hour, 29*time.Hour) // overlaps: one banner
	last := k.window(100*time.Hour, 101*time.Hour)
	far := k.window(8*24*time.Hour, 8*24*time.Hour+time.Hour)
	for who, path := range map[string]string{"a stranger": "/signin", "two steps": "/"} {
		for lang, said := range map[string][]string{
			"en": {"closed from 11 Mar 2018, 12:00 JST (03:00 UTC) to 11 Mar 2018, 17:00 JST (08:00 UTC).", k.portal.Site.Speaker("en", nil).Moment(last.Opens)},
			"ja": {"2018年3月11日(日) 12:00 JST (03:00 UTC) から 2018年3月11日(日) 17:00 JST (08:00 UTC)", k.portal.Site.Speaker("ja", nil).Moment(last.Opens)},
		} {
			code, _, body := k.answer(visitors[who], "GET", path+"?lang="+lang)
			for _, text := range said {
				if code != 200 || strings.Count(body, text) != 1 {
					t.Errorf("%s at %s in %s: %d, without %q: %s", who, path, lang, code, text, body)
				}
			}
			banners, sheet, _ := strings.Cut(body, `<main `)
			moment := k.portal.Site.Speaker(phrase.Lang(lang), nil).Moment(far.Opens)
			if strings.Count(body, `class="banner soon"`) != 2 || strings.Contains(banners, moment) {
				t.Errorf("%s at %s in %s: not two banners", who, path, lang)
			}
			if listed := strings.Contains(sheet, moment); listed != (path == "/") {
				t.Errorf("%s at %s in %s: the window of next week is among the notices: %t", who, path, lang, listed)
			}
		}
	}
}
