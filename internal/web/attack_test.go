package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/operator"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// odd are values that no browser sends from a form of ours.
var odd = []string{
	"", "\x00", "a\x00b@aozora.example", "\xff\xfe", "\xed\xa0\x80", "%", "%zz", "-1", "999999999999999999999999", "000000", "00000000",
	"a@b\r\nBcc: x@evil.example", "'; drop table session; --", "<script>alert(1)</script>", `"><img src=//evil.example>`,
	"//evil.example/x", `/\evil.example`, "https://evil.example/", "javascript:alert(1)", "\u202eabc", "é\u0301", "\U0001f469\u200d\U0001f469", "\ufffe",
	"１２３４５６", strings.Repeat("x", 1001), strings.Repeat("é", 600) + "@aozora.example", strings.Repeat("9", 5000), "mailotp", "totp", "send", "others", "refuse",
}

// fields are all the fields of all forms.
var fields = []string{"email", "password", "password_again", "code", "act", "to", "method", "name", "phone", "session", "now", "secret", "uri", "lang"}

// raw are whole bodies and kinds of bodies that no form of ours is.
var raw = []struct{ media, body string }{
	{"", "email=a"}, {"text/plain", "email=a"}, {"application/json", `{"email":"a"}`}, {"application/x-www-form-urlencoded; charset=", "email=a"},
	{"application/x-www-form-urlencoded", "email=a&email=b"}, {"application/x-www-form-urlencoded", "code=%zz"}, {"application/x-www-form-urlencoded", "code=%00"},
	{"application/x-www-form-urlencoded", ";;;&&&==="}, {"application/x-www-form-urlencoded", "%ff=%ff"}, {"application/x-www-form-urlencoded", strings.Repeat("a=1&", 16384)},
	{"application/x-www-form-urlencoded", "email=" + strings.Repeat("x", 1<<20)}, {multipartMedia, multipartBody},
}

var multipartMedia, multipartBody = func() (string, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("email", "app@aozora.example") // into memory
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}()

// attacker sends what nobody's browser does, and looks at each answer.
type attacker struct {
	*walker
	handler http.Handler
	pool    *password.Pool
	log     bytes.Buffer
	cookies map[string]string // of each visitor
	looked  map[string]bool   // pages searched for ways off the portal: most come many times over, and searching takes long
	n       int
}

func attack(t *testing.T, w storetest.World) *attacker {
	t.Helper()
	return attackAtCost(t, w, cheap)
}

func attackAtCost(t *testing.T, w storetest.World, cost password.Cost) *attacker {
	t.Helper()
	a := &attacker{cookies: map[string]string{"a stranger": ""}, looked: map[string]bool{}}
	a.walker = walk(t, w)
	c, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Needs{Config: c, DB: w.DB, Keys: w.Keys, Clock: w.Clock, Log: slog.New(slog.NewTextHandler(&a.log, nil)), Sender: nowhere{}, Demo: true,
		HashCost: cost})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Pool.Close)
	a.handler, a.pool = p.Handler(), p.Pool
	a.people()
	for who, steps := range map[string]func(){
		"one step": func() { a.do("", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed) },
		"pending":  func() { a.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed) },
		"two steps": func() {
			a.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
			a.do("", "POST", "/signin/code", 303, "code", a.code())
		},
	} {
		a.browser()
		steps()
		at, err := url.Parse(a.server.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range a.client.Jar.Cookies(at) {
			a.cookies[who] += cookie.Name + "=" + cookie.Value
		}
	}
	return a
}

