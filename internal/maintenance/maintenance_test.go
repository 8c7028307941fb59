package maintenance

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2018, 3, 3, 12, 0, 0, 0, time.UTC)

func at(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }

func window(id string, from, to int, operators ...string) Window {
	return Window{ID: id, Opens: at(from), Closes: at(to), Operators: operators}
}

func cancelled(w Window) Window { w.Cancelled = at(-9); return w }

func TestAWindowCoversFromItsOpeningUntilJustBeforeItsClose(t *testing.T) {
	const moment = time.Microsecond
	w := window("a", 0, 5)
	for _, c := range []struct {
		at     time.Time
		covers bool
	}{
		{at(0).Add(-moment), false}, {at(0), true}, {at(0).Add(moment), true},
		{at(5).Add(-moment), true}, {at(5), false}, {at(5).Add(moment), false},
	} {
		if got := w.Covers(c.at); got != c.covers {
			t.Errorf("%s: %t", c.at, got)
		}
		if cancelled(w).Covers(c.at) {
			t.Errorf("cancelled, and yet it covers %s", c.at)
		}
	}
}

func TestOverlappingAndAdjoiningWindowsAreOne(t *testing.T) {
	for _, c := range []struct {
		name    string
		windows []Window
		until   time.Time // zero: not closed
	}{
		{"none", nil, time.Time{}},
		{"one ahead", []Window{window("a", 1, 2)}, time.Time{}},
		{"one that closes now", []Window{window("a", -2, 0)}, time.Time{}},
		{"one that opens now", []Window{window("a", 0, 2)}, at(2)},
		{"two that overlap", []Window{window("a", -1, 2), window("b", 1, 4)}, at(4)},
		{"two that adjoin", []Window{window("a", -1, 2), window("b", 2, 4)}, at(4)},
		{"three in a row, the last first", []Window{window("c", 4, 6), window("b", 2, 4), window("a", -1, 2)}, at(6)},
		{"two with a gap", []Window{window("a", -1, 2), window("b", 3, 4)}, at(2)},
		{"the second cancelled", []Window{window("a", -1, 2), cancelled(window("b", 1, 4))}, at(2)},
		{"the link between two cancelled", []Window{window("a", -1, 2), cancelled(window("b", 1, 4)), window("c", 4, 6)}, at(2)},
		{"the only one cancelled", []Window{cancelled(window("a", -1, 2))}, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			closed, until, _ := Covering(c.windows, noon)
			if closed == c.until.IsZero() || closed && until != c.until {
				t.Errorf("closed %t until %s, want %s", closed, until, c.until)
			}
		})
	}
}

func TestAnOperatorEntersWhenListedInEachWindowThatCoversNow(t *testing.T) {
	for _, c := range []struct {
		name    string
		windows []Window
		listed  bool
	}{
		{"listed", []Window{window("a", -1, 2, "mori", "sato")}, true},
		{"not listed", []Window{window("a", -1, 2, "mori")}, false},
		{"an empty list", []Window{window("a", -1, 2)}, false},
		{"an empty name on the list", []Window{window("a", -1, 2, "")}, false},
		{"listed in one of two", []Window{window("a", -1, 2, "sato"), window("b", -1, 2)}, false},
		{"listed in both", []Window{window("a", -1, 2, "sato"), window("b", 0, 2, "sato")}, true},
		{"not listed in one that comes next", []Window{window("a", -1, 2, "sato"), window("b", 1, 4)}, true},
		{"not listed in a cancelled one", []Window{window("a", -1, 2, "sato"), cancelled(window("b", -1, 4))}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, lists := Covering(c.windows, noon)
			if lists("sato") != c.listed || lists("") {
				t.Errorf("sato %t, nobody %t", lists("sato"), lists(""))
			}
		})
	}
}

