package page

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"nidan/internal/fault"
	"nidan/internal/phrase"
)

// View is what every page's view embeds; Show fills it.
type View struct {
	Title     string
	Lang      phrase.Lang
	Zones     phrase.Zones
	Path      string // the page's own address, without its query
	query     url.Values
	Site      *Site
	Chrome    Chrome
	Faults    []*fault.Fault // what is wrong with the form
	Notice    string         // said once above the page: "Saved. …"
	Stair     int            // sign-in and set-up: treads filled so far plus one (1 to 3); 0 shows none
	Refresh   int            // seconds after which the page reloads itself; 0: never
	LookAgain int            // seconds after which something that goes on is worth another look; 0: nothing goes on
}

type viewer interface{ base() *View }

func (v *View) base() *View { return v }

// Chrome is what the gate knows of the visitor and the frame around a page shows.
type Chrome struct {
	Name     string // the person's name; empty: not signed in
	Where    string // the organization's name
	Operator bool
	Admin    bool // a Portal Admin who has proved both steps
	People   bool // a Portal Admin, by one step too: sees the accounts
	Pending  bool // only the password was proved so far: no navigation
	Reader   *time.Location
	Banners  []Banner
}

// WithReader is a request of a reader who says which zone is his own; the gate's
// answer for somebody signed in gives way to it.
func WithReader(r *http.Request, zone *time.Location) *http.Request {
	c, _ := r.Context().Value(Key{}).(Chrome)
	c.Reader = zone
	return r.WithContext(WithChrome(r.Context(), c))
}

// Banner is a line above every page: a window ahead, days left to set up.
type Banner struct {
	Kind   string // "soon" or "ends"
	Text   func(say Speaker) string
	Link   string // address, or empty
	Name   string // phrase key of the link's text
	Always bool   // also where a page says itself what has to be done
}

// Connect lets a page's script ask this portal, and no other host: to send its form
// itself and tell how far the files have come, or to look how far something has come.
func Connect(w http.ResponseWriter) {
	if policy := w.Header().Get("Content-Security-Policy"); policy != "" {
		w.Header().Set("Content-Security-Policy", policy+"; connect-src 'self'")
	}
}

// Key is where a request's context holds its Chrome.
type Key struct{}

// WithChrome hands the frame what the gate knows.
func WithChrome(ctx context.Context, c Chrome) context.Context {
	return context.WithValue(ctx, Key{}, c)
}

func (v *View) fill(s *Site, w http.ResponseWriter, r *http.Request) {
	v.Site, v.Path, v.query = s, here(r), r.URL.Query()
	v.Chrome, _ = r.Context().Value(Key{}).(Chrome)
	if v.LookAgain > 0 && v.query.Get("live") == "yes" { // never unasked (WCAG 2.2.1)
		v.Refresh = v.LookAgain
	}
	if v.LookAgain > 0 {
		Connect(w)
	}
	say := s.Speak(r)
	v.Lang, v.Zones = say.Lang, say.Zones
	if _, ok := asked(r); ok {
		s.SetCookie(w, langCookie, string(v.Lang), 365*24*time.Hour)
	}
}

// here is the page's own address, as a link to it: escaped as it came, and with one
// slash before it, since two would lead to another host.
func here(r *http.Request) string { return "/" + strings.TrimLeft(r.URL.EscapedPath(), "/") }

// Speaker says phrases and dates to one reader.
type Speaker struct {
	Lang  phrase.Lang
	Zones phrase.Zones
	book  *phrase.Book
}

// Speak finds the language and zones of a request's reader.
func (s *Site) Speak(r *http.Request) Speaker {
	chrome, _ := r.Context().Value(Key{}).(Chrome)
	return Speaker{Lang: Lang(r), Zones: phrase.Zones{House: s.House, Reader: chrome.Reader}, book: s.book}
}

// Speaker for somebody who is not at a page: the reader of a mail.
func (s *Site) Speaker(lang phrase.Lang, reader *time.Location) Speaker {
	return Speaker{Lang: lang, Zones: phrase.Zones{House: s.House, Reader: reader}, book: s.book}
}