// send makes one request as it is and looks at the answer.
func (a *attacker) send(who string, r *http.Request) *httptest.ResponseRecorder {
	a.t.Helper()
	if a.n++; a.n%20 == 0 { // so that waits do not hide what is behind them
		err := a.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `delete from allowance`)
			return err
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
	if cookie := a.cookies[who]; cookie != "" {
		r.Header.Add("Cookie", cookie)
	}
	r.RemoteAddr = "203.0.113.9:4711"
	answer := httptest.NewRecorder()
	a.handler.ServeHTTP(answer, r)
	what := fmt.Sprintf("%s: %s %.60q", who, r.Method, r.URL.String())
	if answer.Code >= 500 && answer.Code != http.StatusServiceUnavailable {
		a.t.Errorf("%s: %d", what, answer.Code)
	}
	if to := answer.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
		a.t.Errorf("%s leads to %q", what, to)
	}
	if page := answer.Body.String(); !strings.HasPrefix(r.URL.Path, "/demo") && !a.looked[page] {
		if found := away(page); found != "" {
			a.t.Errorf("%s: the page leads away: %s", what, found)
		}
		a.looked[page] = true
	}
	if answer.Header().Get("X-Content-Type-Options") != "nosniff" || answer.Header().Get("Content-Security-Policy") == "" {
		a.t.Errorf("%s: without its headers", what)
	}
	for _, line := range answer.Header()["Set-Cookie"] {
		if strings.ContainsAny(line, "\r\n") || !strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Lax") {
			a.t.Errorf("%s sets %q", what, line)
		}
	}
	return answer
}

func request(t *testing.T, method, target, media string, body io.Reader) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil // the server answers it before us
	}
	r := httptest.NewRequest(method, "/", body)
	r.URL, r.RequestURI = u, target
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	return r
}

// posts are the paths that take a form, with a token nobody has.
func (a *attacker) paths(method string) (paths []string) {
	for _, rt := range a.portal.Routes() {
		if path, ok := strings.CutPrefix(rt.Pattern, method+" "); ok {
			path = strings.ReplaceAll(path, "{$}", "")
			paths = append(paths, strings.NewReplacer("{token}", "nobodys", "{name}", "app.css").Replace(path))
		}
	}
	return append(paths, "/demo/clock", "/demo/authenticator/add")
}

func TestNoFormMakesThePortalFail(t *testing.T) {
	t.Parallel() // it has a portal of its own, and takes long
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a := attack(t, w)
		for who := range a.cookies {
			for _, path := range a.paths("POST") {
				if path == "/signout" || path == "/demo/clock" {
					continue // they would end the attack
				}
				if open := !strings.HasPrefix(path, "/setup") && !strings.HasPrefix(path, "/profile"); open && who != "a stranger" &&
					path != "/confirm" && path != "/sessions" && path != "/signin/code" {
					continue // the same to everybody
				}
				for i, value := range odd {
					form := url.Values{}
					for _, field := range fields {
						form.Set(field, value)
					}
					if i%2 == 0 && value != "" { // one odd field among good ones
						form = url.Values{"email": {"app@aozora.example"}, "password": {typed}, "name": {"app"}, "phone": {"1"}, "code": {"123456"}}
						form.Set(fields[i%len(fields)], value)
					}
					a.send(who, request(t, "POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode())))
				}
				for _, one := range raw {
					a.send(who, request(t, "POST", path, one.media, strings.NewReader(one.body)))
				}
			}
		}
		if strings.Contains(a.log.String(), "level=ERROR") || strings.Contains(a.log.String(), typed) {
			t.Errorf("the log says:\n%s", a.log.String())
		}
	})
}

