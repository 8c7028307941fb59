package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func names(wrong []Wrong) string {
	list := make([]string, 0, len(wrong))
	for _, w := range wrong {
		list = append(list, w.Field+": "+w.Phrase)
	}
	if len(list) == 0 {
		return "may be saved"
	}
	return strings.Join(list, "; ")
}

// What may be planned on 1 Mar, beside the portal's rollout of 4 Mar to 24 Apr or alone.
func TestWhichTimetablesMayBePlannedIsAsInTheGoldenFile(t *testing.T) {
	now := on(3, 1)
	running := portal
	running.Opens = on(2, 20)
	beside := []struct {
		name  string
		plans []Plan
	}{
		{"nothing else", nil}, {"the portal's ahead", []Plan{portal}}, {"the portal's in its period", []Plan{running}},
		{"the portal's withdrawn", []Plan{withdrawn(portal, on(2, 20))}}, {"an own one", []Plan{own}},
		{"an own one, withdrawn before it opened", []Plan{withdrawn(own, on(2, 20))}},
	}
	var got strings.Builder
	for _, b := range beside {
		fmt.Fprintf(&got, "beside %s\n", b.name)
		for _, scope := range []string{"", "yamada"} {
			for _, period := range []struct {
				name        string
				opens, ends time.Time
			}{
				{"ends as it opens", on(3, 10), on(3, 10)}, {"ends before it opens", on(3, 10), on(3, 9)},
				{"a minute short of an hour", on(3, 10), on(3, 10).Add(59 * time.Minute)}, {"an hour", on(3, 10), on(3, 10).Add(time.Hour)},
				{"three years", on(3, 10), on(3, 10).AddDate(3, 0, 0)}, {"opens now", now, on(6, 1)}, {"opens a month ago", on(2, 1), on(6, 1)},
				{"10 Mar to 1 Jun", on(3, 10), on(6, 1)}, {"up to the other's opening", on(3, 2), portal.Opens},
				{"from the other's end on", portal.Ends, on(7, 1)},
			} {
				p := Plan{Organization: scope, Opens: period.opens, Ends: period.ends}
				fmt.Fprintf(&got, "  %-7s %-28s %s\n", map[string]string{"": "portal", "yamada": "own"}[scope], period.name, names(Timetable(now, p, b.plans)))
			}
		}
	}
	compare(t, "testdata/timetable.golden", got.String())
}

// Every pair of where an instant stood and where it would go, at every now around both.
func TestAPassedInstantCannotBeMoved(t *testing.T) {
	for _, now := range []time.Time{portal.Opens.Add(-time.Hour), portal.Opens.Add(-time.Microsecond), portal.Opens, portal.Opens.Add(time.Hour),
		portal.Ends.Add(-time.Microsecond), portal.Ends, portal.Ends.AddDate(0, 1, 0)} {
		for _, field := range []string{"opens", "ends"} {
			for _, by := range []time.Duration{-48 * time.Hour, -time.Microsecond, 0, time.Microsecond, 48 * time.Hour} {
				to, stood := portal, &portal.Opens
				at := &to.Opens
				if field == "ends" {
					stood, at = &portal.Ends, &to.Ends
				}
				*at = at.Add(by)
				allowed := by == 0 || stood.After(now) && at.After(now)
				if wrong := Moves(now, portal, to, []Plan{portal}); (len(wrong) == 0) != allowed {
					t.Errorf("at %s, %s moved by %s: %s", now, field, by, names(wrong))
				}
			}
		}
	}
}

func TestAWithdrawnRolloutIsNotChanged(t *testing.T) {
	taken := withdrawn(portal, on(2, 20))
	if wrong := Moves(on(2, 21), taken, taken, nil); len(wrong) == 0 {
		t.Error("a withdrawn rollout may be changed")
	}
}

