package maintenance

import (
	"testing"
	"time"
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

func TestTheNextWindowIsToldInTime(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name    string
		windows []Window
		want    string
	}{
		{"none", nil, ""},
		{"one within a day", []Window{window("a", 5, 6)}, "a"},
		{"one in exactly a day", []Window{window("a", 24, 25)}, "a"},
		{"one a moment later", []Window{{ID: "a", Opens: at(24).Add(time.Microsecond), Closes: at(25)}}, ""},
		{"one that opens now is not ahead", []Window{window("a", 0, 1)}, ""},
		{"the first of two, in any order", []Window{window("b", 8, 9), window("a", 5, 6)}, "a"},
		{"a cancelled one is passed over", []Window{cancelled(window("a", 5, 6)), window("b", 8, 9)}, "b"},
		{"one that is past", []Window{window("a", -5, -4)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, ok := Ahead(c.windows, noon, day)
			if next.ID != c.want || ok != (c.want != "") {
				t.Errorf("%q, %t", next.ID, ok)
			}
		})
	}
}