func TestWhatComesIsToldInTime(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name    string
		windows []Window
		want    []Stretch
	}{
		{"none", nil, nil},
		{"one within a day", []Window{window("a", 5, 6)}, []Stretch{{at(5), at(6)}}},
		{"one in exactly a day", []Window{window("a", 24, 25)}, []Stretch{{at(24), at(25)}}},
		{"one a moment later", []Window{{ID: "a", Opens: at(24).Add(time.Microsecond), Closes: at(25)}}, nil},
		{"one that opens now is not ahead", []Window{window("a", 0, 1)}, nil},
		{"two, in any order", []Window{window("b", 8, 9), window("a", 5, 6)}, []Stretch{{at(5), at(6)}, {at(8), at(9)}}},
		{"two that overlap are one", []Window{window("b", 6, 9), window("a", 5, 7)}, []Stretch{{at(5), at(9)}}},
		{"two that adjoin are one", []Window{window("b", 7, 9), window("a", 5, 7)}, []Stretch{{at(5), at(9)}}},
		{"one within another", []Window{window("b", 6, 7), window("a", 5, 9)}, []Stretch{{at(5), at(9)}}},
		{"what adjoins an open one is no news", []Window{window("a", -1, 2), window("b", 2, 4)}, nil},
		{"a cancelled one is passed over", []Window{cancelled(window("a", 5, 6)), window("b", 8, 9)}, []Stretch{{at(8), at(9)}}},
		{"one that is past", []Window{window("a", -5, -4)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Coming(c.windows, noon, day)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The portal is closed exactly within the stretches, by either way of looking.
func TestStretchesAndTheGateAgree(t *testing.T) {
	windows := []Window{window("a", 0, 2), window("b", 1, 4), window("c", 4, 5), cancelled(window("d", 5, 9)), window("e", 7, 8)}
	for minutes := -30; minutes < 600; minutes += 5 {
		now := noon.Add(time.Duration(minutes) * time.Minute)
		closed, until, _ := Covering(windows, now)
		var in Stretch
		for _, s := range Stretches(windows) {
			if !now.Before(s.Opens) && now.Before(s.Closes) {
				in = s
			}
		}
		if closed != !in.Opens.IsZero() || closed && until != in.Closes {
			t.Errorf("%s: closed %t until %s, stretch %v", now, closed, until, in)
		}
	}
}

func TestAWindowIsInOnePhaseAtATime(t *testing.T) {
	lifted := window("a", 0, 2)
	lifted.LiftedFrom = at(5)
	for _, c := range []struct {
		w    Window
		at   time.Time
		want Phase
	}{
		{window("a", 0, 5), at(0).Add(-time.Microsecond), Ahead}, {window("a", 0, 5), at(0), Open},
		{window("a", 0, 5), at(5).Add(-time.Microsecond), Open}, {window("a", 0, 5), at(5), Over},
		{lifted, at(1), Open}, {lifted, at(2), Lifted}, {lifted, at(9), Lifted},
		{cancelled(window("a", 0, 5)), at(-1), Cancelled}, {cancelled(window("a", 0, 5)), at(1), Cancelled}, {cancelled(window("a", 0, 5)), at(9), Cancelled},
	} {
		if got := c.w.At(c.at); got != c.want || (got == Open) != c.w.Covers(c.at) {
			t.Errorf("%v at %s: %s", c.w, c.at, got)
		}
	}
}

func TestAWindowOutsideSenseIsRefused(t *testing.T) {
	const moment = time.Microsecond
	for _, c := range []struct {
		name          string
		opens, closes time.Time
		others        []Window
		want          string
	}{
		{"five hours tomorrow", at(24), at(29), nil, ""},
		{"opens in a moment", noon.Add(moment), at(1), nil, ""},
		{"opens now", noon, at(1), nil, "opens maintenance.opens_past"},
		{"opened before", at(-1), at(1), nil, "opens maintenance.opens_past"},
		{"over already", at(-2), at(-1), nil, "opens maintenance.opens_past"},
		{"closes as it opens", at(1), at(1), nil, "closes maintenance.closes_before"},
		{"closes before it opens", at(2), at(1), nil, "closes maintenance.closes_before"},
		{"5 minutes", at(1), at(1).Add(5 * time.Minute), nil, ""},
		{"a moment less", at(1), at(1).Add(5*time.Minute - moment), nil, "closes maintenance.too_short"},
		{"72 hours", at(1), at(73), nil, ""},
		{"a moment more", at(1), at(73).Add(moment), nil, "closes maintenance.too_long"},
		{"two years ahead", noon.Add(farthest), noon.Add(farthest + time.Hour), nil, ""},
		{"a moment further", noon.Add(farthest + moment), noon.Add(farthest + time.Hour), nil, "opens maintenance.opens_far"},
		{"the wrong year and the wrong day", at(99999), at(1), nil, "opens maintenance.opens_far closes maintenance.closes_before"},
		{"twice", at(24), at(29), []Window{window("a", 24, 29)}, " maintenance.planned_already"},
		{"again after it was cancelled", at(24), at(29), []Window{cancelled(window("a", 24, 29))}, ""},
		{"overlapping another", at(24), at(29), []Window{window("a", 23, 28)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, w := range Timetable(noon, Window{Opens: c.opens, Closes: c.closes}, c.others) {
				got = append(got, w.Field+" "+w.Phrase)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestWindowsThatOverlapOrAdjoinStandBeside(t *testing.T) {
	w := window("w", 10, 15)
	for _, c := range []struct {
		other  Window
		beside bool
	}{
		{window("a", 5, 9), false}, {window("a", 5, 10), true}, {window("a", 5, 11), true}, {window("a", 11, 12), true}, {window("a", 5, 20), true},
		{window("a", 14, 20), true}, {window("a", 15, 20), true}, {window("a", 16, 20), false}, {cancelled(window("a", 11, 12)), false}, {w, false},
	} {
		if got := len(Beside(w, []Window{c.other})) == 1; got != c.beside {
			t.Errorf("%v: %t", c.other, got)
		}
	}
}

func TestAnEndBehindClosedDoorsIsAskedBack(t *testing.T) {
	const moment = time.Microsecond
	w := window("w", 10, 15)
	for _, c := range []struct {
		what      What
		at        time.Time
		swallowed bool
	}{
		{Opening, at(10).Add(-moment), false}, {Opening, at(10), true}, {Opening, at(15).Add(-moment), true}, {Opening, at(15), false},
		{Reminder, at(10).Add(-moment), false}, {Reminder, at(10), true}, {Reminder, at(15), false},
		{End, at(10), false}, {End, at(10).Add(moment), true}, {End, at(15), true}, {End, at(15).Add(moment), false},
	} {
		got := Swallowed(w, []Mark{{At: c.at, What: c.what}})
		if (len(got) == 1) != c.swallowed || AsksBack(got) != (c.swallowed && c.what == End) {
			t.Errorf("%s at %s: %v", c.what, c.at, got)
		}
	}
	list := Swallowed(w, []Mark{{At: at(12), What: Reminder}, {At: at(11), What: End}, {At: at(10), What: Opening}})
	if len(list) != 3 || list[0].What != Opening || list[1].What != End || !AsksBack(list) {
		t.Errorf("in order: %v", list)
	}
}
