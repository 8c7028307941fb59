package contact

import (
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/config"
	"nidan/internal/page"
	"nidan/internal/phrase"
)

var tokyo = phrase.Location("Asia/Tokyo")

func hours(t *testing.T, text string) config.Hours {
	t.Helper()
	c, err := config.Load("", []string{"NIDAN_HOURS=" + text})
	if err != nil {
		t.Fatal(err)
	}
	return c.Hours
}

// wall reads a time in a zone.
func wall(t *testing.T, text string, zone *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// 5 March 2018 was a Monday.
func TestTheDeskIsOpenOnWorkingDaysWithinItsHours(t *testing.T) {
	for _, c := range []struct {
		hours, now string
		open       bool
		from, to   string
	}{
		{"09:00-17:30", "2018-03-05 08:59:59", false, "2018-03-05 09:00:00", "2018-03-05 17:30:00"},
		{"09:00-17:30", "2018-03-05 09:00:00", true, "2018-03-05 09:00:00", "2018-03-05 17:30:00"},
		{"09:00-17:30", "2018-03-05 17:29:59", true, "2018-03-05 09:00:00", "2018-03-05 17:30:00"},
		{"09:00-17:30", "2018-03-05 17:30:00", false, "2018-03-06 09:00:00", "2018-03-06 17:30:00"},
		{"09:00-17:30", "2018-03-09 17:30:00", false, "2018-03-12 09:00:00", "2018-03-12 17:30:00"},
		{"09:00-17:30", "2018-03-10 12:00:00", false, "2018-03-12 09:00:00", "2018-03-12 17:30:00"},
		{"Mon-Sat 09:00-17:30", "2018-03-10 12:00:00", true, "2018-03-10 09:00:00", "2018-03-10 17:30:00"},
		{"Mon-Sat 09:00-17:30", "2018-03-11 12:00:00", false, "2018-03-12 09:00:00", "2018-03-12 17:30:00"},
		{"Tue 09:00-17:30", "2018-03-06 17:30:00", false, "2018-03-13 09:00:00", "2018-03-13 17:30:00"},
		{"00:00-23:59", "2018-03-05 23:59:00", false, "2018-03-06 00:00:00", "2018-03-06 23:59:00"},
		{"09:00-17:30", "2018-12-31 20:00:00", false, "2019-01-01 09:00:00", "2019-01-01 17:30:00"},
	} {
		now := wall(t, c.now, tokyo).UTC()
		s := Next(hours(t, c.hours), tokyo, now)
		if s.Open(now) != c.open || !s.From.Equal(wall(t, c.from, tokyo)) || !s.To.Equal(wall(t, c.to, tokyo)) {
			t.Errorf("%s at %s: open %t, %s to %s", c.hours, c.now, s.Open(now), s.From, s.To)
		}
	}
	if s := Next(config.Hours{}, tokyo, wall(t, "2018-03-05 12:00:00", tokyo)); s != (Shift{}) || s.Open(wall(t, "2018-03-05 12:00:00", tokyo)) {
		t.Errorf("without hours: %v", s)
	}
}

// On the day on which clocks go forward, nine o'clock is eight hours after midnight.
func TestHoursFollowTheClockOnTheWall(t *testing.T) {
	berlin := phrase.Location("Europe/Berlin")
	s := Next(hours(t, "Sun 09:00-17:30"), berlin, wall(t, "2018-03-25 00:00:00", berlin))
	if got := s.From.UTC().Format(time.RFC3339) + " " + s.To.UTC().Format(time.RFC3339); got != "2018-03-25T07:00:00Z 2018-03-25T15:30:00Z" {
		t.Error(got)
	}
}

var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!|&lt;no value|<no value|ZgotmplZ`)

func shown(t *testing.T, text, at, query string) *httptest.ResponseRecorder {
	t.Helper()
	book, err := phrase.NewBook(page.Words, phrase.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal", House: tokyo, Contact: "help+desk@portal.example",
		Hours: "9:00–17:30 JST", Now: func() time.Time { return wall(t, at, tokyo) }})
	if err != nil {
		t.Fatal(err)
	}
	room, err := New(site, hours(t, text))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	room.Routes()[0].Serve(w, httptest.NewRequest("GET", "/contact"+query, nil))
	if found := unsaid.FindString(w.Body.String()); found != "" {
		t.Errorf("it says %q", found)
	}
	return w
}

func TestThePageSaysHowToReachTheDeskInBothLanguages(t *testing.T) {
	for _, c := range []struct {
		hours, at, query string
		says             []string
		not              string
	}{
		{"09:00-17:30", "2018-03-05 12:00:00", "", []string{`href="mailto:help&#43;desk@portal.example?subject=Question%20about%20Business%20Portal"`, ">help&#43;desk@portal.example<",
			"open now", "Monday to Friday", "5 Mar 2018, 09:00 JST (00:00 UTC) to 17:30 JST (08:30 UTC)", "<dd>Portal</dd>", "<dd>Business Portal</dd>", `href="/status"`}, "closed now"},
		{"09:00-17:30", "2018-03-09 20:00:00", "", []string{"closed now", "Opens next", "12 Mar 2018, 09:00 JST"}, "open now"},
		{"09:00-17:30", "2018-03-05 12:00:00", "?zone=Europe/Berlin", []string{"5 Mar 2018, 09:00 JST (00:00 UTC; 01:00 CET) to 17:30 JST (08:30 UTC; 09:30 CET)"}, ""},
		{"Mon-Sat 09:00-17:30", "2018-03-05 12:00:00", "", []string{"Monday, Tuesday, Wednesday, Thursday, Friday, Saturday"}, ""},
		{"", "2018-03-05 12:00:00", "", []string{"mailto:"}, "Business hours"},
		{"09:00-17:30", "2018-03-05 12:00:00", "?lang=ja", []string{"お問い合わせ", "営業時間内", "月曜日から金曜日", "2018年3月5日(月) 09:00 JST (00:00 UTC)から17:30 JST (08:30 UTC)まで"}, "営業時間外"},
	} {
		w := shown(t, c.hours, c.at, c.query)
		body := w.Body.String()
		for _, text := range c.says {
			if w.Code != 200 || !strings.Contains(body, text) {
				t.Errorf("%s %s: %d without %q: %s", c.at, c.query, w.Code, text, body)
			}
		}
		if c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%s %s says %q", c.at, c.query, c.not)
		}
	}
	if w := shown(t, "09:00-17:30", "2018-03-05 12:00:00", "?zone=Atlantis"); w.Code != 422 || !strings.Contains(w.Body.String(), `value="Atlantis"`) {
		t.Errorf("a zone of nowhere: %d", w.Code)
	}
}
