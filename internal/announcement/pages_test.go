package announcement

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// room is the announcement on a database, at an instant that the test moves.
func room(t *testing.T, w storetest.World) *Room {
	t.Helper()
	s := site(t, time.Time{})
	s.Now, s.House = w.Clock.Now, tokyo
	rm, err := New(Needs{DB: w.DB, Site: s, BaseURL: "https://portal.example"})
	if err != nil {
		t.Fatal(err)
	}
	return rm
}

func get(t *testing.T, rm *Room, address string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	for _, rt := range rm.Routes() {
		mux.HandleFunc(rt.Pattern, rt.Serve)
	}
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, address, nil))
	return answer
}

func write(t *testing.T, w storetest.World, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// plan2018 plans what was announced in 2018.
func plan2018(t *testing.T, w storetest.World) (p rollout.Plan) {
	t.Helper()
	w.Clock.Set(planned)
	w.Clock.Accept() // the test begins later
	write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
		if p, err = rollout.Save(ctx, tx, rollout.Plan{Opens: opens, Ends: ends, Zone: "Asia/Tokyo"}, "olga"); err != nil {
			return err
		}
		_, err = maintenance.Plan(ctx, tx, opens, opens.Add(5*time.Hour), "olga")
		return err
	})
	return p
}

var tag = regexp.MustCompile(`<[^>]+>`)

func TestThePageSaysEveryFactOf2018(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		rm := room(t, w)
		plan2018(t, w)
		for _, lang := range phrase.Langs {
			answer := get(t, rm, "/announcement?lang="+string(lang))
			if answer.Code != http.StatusOK {
				t.Fatal(answer.Code)
			}
			_, markup, _ := strings.Cut(answer.Body.String(), `<main`)
			text := html.UnescapeString(tag.ReplaceAllString(markup, " "))
			for _, f := range factsOf2018 {
				for _, part := range f.in(lang) {
					if said := strings.Contains(text, part) || strings.Contains(markup, `href="`+part+`"`); !said && !f.mailOnly {
						t.Errorf("%s: %s: the page lacks %q", lang, f.name, part)
					}
				}
			}
			if !strings.Contains(markup, `href="mailto:help@portal.example"`) || !strings.Contains(markup, `/announcement.ics?lang=`+string(lang)) {
				t.Errorf("%s: the page lacks the way to the help desk or to the calendar file", lang)
			}
		}
	})
}

func TestAMovedDateIsOnThePageAndInTheCalendarAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		rm := room(t, w)
		p := plan2018(t, w)
		if page := get(t, rm, "/announcement").Body.String(); !strings.Contains(page, "24 Apr 2018, 24:00 JST") {
			t.Fatal(page)
		}
		w.Clock.Set(during)
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			p.Ends = ends.AddDate(0, 0, 7)
			_, err := rollout.Change(ctx, tx, p, "olga")
			return err
		})
		page, file := get(t, rm, "/announcement").Body.String(), get(t, rm, "/announcement.ics").Body.String()
		for _, part := range []string{"until 1 May 2018, 24:00 JST (15:00 UTC)", "On 12 Mar 2018, 10:00 JST (01:00 UTC): before, the end was 24 Apr 2018, 24:00 JST (15:00 UTC)."} {
			if !strings.Contains(page, part) {
				t.Errorf("the page lacks %q", part)
			}
		}
		for _, part := range []string{"DTEND:20180501T150000Z\r\n", "SEQUENCE:2\r\n", "DTSTAMP:20180312T010000Z\r\n"} {
			if !strings.Contains(file, part) {
				t.Errorf("the calendar lacks %q:\n%s", part, file)
			}
		}
	})
}

func TestAWithdrawnRolloutIsSaidToBe(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	rm := room(t, w)
	p := plan2018(t, w)
	w.Clock.Set(during)
	write(t, w, func(ctx context.Context, tx *store.Tx) error { return rollout.Withdraw(ctx, tx, p, "olga") })
	if page := get(t, rm, "/announcement").Body.String(); !strings.Contains(page, "That period was withdrawn on 12 Mar 2018, 10:00 JST (01:00 UTC).") {
		t.Error(page)
	}
	c, err := read(get(t, rm, "/announcement.ics").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.parts[:2] {
		e.holds(t, "STATUS", "CANCELLED", "SEQUENCE", "2", "DTSTAMP", "20180312T010000Z")
	}
}

func TestWithoutARolloutThePageSaysSoAndThereIsNoCalendar(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	rm := room(t, w)
	page := get(t, rm, "/announcement")
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "No change of the sign-in is announced.") || strings.Contains(page.Body.String(), ".ics") {
		t.Errorf("%d\n%s", page.Code, page.Body)
	}
	if file := get(t, rm, "/announcement.ics"); file.Code != http.StatusNotFound {
		t.Errorf("the calendar answers %d", file.Code)
	}
}

func TestTheCalendarIsOfTheAskedLanguageAndItsMediaTypeSaysSo(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	rm := room(t, w)
	plan2018(t, w)
	answer := get(t, rm, "/announcement.ics?lang=ja")
	if got := answer.Header().Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Error(got)
	}
	c, err := read(answer.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.props["NAME"]; got != "Business Portal: 二段階認証への切り替え" {
		t.Error(got)
	}
}

// Everybody asks when a window closes the portal: what was planned is read once.
func TestWhatWasPlannedIsReadOnce(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	rm := room(t, w)
	plan2018(t, w)
	for i, most := range []int64{5, 1, 1} {
		ctx, trips := store.Counting(t.Context())
		if _, err := rm.Facts(ctx); err != nil || trips.N() > most {
			t.Errorf("%d: %d round trips, %v", i, trips.N(), err)
		}
	}
}
