package demo_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/demo"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// desk serves the demo's pages to one browser.
type desk struct {
	scene
	mux    *http.ServeMux
	cookie []*http.Cookie
}

func open(t *testing.T, s scene) *desk {
	t.Helper()
	room, err := demo.New(demo.Needs{DB: s.DB, Keys: s.Keys, Site: s.site, Clock: s.Clock})
	must(t, err)
	d := &desk{scene: s, mux: http.NewServeMux()}
	for _, one := range room.Routes() {
		d.mux.HandleFunc(one.Pattern, one.Serve)
	}
	return d
}

func (d *desk) get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	return d.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (d *desk) post(t *testing.T, path, name, value string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{name: {value}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(r)
}

func (d *desk) do(r *http.Request) *httptest.ResponseRecorder {
	for _, cookie := range d.cookie {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == "demo_keys" {
			d.cookie = []*http.Cookie{cookie}
		}
	}
	return w
}

func holds(t *testing.T, page *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if page.Code != status {
		t.Errorf("status %d, want %d", page.Code, status)
	}
	for _, text := range texts {
		if !strings.Contains(page.Body.String(), text) {
			t.Errorf("the page lacks %q", text)
		}
	}
}

var bracketed = regexp.MustCompile(`\[[a-z]+\.[a-z_]+`)

// Seeding takes its time, so that all of these look at one demo.
func TestThePages(t *testing.T) {
	s := seeded(t, filepath.Join(t.TempDir(), "demo.db"))
	for name, check := range map[string]func(*testing.T, *desk){
		"both languages":                          thePagesSpeakBothLanguages,
		"mails stand newest first":                theMailboxShowsMailsNewestFirst,
		"everybody's code is shown":               theAuthenticatorShowsEverybodysCode,
		"a key of a set-up is added as to an app": aKeyIsAddedAsToAnApp,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t, s)) })
	}
}

func thePagesSpeakBothLanguages(t *testing.T, d *desk) {
	for _, path := range []string{"/demo", "/demo/mailbox", "/demo/mailbox?to=nobody@aozora.example", "/demo/authenticator", "/demo/authenticator/add", "/demo/clock"} {
		for _, lang := range []string{"en", "ja"} {
			to := path + "?lang=" + lang
			if strings.Contains(path, "?") {
				to = path + "&lang=" + lang
			}
			page := d.get(t, to)
			holds(t, page, http.StatusOK, `<html lang="`+lang+`"`)
			if missing := bracketed.FindString(page.Body.String()); missing != "" {
				t.Errorf("%s says %s", to, missing)
			}
		}
	}
	begin := d.get(t, "/demo")
	for _, a := range d.facts.Accounts {
		holds(t, begin, http.StatusOK, a.Email)
	}
}

func theMailboxShowsMailsNewestFirst(t *testing.T, d *desk) {
	var box struct {
		Mails []struct {
			To, Subject, Text, HTML string
			At                      time.Time
		}
	}
	list := d.get(t, "/demo/mailbox.json")
	must(t, json.Unmarshal(list.Body.Bytes(), &box))
	if len(box.Mails) < 5 || list.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d mails as %q", len(box.Mails), list.Header().Get("Content-Type"))
	}
	for i, m := range box.Mails {
		if m.To == "" || m.Subject == "" || m.Text == "" || !strings.HasPrefix(m.HTML, "<!doctype html>") ||
			strings.Contains(m.Subject+m.Text, "[") || strings.Contains(m.Text, "{") {
			t.Errorf("mail %d: %+v", i, m)
		}
		if i > 0 && m.At.After(box.Mails[i-1].At) {
			t.Errorf("mail %d is newer than the one before", i)
		}
		holds(t, d.get(t, "/demo/mailbox?to="+url.QueryEscape(m.To)), http.StatusOK, m.To)
	}
	// The link of a starting guide leads to this portal, by whatever address it is reached.
	holds(t, d.get(t, "/demo/mailbox"), http.StatusOK, `<a href="/start/`, `<details open>`)
	lone := d.get(t, "/demo/mailbox?to=clara.weiss@brennhof.example")
	holds(t, lone, http.StatusOK, "clara.weiss@brennhof.example")
	if strings.Contains(lone.Body.String(), "nanami.ueda@aozora.example") {
		t.Error("somebody else's mail is shown")
	}
}