// T says a phrase.
func (s Speaker) T(key string, args ...any) string { return s.book.Say(s.Lang, key, args...) }

// Moment says an instant.
func (s Speaker) Moment(t time.Time) string { return s.Zones.Moment(s.Lang, t) }

// End says the instant at which something ends.
func (s Speaker) End(t time.Time) string { return s.Zones.End(s.Lang, t) }

// Span says a length of time.
func (s Speaker) Span(d time.Duration) string { return s.book.Span(s.Lang, d) }

// Length says an exact length of time.
func (s Speaker) Length(d time.Duration) string { return s.book.Length(s.Lang, d) }

func (v *View) say() Speaker { return Speaker{Lang: v.Lang, Zones: v.Zones, book: v.Site.book} }

// Say speaks to this page's reader.
func (v *View) Say() Speaker { return v.say() }

// Moment says an instant, in a template.
func (v *View) Moment(t time.Time) string { return v.say().Moment(t) }

// End says an end, in a template.
func (v *View) End(t time.Time) string { return v.say().End(t) }

// Span says a length of time, in a template.
func (v *View) Span(d time.Duration) string { return v.say().Span(d) }

// Length says an exact length of time, in a template.
func (v *View) Length(d time.Duration) string { return v.say().Length(d) }

// Banners are the lines above this page. The dashboard and the pages of the set-up
// say themselves until when it has to be done.
func (v *View) Banners() []Banner {
	if v.Path != "/" && v.Stair == 0 {
		return v.Chrome.Banners
	}
	var kept []Banner
	for _, b := range v.Chrome.Banners {
		if b.Kind != "ends" || b.Always {
			kept = append(kept, b)
		}
	}
	return kept
}

// Sentence says a banner, in a template.
func (v *View) Sentence(b Banner) string { return b.Text(v.say()) }

// Wrong is what is wrong with a field, or empty; Wrong "" is what is wrong with the whole form.
func (v *View) Wrong(field string) string {
	for _, f := range v.Faults {
		if f.Field == field {
			return v.say().T(f.Phrase, f.Args...)
		}
	}
	return ""
}

// Phrase says a fault, in the summary at the top.
func (v *View) Phrase(f *fault.Fault) string { return v.say().T(f.Phrase, f.Args...) }

// Switch is the same page in the other language.
func (v *View) Switch() string {
	for _, lang := range phrase.Langs {
		if lang != v.Lang {
			query := maps.Clone(v.query)
			query.Set("lang", string(lang))
			return v.Path + "?" + query.Encode()
		}
	}
	return v.Path
}

const langCookie = "lang"

var matcher = language.NewMatcher([]language.Tag{language.English, language.Japanese})

// Lang is the language of a request: ?lang=, then the cookie, then the browser's.
func Lang(r *http.Request) phrase.Lang {
	if lang, ok := asked(r); ok {
		return lang
	}
	if cookie, err := r.Cookie(langCookie); err == nil {
		if lang, ok := phrase.Parse(cookie.Value); ok {
			return lang
		}
	}
	header := r.Header.Get("Accept-Language")
	if header == "" || len(header) > 200 {
		return phrase.English
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return phrase.English
	}
	_, index, _ := matcher.Match(tags...)
	return phrase.Langs[index]
}

func asked(r *http.Request) (phrase.Lang, bool) {
	if !strings.Contains(r.URL.RawQuery, "lang=") {
		return "", false
	}
	return phrase.Parse(r.URL.Query().Get("lang"))
}

// SetCookie sets a cookie of this host alone. Over https it carries the __Host-
// prefix, so that no sibling host can plant one; the language is no secret and
// keeps its plain name everywhere.
func (s *Site) SetCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge(age),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// See sends the browser on to a page of this portal, with GET.
func See(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// RetryAfter tells machines when to try again.
func RetryAfter(w http.ResponseWriter, now, until time.Time) {
	seconds := max(1, int((until.Sub(now)+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
}

// maxAge is a cookie's Max-Age; a negative one makes the browser forget it.
func maxAge(age time.Duration) int {
	if age < 0 {
		return -1
	}
	return int(age / time.Second)
}