func TestNoAddressOrHeaderMakesThePortalFailOrLeadAway(t *testing.T) {
	t.Parallel() // it has a portal of its own, and takes long
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a := attack(t, w)
		tails := []string{"", "?lang=ja", "?lang=%00", "?lang=xx&lang=ja", "?lang=ja&x=//evil.example", "?to=//evil.example", "?to=/%5Cevil.example", "?to=https://evil.example", "?to=%00",
			"?to=/%09/evil.example", "?done=%ff", "?;=%zz", "/", "/%00", "/..%2f..%2fetc%2fpasswd", "/%ff", "?" + strings.Repeat("a", 5000)}
		alone := []string{"/%2Fevil.example", "/%5Cevil.example", "//evil.example", "/%2F%2Fevil.example/..", "/\\evil.example", "/static/%2e%2e%2fportal.db", "/static/", "/static/%00",
			"/password/reset/%00", "/password/reset/%ff%fe", "/password/reset/%2F%2Fevil.example", "/password/reset/%0d%0aX:1", "/password/reset/" + strings.Repeat("A", 9000),
			"/password/reset/%00/done", "/operator/start/%00", "/operator/start/%ff", "/operator/start/" + strings.Repeat("A", 43), "/.git/config", "/nothing%0d%0aSet-Cookie:x=1"}
		for who := range a.cookies {
			for _, path := range a.paths("GET") {
				for _, tail := range tails {
					if r := request(t, "GET", path+tail, "", nil); r != nil {
						a.send(who, r)
					}
				}
			}
			for _, path := range append(alone, "/", "/signin", "/confirm") {
				for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "POST", "BREW"} {
					r := request(t, method, path, "", nil)
					if r == nil {
						continue
					}
					if answer := a.send(who, r); method == "TRACE" && a.cookies[who] != "" && strings.Contains(answer.Body.String(), a.cookies[who]) {
						t.Error("a request is answered with itself")
					}
				}
			}
		}
		for name, values := range map[string][]string{
			"Accept-Language": {"\xff", strings.Repeat("a,", 90), "ja;q=nan", "*"}, "User-Agent": {"\xff\xfe", strings.Repeat("é", 4000)},
			"Host": {"evil.example"}, "X-Forwarded-For": {"\xff", "1.2.3.4, evil"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"},
			"Referer": {"https://evil.example/"}, "X-Http-Method-Override": {"POST"}, "Accept-Encoding": {"gzip;q=0"},
			"Cookie": {"lang=\xff", "lang=ja; lang=en", "nidan=x; nidan=y", "nidan=" + strings.Repeat("x", 5000), "nidan=\x01"},
		} {
			for _, value := range values {
				for _, r := range []*http.Request{request(t, "GET", "/signin", "", nil), request(t, "GET", "/nothing", "", nil),
					request(t, "POST", "/signin", "application/x-www-form-urlencoded", strings.NewReader("email=app%40aozora.example&password="+url.QueryEscape(typed)))} {
					if r.Header[name] = []string{value}; name == "Host" {
						r.Host = value
					}
					if answer := a.send("a stranger", r); strings.Contains(answer.Body.String(), "evil.example") {
						t.Errorf("%s %q stands in the page", name, value)
					}
				}
			}
		}
		if strings.Contains(a.log.String(), "level=ERROR") {
			t.Errorf("the log says:\n%s", a.log.String())
		}
	})
}

// A probe that hangs up says nothing of the database; others must not be told so.
func TestWhoeverHangsUpOnReadinessSpoilsItForNobody(t *testing.T) {
	t.Parallel()
	w := storetest.Open(t, storetest.SQLite(t))
	if _, err := clock.Start(t.Context(), w.DB, w.Clock, "test"); err != nil {
		t.Fatal(err)
	}
	p := portal(t, w, false)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	handler := p.Handler()
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/readyz", nil))
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
	if strings.Contains(answer.Body.String(), "does not answer") {
		t.Errorf("the next one is told: %s", answer.Body)
	}
}

func TestAWrongPasswordIsCountedThoughItsSenderHungUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		// So that there is time to hang up within the hash, and no wait for the hashes before it.
		a := attackAtCost(t, w, password.Cost{MemoryKiB: 8 << 10, Passes: 1, Lanes: 1})
		for range 3 {
			ctx, hangUp := context.WithCancel(t.Context())
			before := a.pool.Hashes()
			go func() {
				for a.pool.Hashes() == before && t.Context().Err() == nil {
					time.Sleep(50 * time.Microsecond)
				}
				hangUp()
			}()
			form := url.Values{"email": {"nobody@aozora.example"}, "password": {typed}}
			a.send("a stranger", request(t, "POST", "/signin", "application/x-www-form-urlencoded", strings.NewReader(form.Encode())).WithContext(ctx))
		}
		if n := a.count(`allowance where name like 'password:network:203.0.113.9%' and full_at > $1`, store.Micros(w.Clock.Now().Add(25*time.Second))); n != 1 {
			t.Error("it made the portal hash for nothing")
		}
	})
}