func theAuthenticatorShowsEverybodysCode(t *testing.T, d *desk) {
	var shown struct {
		Now      time.Time
		Accounts []struct{ Email, Code string }
	}
	must(t, json.Unmarshal(d.get(t, "/demo/authenticator.json").Body.Bytes(), &shown))
	if !shown.Now.Equal(d.Clock.Now()) {
		t.Errorf("now is %s, want %s", shown.Now, d.Clock.Now())
	}
	codes := map[string]string{}
	for _, one := range shown.Accounts {
		codes[one.Email] = one.Code
	}
	want := map[string]string{d.facts.Operator.Email: d.facts.Operator.TOTPSecret}
	for _, a := range d.facts.Accounts {
		if a.TOTPSecret != "" {
			want[a.Email] = a.TOTPSecret
		}
	}
	page := d.get(t, "/demo/authenticator")
	holds(t, page, http.StatusOK, `http-equiv="refresh"`)
	for email, secret := range want {
		key, _ := demo.ReadKey(secret)
		code := totp.Code(key, totp.Step(d.Clock.Now()))
		if codes[email] != code {
			t.Errorf("%s: code %q, want %q", email, codes[email], code)
		}
		holds(t, page, http.StatusOK, email, code[:3]+" "+code[3:])
	}
	if len(codes) != len(want) {
		t.Errorf("%d codes, want %d", len(codes), len(want))
	}
}

func aKeyIsAddedAsToAnApp(t *testing.T, d *desk) {
	key := totp.NewSecret()
	typed := strings.ToLower(totp.Text(key)[:4]) + " " + totp.Text(key)[4:]
	if page := d.post(t, "/demo/authenticator/add", "key", typed); page.Code != http.StatusSeeOther {
		t.Fatalf("status %d", page.Code)
	}
	code := totp.Code(key, totp.Step(d.Clock.Now()))
	holds(t, d.get(t, "/demo/authenticator"), http.StatusOK, totp.Text(key)[:4]+"…", code[:3]+" "+code[3:])

	for _, typed := range []string{"", "no key"} {
		holds(t, d.post(t, "/demo/authenticator/add", "key", typed), http.StatusUnprocessableEntity, `aria-invalid="true"`)
	}
	// The key of somebody who has set up stands among the others, once.
	d.post(t, "/demo/authenticator/add", "key", d.facts.Accounts[0].TOTPSecret)
	if page := d.get(t, "/demo/authenticator").Body.String(); strings.Contains(page, d.facts.Accounts[0].TOTPSecret[:4]+"…") {
		t.Error("a known key is shown as added")
	}
}

func TestTheClockJumpsToTheMomentsAndBack(t *testing.T) {
	each(t, func(t *testing.T, s scene) {
		d := open(t, s)
		p := s.facts.Rollout
		for _, one := range []struct {
			typed string
			want  time.Time
		}{
			{"last-minute", p.Ends.Add(-time.Minute)},
			{"after the end", p.Ends.Add(time.Hour)},
			{"before-window", p.Opens.Add(-time.Hour)},
			{"in-window", p.Opens.Add(150 * time.Minute)},
			{"in-period", p.Opens.Add(14 * 24 * time.Hour)},
			{"2018-04-24T14:55:00Z", time.Date(2018, 4, 24, 14, 55, 0, 0, time.UTC)},
			{"2018-03-04T00:00:00+09:00", p.Opens.Add(7 * 24 * time.Hour)},
		} {
			page := d.post(t, "/demo/clock", "now", one.typed)
			if page.Code != http.StatusSeeOther || page.Header().Get("Location") != "/demo/clock" {
				t.Errorf("%s: status %d to %q", one.typed, page.Code, page.Header().Get("Location"))
			}
			if now := s.Clock.Now(); !now.Equal(one.want) {
				t.Errorf("%s: it is %s, want %s", one.typed, now, one.want)
			}
			holds(t, d.get(t, "/demo/clock"), http.StatusOK, one.want.Format(time.RFC3339))
			for _, a := range s.facts.Accounts[:1] { // the code shown after a jump is one that is looked at
				state, err := clock.Load(t.Context(), s.DB, s.Clock)
				must(t, err)
				if step := totp.Step(one.want); state.FloorStep >= step {
					t.Errorf("%s: the code of %s is under the floor", one.typed, a.Email)
				}
			}
		}
		theRecordIsWhole(t, s)
	})
}

func TestAClockIsNotSetToNonsense(t *testing.T) {
	d := open(t, marked(t, filepath.Join(t.TempDir(), "demo.db"), true))
	for _, typed := range []string{"", "tomorrow", "2018-04-24", "in-period", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"} {
		holds(t, d.post(t, "/demo/clock", "now", typed), http.StatusUnprocessableEntity, `aria-invalid="true"`)
	}
	if now := d.Clock.Now(); !now.Equal(storetest.Start) {
		t.Errorf("it is %s", now)
	}
}
