package crash

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// browser is one person's, at a network of his own.
type browser struct {
	w       *world
	network string
	cookie  string
}

// answer is what came back. The zero answer is none.
type answer struct {
	status int
	to     string // Location
	body   string
	again  string // Retry-After
	asked  time.Time
}

// unsure are the words of the page that says that nobody knows whether it was done.
const unsure = "it may have been done or not"

// broken says that nobody here knows whether it was done.
func (a answer) broken() bool { return a.status == 0 || strings.Contains(a.body, unsure) }

// verdict reads an answer to something that leads on when it is done: to just this
// place, or below it where it ends in a star.
func (a answer) verdict(to ...string) verdict {
	if a.broken() {
		return unknown
	}
	if a.status != http.StatusSeeOther {
		return refused
	}
	for _, place := range to {
		if prefix, below := strings.CutSuffix(place, "*"); a.to == place || below && strings.HasPrefix(a.to, prefix) {
			return done
		}
	}
	return refused
}

// transport does not try anything twice by itself: a history knows what it asked.
var transport = &http.Transport{MaxIdleConnsPerHost: 64, DisableKeepAlives: true}

var asking = &http.Client{Transport: transport, Timeout: 40 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, "", path, nil) }

// post sends a form. kind is what the one who kills waits for.
func (b *browser) post(kind, path string, fields ...string) answer {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, kind, path, form)
}

func (b *browser) do(method, kind, path string, form url.Values) (a answer) {
	b.w.up()
	r, err := http.NewRequest(method, *b.w.url.Load()+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Error(err)
		return a
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Forwarded-For", b.network)
	r.Header.Set("Accept-Language", "en")
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "nidan", Value: b.cookie})
	}
	a = answer{asked: time.Now()}
	defer func() {
		if method == http.MethodPost && a.broken() {
			b.cookie = "" // what it stood for may have ended with what was asked
		}
	}()
	b.w.sent(kind)
	response, err := asking.Do(r)
	if err != nil {
		return a
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return a
	}
	a.status, a.to, a.body = response.StatusCode, response.Header.Get("Location"), string(body)
	a.again = response.Header.Get("Retry-After")
	for _, cookie := range response.Cookies() {
		if cookie.Name != "nidan" {
			continue
		}
		if b.cookie = cookie.Value; cookie.MaxAge < 0 {
			b.cookie = ""
		}
		b.w.secret(b.cookie, "")
	}
	return a
}
