package page_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
)

// press is a stamp, the room it shows pages of, and the hour it does so.
type press struct {
	room  *page.Room
	stamp *page.Stamp
	now   time.Time
}

func newPress(t testing.TB, demo bool, portal string) *press {
	t.Helper()
	words, err := phrase.NewBook(page.Words, phrase.Words)
	if err != nil {
		t.Fatal(err)
	}
	p := &press{now: end}
	s, err := page.New(words, slog.New(slog.DiscardHandler), page.Options{Name: portal, House: tokyo, Contact: "help@example.com",
		Demo: demo, Now: func() time.Time { return p.now }})
	if err != nil {
		t.Fatal(err)
	}
	if p.room, err = s.Room(os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	p.stamp = p.room.Stamp()
	return p
}

// busy is the page of a sign-in that is refused for now, as both ways show it.
func (p *press) busy(t testing.TB, r *http.Request, email string) (stamped, shown *httptest.ResponseRecorder) {
	t.Helper()
	stamped, shown = httptest.NewRecorder(), httptest.NewRecorder()
	for _, w := range []*httptest.ResponseRecorder{stamped, shown} {
		page.RetryAfter(w, p.now, p.now.Add(5*time.Second))
		v := &showing{Email: email, View: wrong(fault.Field("", "page.form_broken"))}
		var err error
		if w == stamped {
			err = p.stamp.Show(w, r, http.StatusServiceUnavailable, "signin", "Sign in to Nidan", v, &v.Email)
		} else {
			err = p.room.Show(w, r, http.StatusServiceUnavailable, "signin", "Sign in to Nidan", v)
		}
		if err != nil {
			t.Fatal(err)
		}
		if v.Email != email {
			t.Errorf("%q became %q in the view", email, v.Email)
		}
	}
	return stamped, shown
}

func (p *press) same(t testing.TB, what string, r *http.Request, email string) {
	t.Helper()
	stamped, shown := p.busy(t, r, email)
	if stamped.Body.String() != shown.Body.String() {
		t.Errorf("%s, %.40q:\n%s\n\nand as every page is shown:\n%s", what, email, stamped.Body, shown.Body)
	}
	if stamped.Code != shown.Code || !reflect.DeepEqual(stamped.Header(), shown.Header()) {
		t.Errorf("%s: %d %v, and as every page is shown: %d %v", what, stamped.Code, stamped.Header(), shown.Code, shown.Header())
	}
}

// asking is a request of a stranger, or of whom the chrome knows.
func asking(path, languages string, c page.Chrome) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header.Set("Accept-Language", languages)
	return r.WithContext(page.WithChrome(r.Context(), c))
}

func TestAStampedPageIsThePageItself(t *testing.T) {
	typed := []string{"hanako@example.com", `"><script>x</script>`, "it's <b>&amp;</b> a+b=`c`", "\x00", "a\xff\xc3(b", strings.Repeat("長い&", 5000),
		"佐藤花子@example.jp", "nidan0stamp0gap", "&nidan0stamp0gap", "{{.Email}} %s $1 \\", "\u2028\u202e\ufeff\r\n\t", ""}
	for _, demo := range []bool{false, true} {
		p := newPress(t, demo, "Nidan")
		for _, path := range []string{"/signin", "/operator/signin", "/%73ignin", "/signin?lang=ja", "/signin?a=b", "/signin?"} {
			for _, languages := range []string{"en", "ja,en;q=0.5", ""} {
				for who, c := range map[string]page.Chrome{"stranger": {}, "banner": withBanners(page.Chrome{}, "soon"), "known": hanako, "zone": {Reader: tokyo}} {
					p.now = p.now.Add(time.Second) // the banners of a stranger are those of the second
					for _, email := range typed {
						p.same(t, fmt.Sprintf("%s at %s in %q, demo %v", who, path, languages, demo), asking(path, languages, c), email)
					}
				}
			}
		}
	}
}

func TestAStampIsMadeAnewEachSecondAndForNobodyKnown(t *testing.T) {
	p := newPress(t, false, "Nidan")
	banners := func(r *http.Request) int {
		t.Helper()
		stamped, _ := p.busy(t, r, "hanako@example.com")
		return strings.Count(stamped.Body.String(), `class="banner`)
	}
	before, after := asking("/signin", "en", page.Chrome{}), asking("/signin", "en", withBanners(page.Chrome{}, "soon"))
	for _, step := range []struct {
		what string
		r    *http.Request
		wait time.Duration
		want int
	}{
		{"the first", before, 0, 0},
		{"within the second", after, time.Second - time.Microsecond, 0},
		{"a second later", after, time.Microsecond, 1},
		{"as kept since", before, 0, 1},
		{"in another language", asking("/signin", "ja", page.Chrome{}), 0, 0},
		{"at another door", asking("/operator/signin", "en", page.Chrome{}), 0, 0},
		{"of a query", asking("/signin?x", "en", page.Chrome{}), 0, 0},
		{"of somebody known", asking("/signin", "en", hanako), 0, 0},
		{"before it was kept", before, -time.Minute, 0}, // a demo's clock was set back
	} {
		p.now = p.now.Add(step.wait)
		if n := banners(step.r); n != step.want {
			t.Errorf("%s: %d banners", step.what, n)
		}
	}
}

func TestAPageWithoutOnePlaceForTheValueIsShownAsEveryOther(t *testing.T) {
	p := newPress(t, false, "nidan0stamp0gap") // of all names
	for range 2 {
		p.same(t, "two places", asking("/signin", "en", page.Chrome{}), "hanako@example.com")
	}
}

func TestManyStrangersAtOnceGetTheirOwnValue(t *testing.T) {
	p := newPress(t, false, "Nidan")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 50 {
				email := fmt.Sprintf("stranger-%d-%d@example.com", i, n)
				stamped, _ := p.busy(t, asking("/signin", []string{"en", "ja"}[n%2], page.Chrome{}), email)
				if !strings.Contains(stamped.Body.String(), `value="`+email+`"`) {
					t.Errorf("%s got another's page", email)
				}
			}
		})
	}
	all.Wait()
}
