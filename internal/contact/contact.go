package contact

import (
	"time"

	"nidan/internal/config"
)

// Shift is the desk's hours on one day, in instants. The zero Shift: none are named.
type Shift struct{ From, To time.Time }

// Open says whether the desk is open at now.
func (s Shift) Open(now time.Time) bool { return !now.Before(s.From) && now.Before(s.To) }

// Next is the shift that is on at now in the house zone, or else the one after it.
func Next(hours config.Hours, house *time.Location, now time.Time) Shift {
	if hours == (config.Hours{}) {
		return Shift{}
	}
	today := now.In(house)
	for ahead := range 8 {
		at := func(since time.Duration) time.Time {
			// By the wall's clock, also on a day on which that is changed.
			return time.Date(today.Year(), today.Month(), today.Day()+ahead, int(since.Hours()), int(since.Minutes())%60, 0, 0, house)
		}
		s := Shift{at(hours.From), at(hours.To)}
		if now.Before(s.To) && hours.Days.Has(s.From.Weekday()) {
			return s
		}
	}
	return Shift{}
}
