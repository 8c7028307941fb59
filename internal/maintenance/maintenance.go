package maintenance

import (
	"slices"
	"time"
)

// The bounds of a window that makes sense.
const (
	shortest = 5 * time.Minute
	longest  = 72 * time.Hour
	farthest = 2 * 366 * 24 * time.Hour
)

// Window is a maintenance window [Opens, Closes), for the whole portal.
type Window struct {
	ID         string
	Opens      time.Time
	Closes     time.Time
	LiftedFrom time.Time // the planned close of one that was ended early, at Closes; else zero
	Operators  []string  // ids of those who may enter
	Planned    time.Time
	By         string    // who planned it: an operator's id, or the console
	Cancelled  time.Time // zero: it stands
}

// Phase is where a window stands at an instant. It is computed, never stored.
type Phase string

// The phases.
const (
	Ahead     Phase = "ahead"
	Open      Phase = "open"
	Over      Phase = "over"
	Lifted    Phase = "lifted" // over, and it was ended early
	Cancelled Phase = "cancelled"
)

// At is the phase of a window at now.
func (w Window) At(now time.Time) Phase {
	switch {
	case !w.Cancelled.IsZero():
		return Cancelled
	case now.Before(w.Opens):
		return Ahead
	case now.Before(w.Closes):
		return Open
	case !w.LiftedFrom.IsZero():
		return Lifted
	}
	return Over
}

// Covers says whether the window closes the portal at now.
func (w Window) Covers(now time.Time) bool {
	return w.Cancelled.IsZero() && !now.Before(w.Opens) && now.Before(w.Closes)
}

// Lists says whether an operator may enter during the window.
func (w Window) Lists(operatorID string) bool {
	return operatorID != "" && slices.Contains(w.Operators, operatorID)
}

// Covering is what closes the portal at now: the end is that of the last of
// overlapping or adjoining windows, and only operators on each list may enter.
func Covering(windows []Window, now time.Time) (closed bool, until time.Time, lists func(operatorID string) bool) {
	var covering []Window
	until = now
	for again := true; again; {
		again = false
		for _, w := range windows {
			if w.Covers(now) && !slices.ContainsFunc(covering, func(x Window) bool { return x.ID == w.ID }) {
				covering = append(covering, w)
			}
			if w.Covers(until) && w.Closes.After(until) {
				until, again = w.Closes, true
			}
		}
	}
	lists = func(id string) bool {
		return !slices.ContainsFunc(covering, func(w Window) bool { return !w.Lists(id) })
	}
	return len(covering) > 0, until, lists
}

// Stretch is a time in which the portal is closed without a break: one window, or
// several that overlap or adjoin.
type Stretch struct{ Opens, Closes time.Time }

// Coming are the stretches that begin after now and within the given time, the
// first first.
func Coming(windows []Window, now time.Time, within time.Duration) (list []Stretch) {
	for _, s := range Stretches(windows) {
		if s.Opens.After(now) && !s.Opens.After(now.Add(within)) {
			list = append(list, s)
		}
	}
	return list
}

// Stretches are the times in which the windows that stand close the portal, the
// first first.
func Stretches(windows []Window) (list []Stretch) {
	standing := slices.DeleteFunc(slices.Clone(windows), func(w Window) bool { return !w.Cancelled.IsZero() })
	slices.SortFunc(standing, func(a, b Window) int { return a.Opens.Compare(b.Opens) })
	for _, w := range standing {
		last := len(list) - 1
		switch {
		case last < 0 || list[last].Closes.Before(w.Opens):
			list = append(list, Stretch{w.Opens, w.Closes})
		case list[last].Closes.Before(w.Closes):
			list[last].Closes = w.Closes
		}
	}
	return list
}

// Beside are the windows that stand and overlap or adjoin w.
func Beside(w Window, others []Window) (list []Window) {
	for _, o := range others {
		if o.ID != w.ID && o.Cancelled.IsZero() && !o.Opens.After(w.Closes) && !w.Opens.After(o.Closes) {
			list = append(list, o)
		}
	}
	return list
}

// Wrong is what is wrong with a window: a field of the form and a phrase.
type Wrong struct{ Field, Phrase string }

// Timetable says what is wrong with a window that is about to be planned at now,
// beside those that were planned already. Nothing wrong: it may be saved. One that
// overlaps another is no mistake; the same one twice is.
func Timetable(now time.Time, w Window, others []Window) (wrong []Wrong) {
	switch {
	case !w.Opens.After(now):
		wrong = append(wrong, Wrong{"opens", "maintenance.opens_past"})
	case w.Opens.After(now.Add(farthest)):
		wrong = append(wrong, Wrong{"opens", "maintenance.opens_far"})
	}
	switch length := w.Closes.Sub(w.Opens); {
	case length <= 0:
		wrong = append(wrong, Wrong{"closes", "maintenance.closes_before"})
	case length < shortest:
		wrong = append(wrong, Wrong{"closes", "maintenance.too_short"})
	case length > longest:
		wrong = append(wrong, Wrong{"closes", "maintenance.too_long"})
	}
	if len(wrong) == 0 && slices.ContainsFunc(Beside(w, others), func(o Window) bool { return o.Opens.Equal(w.Opens) && o.Closes.Equal(w.Closes) }) {
		wrong = append(wrong, Wrong{"", "maintenance.planned_already"})
	}
	return wrong
}

// What is the kind of a mark.
type What string

// The kinds of marks.
const (
	Opening  What = "opening"  // from it on people can set up
	End      What = "end"      // by it they must have
	Reminder What = "reminder" // on it they are written to
)

// Mark is an instant of the changeover that a window may swallow.
type Mark struct {
	At    time.Time
	What  What
	Whose string // an organization's name; empty: the whole portal's
	N     int    // of how many people; 0: of all it concerns
}

// Swallowed are the marks within a window, the first first. An end at the very
// opening is not among them: until then everybody could act. One at the close is.
func Swallowed(w Window, marks []Mark) (list []Mark) {
	for _, m := range marks {
		inside := !m.At.Before(w.Opens) && m.At.Before(w.Closes)
		if m.What == End {
			inside = m.At.After(w.Opens) && !m.At.After(w.Closes)
		}
		if inside {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b Mark) int { return a.At.Compare(b.At) })
	return list
}

// AsksBack says whether a window is planned only by somebody who says that it is
// meant: people would run into an end behind closed doors.
func AsksBack(swallowed []Mark) bool {
	return slices.ContainsFunc(swallowed, func(m Mark) bool { return m.What == End })
}
