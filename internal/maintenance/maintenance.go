package maintenance

import (
	"slices"
	"time"
)

// Window is a maintenance window [Opens, Closes), for the whole portal.
type Window struct {
	ID        string
	Opens     time.Time
	Closes    time.Time
	Operators []string // ids of those who may enter
	Planned   time.Time
	Cancelled time.Time // zero: it stands
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

// Ahead is the next window that opens after now, within the given time.
func Ahead(windows []Window, now time.Time, within time.Duration) (next Window, ok bool) {
	for _, w := range windows {
		if w.Cancelled.IsZero() && w.Opens.After(now) && !w.Opens.After(now.Add(within)) && (!ok || w.Opens.Before(next.Opens)) {
			next, ok = w, true
		}
	}
	return next, ok
}