// An extension is given before the own end of the account, and never afterwards:
// neither the rollout's later end nor another's extension brings it back.
func TestAnExtensionIsGivenOnlyBeforeTheOwnEnd(t *testing.T) {
	claim := Claim{Organization: "yamada", FirstPassword: on(1, 1)}
	until := portal.Ends.AddDate(0, 1, 0)
	for _, c := range []struct {
		name  string
		now   time.Time
		claim Claim
		until time.Time
		want  string
	}{
		{"before the opening", on(3, 1), claim, until, ""},
		{"a microsecond before the end", portal.Ends.Add(-time.Microsecond), claim, until, ""},
		{"at the end", portal.Ends, claim, until, "rollout.extend_passed"},
		{"at the end, with an extension that lasts", portal.Ends, Claim{Organization: "yamada", FirstPassword: on(1, 1), Extended: until}, until.AddDate(0, 1, 0), ""},
		{"at the end of that extension", until, Claim{Organization: "yamada", FirstPassword: on(1, 1), Extended: until}, until.AddDate(0, 1, 0), "rollout.extend_passed"},
		{"to the end itself", on(3, 10), claim, portal.Ends, "rollout.extend_not_later"},
		{"to the 90th day", on(3, 10), claim, portal.Ends.Add(LongestExtension), ""},
		{"beyond the 90th day", on(3, 10), claim, portal.Ends.Add(LongestExtension + time.Microsecond), "rollout.extend_beyond"},
		{"to the past", portal.Ends.Add(-time.Hour), claim, on(3, 1), "rollout.extend_not_later"},
		{"somebody enrolled before", on(3, 10), Claim{Organization: "yamada", FirstPassword: on(1, 1), Finished: true}, until, "rollout.extend_no_grace"},
		{"somebody who came in the period", on(3, 10), Claim{Organization: "yamada", FirstPassword: on(3, 9)}, until, "rollout.extend_no_grace"},
	} {
		term, grace := For([]Plan{portal}, c.claim)
		if got := Extends(c.now, term, grace, c.until); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

func TestAnOrganizationIsExtendedOnlyBeforeItsOwnEnd(t *testing.T) {
	until := portal.Ends.AddDate(0, 0, 30)
	extended := extendedTo(portal, until)
	for _, c := range []struct {
		name string
		now  time.Time
		plan Plan
		want string
	}{
		{"before the end", portal.Ends.Add(-time.Microsecond), portal, ""},
		{"at the end", portal.Ends, portal, "rollout.extend_passed"},
		{"at the end, extended before", portal.Ends, extended, ""},
		{"at the end of that extension", until, extended, "rollout.extend_passed"},
		{"withdrawn", on(3, 10), withdrawn(portal, on(3, 5)), "rollout.extend_passed"},
	} {
		if got := ExtendsAll(c.now, c.plan, until.AddDate(0, 0, 30)); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

func TestALaterRolloutIsNotWithdrawnBeforeAnEarlierOneHasOpened(t *testing.T) {
	autumn := Plan{ID: "autumn", Opens: on(9, 1), Ends: on(11, 1), Planned: on(1, 1)}
	both := []Plan{portal, autumn}
	if !Shadowed(on(3, 1), autumn, both) {
		t.Error("autumn's may be withdrawn while spring's is ahead, and would end everybody's grace")
	}
	if Shadowed(portal.Opens, autumn, both) || Shadowed(on(3, 1), portal, both) || Shadowed(on(3, 1), autumn, []Plan{withdrawn(portal, on(2, 1)), autumn}) {
		t.Error("a withdrawal that harms nobody is refused")
	}
}

func TestASeriesIsReadAsPeopleWriteIt(t *testing.T) {
	for typed, want := range map[string]Series{"28,14,7,3,1": Usual, "1 3 7 14 28": Usual, "28、14、7、3、1": Usual, "": "", " 7 , 1 ": "7,1", "365": "365"} {
		if got, ok := ParseSeries(typed); !ok || got != want {
			t.Errorf("%q: %q, %t", typed, got, ok)
		}
	}
	for _, typed := range []string{"7,7", "0", "-1", "366", "1.5", "a week", "1,2,3,4,5,6,7,8,9,10,11,12,13", "9999999999999999999"} {
		if got, ok := ParseSeries(typed); ok {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
}

func TestADayBeforeIsOfTheCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2018, 3, 26, 0, 0, 0, 0, berlin) // clocks went forward on the 25th
	if got := Before(end, 1, berlin); !got.Equal(time.Date(2018, 3, 25, 0, 0, 0, 0, berlin)) || end.Sub(got) != 23*time.Hour {
		t.Errorf("one day before %s is %s", end, got)
	}
}

func TestThePlanOfThePresentIsTheOneInItsPeriod(t *testing.T) {
	last := Plan{ID: "last", Opens: portal.Opens.AddDate(-1, 0, 0), Ends: portal.Ends.AddDate(-1, 0, 0), Planned: portal.Planned.AddDate(-1, 0, 0)}
	autumn := Plan{ID: "autumn", Opens: on(9, 1), Ends: on(11, 1), Planned: on(1, 1)}
	book := Book{Plans: []Plan{autumn, last, portal, withdrawn(own, on(2, 1))}}
	for at, want := range map[time.Time]string{on(2, 1): "portal", portal.Opens: "portal", portal.Ends: "autumn", on(12, 1): "autumn", last.Opens: "last"} {
		if p, ok := book.In("", at); !ok || p.ID != want {
			t.Errorf("at %s it is %q (%t), not %q", at, p.ID, ok, want)
		}
	}
	if p, ok := (Book{Plans: []Plan{portal, own}}).In("yamada", on(3, 10)); !ok || p.ID != own.ID {
		t.Errorf("yamada lives by %q", p.ID)
	}
	if _, ok := (Book{}).In("", on(3, 10)); ok {
		t.Error("without a rollout there is one of the present")
	}
}

func TestTheRolloutBesideOtherFiguresIsThePortalsThatRanAmongThem(t *testing.T) {
	last := Plan{ID: "last", Opens: portal.Opens.AddDate(-1, 0, 0), Ends: portal.Ends.AddDate(-1, 0, 0), Planned: portal.Planned.AddDate(-1, 0, 0)}
	autumn := Plan{ID: "autumn", Opens: on(9, 1), Ends: on(11, 1), Planned: on(1, 1)}
	alone := Plan{ID: "alone", Organization: "tanaka", Opens: on(6, 1), Ends: on(7, 1), Planned: on(1, 1)}
	book := Book{Plans: []Plan{autumn, own, alone, last, portal}, Extended: map[[2]string]time.Time{{"alone", "tanaka"}: on(7, 20)}}
	for now, want := range map[time.Time]string{
		on(2, 1): "", portal.Opens: "portal", on(3, 20): "portal", portal.Ends.AddDate(0, 0, 55): "portal", // its own beside it never counts
		on(6, 30): "alone", on(9, 2): "autumn", on(12, 1): "autumn", on(9, 1).Add(-time.Second): "alone", // 20 July is in the eight weeks before
	} {
		if p, ok := book.Beside(now.AddDate(0, 0, -56), now); ok != (want != "") || p.ID != want {
			t.Errorf("at %s it is %q (%t), not %q", now, p.ID, ok, want)
		}
	}
	if p, ok := (Book{Plans: []Plan{withdrawn(portal, on(3, 20))}}).Beside(on(3, 1), on(3, 30)); ok {
		t.Errorf("%q was withdrawn", p.ID)
	}
}
