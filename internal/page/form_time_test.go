package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
)

// filled is a posted form.
func filled(t *testing.T, fields ...string) *page.Form {
	t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	form, err := page.Read(post(values.Encode(), urlencoded))
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func TestAnInstantIsReadOrAskedBackBesideItsField(t *testing.T) {
	berlin := phrase.Location("Europe/Berlin")
	for _, c := range []struct {
		name, typed, which string
		want, fault        string
	}{
		{"a plain time", "2018-03-03 15:00", "", "2018-03-03T14:00:00Z", ""},
		{"a plain time with an answer to nothing", "2018-03-03 15:00", "second", "2018-03-03T14:00:00Z", ""},
		{"with its own offset", "2018-03-03T15:00:00+09:00", "", "2018-03-03T06:00:00Z", ""},
		{"nothing", "", "", "", "it page.time_missing"},
		{"blanks", " \u3000", "", "", "it page.time_missing"},
		{"no time", "soon", "", "", "it page.time_unread"},
		{"a control character", "2018-03-03\x00 15:00", "", "", "it page.time_unread"},
		{"oversized", strings.Repeat("2018-03-03 15:00", 100), "", "", "it page.time_unread"},
		{"never", "2018-03-25 02:30", "", "", "it page.time_never"},
		{"never, chosen all the same", "2018-03-25 02:30", "first", "", "it page.time_never"},
		{"twice", "2018-10-28 02:30", "", "", "it_which page.time_twice"},
		{"twice, with an answer of no form", "2018-10-28 02:30", "third", "", "it_which page.time_twice"},
		{"twice, the earlier", "2018-10-28 02:30", "first", "2018-10-28T00:30:00Z", ""},
		{"twice, the later", "2018-10-28 02:30", "second", "2018-10-28T01:30:00Z", ""},
		{"twice, and says which itself", "2018-10-28 02:30 CET", "", "2018-10-28T01:30:00Z", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := filled(t, "it", c.typed, "it_which", c.which)
			at := form.Instant("it", berlin)
			got := ""
			if !at.IsZero() {
				got = at.Format(time.RFC3339)
			}
			if got != c.want || faultOf(form) != c.fault {
				t.Errorf("%s, fault %q", got, faultOf(form))
			}
			shown := form.When("it", berlin)
			if shown.At != at || (len(shown.Twice) == 2) != (strings.HasPrefix(c.name, "twice") && !strings.Contains(c.name, "itself")) {
				t.Errorf("shown again as %+v", shown)
			}
			if len(c.typed) < 1000 && !strings.Contains(c.typed, "\x00") && shown.Typed != strings.TrimSpace(c.typed) {
				t.Errorf("what was typed is lost: %q", shown.Typed)
			}
		})
	}
}

func TestATimeThatDoesNotExistNamesTheNearestOnes(t *testing.T) {
	form := filled(t, "it", "2018-03-11 02:30")
	form.Instant("it", phrase.Location("America/New_York"))
	view := page.View{Faults: form.Faults()}
	s := site(t, false)
	said := s.Speaker(phrase.English, nil).T(view.Faults[0].Phrase, view.Faults[0].Args...)
	if !strings.Contains(said, "2018-03-11 01:59 EST and 2018-03-11 03:00 EDT") {
		t.Error(said)
	}
}

func TestAKnownInstantIsShownAsItWouldBeTyped(t *testing.T) {
	berlin := phrase.Location("Europe/Berlin")
	for at, want := range map[string]string{
		"2018-03-03T14:00:00Z": "2018-03-03 15:00",
		"2018-10-28T00:30:00Z": "2018-10-28T02:30:00+02:00",
		"2018-10-28T01:30:00Z": "2018-10-28T02:30:00+01:00",
		"2018-03-03T14:00:01Z": "2018-03-03T15:00:01+01:00",
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		w := page.WhenAt(instant, berlin)
		form := filled(t, "it", w.Typed)
		if w.Typed != want || !form.Instant("it", berlin).Equal(instant) || !form.OK() {
			t.Errorf("%s is shown as %q", at, w.Typed)
		}
	}
}

func TestAZoneIsTypedByItsNameAndTheTimesInItFollow(t *testing.T) {
	for typed, want := range map[string]string{
		"Asia/Tokyo": "", " Europe/Berlin ": "", "UTC": "", "": "zone page.zone_missing", "JST": "zone page.zone_unknown", "Asia/Atlantis": "zone page.zone_unknown",
	} {
		form := filled(t, "zone", typed, "it", "2018-03-03 15:00")
		zone := form.Zone("zone")
		if faultOf(form) != want || (zone == nil) != (want != "") {
			t.Errorf("%q: %v, fault %q", typed, zone, faultOf(form))
		}
		if at := form.Instant("it", zone); at.IsZero() != (zone == nil) || zone == nil && len(form.Faults()) != 1 {
			t.Errorf("%q: %s, faults %v", typed, at, form.Faults())
		}
		if form.When("it", zone).Typed != "2018-03-03 15:00" {
			t.Errorf("%q: what was typed is lost", typed)
		}
	}
}

func TestAFormThatOnlyAsksIsReadFromTheAddress(t *testing.T) {
	form, err := page.Query(httptest.NewRequest(http.MethodGet, "/x?it=2018-03-03+15%3A00&lang=ja", nil))
	if err != nil || form.Instant("it", time.UTC).IsZero() || form.Has("lang") {
		t.Errorf("%v, %v", form, err)
	}
	for _, query := range []string{"it=1&it=2", "it=%zz", "it=%ff"} {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.URL.RawQuery = query
		if form, err := page.Query(r); form != nil || fault.Of(err) == nil {
			t.Errorf("%s: %v, %v", query, form, err)
		}
	}
}