// While the second verification is stopped a session that was begun before looks at
// no code at /confirm, and has none mailed.
func TestWhileStoppedConfirmNeitherLooksAtACodeNorMailsOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a := attack(t, w)
		a.browser()
		a.later(time.Minute)
		a.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
		a.do("", "POST", "/signin/code", 303, "code", a.mailed())
		a.do("", "POST", "/confirm", 200, "act", "send")
		codes := a.count(`mail_code`)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at)
				select organization_id, id, $1 from account where name = 'mailed'`, store.Micros(tx.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		a.do("", "POST", "/confirm", 403, "act", "send")
		a.do("", "POST", "/confirm", 403, "code", a.mailed())
		a.do("", "GET", "/confirm", 403)
		if n := a.count(`mail_code`); n != codes {
			t.Error("a code was mailed")
		}
		if n := a.count(`second_step where door = 'confirm'`); n != 0 {
			t.Error("a code was accepted")
		}
	})
}

// A password that was kept aside counts from its approval on; whoever signed in
// with the one before is out from then on, with or without anybody typing the new.
func TestASessionOfAPasswordThatNoLongerCountsIsDead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
		k.do("", "POST", "/signin/code", 303, "code", k.mailed())
		before := k.client
		k.browser()
		k.do("", "POST", "/password/forgot", 303, "email", "mailed@aozora.example", "name", "mailed", "phone", "0312345678")
		if err := k.portal.Post.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		link := regexp.MustCompile(`/password/reset/\S+`).FindString((*k.mailbox)[len(*k.mailbox)-1].Text)
		k.do("", "POST", link, 303, "password", "harbor under lantern", "password_again", "harbor under lantern")
		now := k.client
		k.client = before
		k.do("", "GET", "/", 200)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update password_reset set approved_at = $1 where aside is not null`, store.Micros(tx.Now().Add(time.Minute)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		k.later(time.Minute - time.Microsecond)
		k.do("", "GET", "/", 200)
		k.later(time.Microsecond)
		k.do("", "GET", "/", 303)
		k.do("", "POST", "/profile/password", 403, "act", "refuse")
		k.client = now
		k.do("", "POST", "/signin", 422, "email", "mailed@aozora.example", "password", typed)
		k.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", "harbor under lantern")
		k.do("", "GET", "/signin/code", 200)
	})
}

// After a clock that ran ahead was set right and this accepted, what was proved in
// the time to come is not proved for as long.
func TestASessionOfATimeStillToComeIsDead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		at := w.Clock.Now()
		w.Clock.Set(at.AddDate(0, 0, 7))
		k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
		k.do("", "POST", "/signin/code", 303, "code", k.code())
		k.do("", "GET", "/", 200)
		w.Clock.Set(at)
		k.do("", "GET", "/", 200) // not accepted: the portal's time stands still
		w.Clock.Accept()
		k.do("", "GET", "/", 303)
		k.do("", "GET", "/profile/totp", 303)
	})
}

func (a *attacker) count(from string, args ...any) (n int) {
	a.t.Helper()
	if err := a.DB.QueryRow(context.Background(), `select count(*) from `+from, args...).Scan(&n); err != nil {
		a.t.Fatal(err)
	}
	return n
}

func TestTheFirstLinkMakesOneOperatorHoweverManyUseIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		var token string
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			token, _, err = pass.Give(ctx, tx, operator.First, pass.Operator, pass.Given{By: "test", Why: "first operator"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		start := func(email string) *http.Client {
			k.browser()
			k.do("", "POST", "/operator/start/"+token, 303, "email", email, "name", "Somebody", "password", typed, "password_again", typed)
			return k.client
		}
		thief := start("thief@evil.example")
		owner := start("owner@portal.example")
		k.client = owner
		k.do("", "GET", "/setup/totp", 200)
		k.do("", "POST", "/setup/totp", 303, "code", totp.Code(k.setupKey(), totp.Step(k.Clock.Now())))
		k.client = thief
		k.do("", "GET", "/setup/totp", 403)
		k.do("", "POST", "/setup/totp", 403, "code", "000000")
		k.browser()
		k.do("", "GET", "/operator/start/"+token, 404)
	})
}
