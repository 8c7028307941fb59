package hours

import (
	"fmt"
	"time"

	"nidan/internal/config"
)

// Day is a day of the calendar, in no zone. The zero Day is none.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// DayOf is the day of an instant in a zone.
func DayOf(t time.Time, zone *time.Location) Day {
	y, m, d := t.In(zone).Date()
	return Day{y, m, d}
}

// ParseDay reads 2018-03-05.
func ParseDay(text string) (Day, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return Day{}, false
	}
	return DayOf(t, time.UTC), true
}

// String is the day as it is stored and typed.
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Number is the day as one number that orders days, such as 20180305.
func (d Day) Number() int64 { return int64(d.Year)*10000 + int64(d.Month)*100 + int64(d.Day) }

// DayNumbered is the day of such a number.
func DayNumbered(n int64) Day {
	return Day{int(n / 10000), time.Month(n / 100 % 100), int(n % 100)}
}

// Weekday is the day of the week.
func (d Day) Weekday() time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).Weekday()
}

// Plus is the day n days later.
func (d Day) Plus(n int) Day {
	return DayOf(time.Date(d.Year, d.Month, d.Day+n, 12, 0, 0, 0, time.UTC), time.UTC)
}

// Before says whether d is the earlier day.
func (d Day) Before(e Day) bool { return d.Number() < e.Number() }

// Special is a day that an operator closed, or opened with the usual hours.
type Special struct {
	Day  Day
	Open bool
	Note string
}

// Calendar is business time. The zero Calendar is never open.
type Calendar struct {
	Hours   config.Hours
	Zone    *time.Location // the house zone; nil: UTC
	Special map[Day]Special
}

// Why is what decides about a day.
type Why string

// The reasons.
const (
	Working   Why = "working"
	Weekend   Why = "weekend" // no working day of the week
	Holiday   Why = "holiday"
	Closed    Why = "closed" // by an operator
	OpenedToo Why = "opened" // by an operator, though it would be none
	NoHours   Why = "none"   // no hours are set
)

// Of says whether a day is a business day, and why: what operators said of it comes
// first, then the public holidays, then the days of the week.
func (c Calendar) Of(d Day) (open bool, why Why) {
	if c.Hours == (config.Hours{}) {
		return false, NoHours
	}
	usual := c.Hours.Days.Has(d.Weekday())
	_, holiday := HolidayOn(d)
	special, said := c.Special[d]
	switch {
	case said && !special.Open:
		return false, Closed
	case said && (holiday || !usual):
		return true, OpenedToo
	case said:
		return true, Working
	case holiday && usual:
		return false, Holiday
	case !usual:
		return false, Weekend
	}
	return true, Working
}

// Shift is the business time of one day, [From, To). The zero Shift is none.
type Shift struct{ From, To time.Time }

// Open says whether now lies in the shift.
func (s Shift) Open(now time.Time) bool { return !now.Before(s.From) && now.Before(s.To) }

// On is the shift of a day; false where it is no business day, or where clocks leave
// nothing of it: a zone may leave out an hour, or a whole day.
func (c Calendar) On(d Day) (Shift, bool) {
	if open, _ := c.Of(d); !open {
		return Shift{}, false
	}
	s := Shift{c.wall(d, c.Hours.From), c.wall(d, c.Hours.To)}
	if !s.From.Before(s.To) || DayOf(s.From, c.zone()) != d {
		return Shift{}, false
	}
	return s, true
}

// wall is a time of the wall's clock on a day.
func (c Calendar) wall(d Day, since time.Duration) time.Time {
	return time.Date(d.Year, d.Month, d.Day, int(since/time.Hour), int(since/time.Minute)%60, 0, 0, c.zone()).UTC()
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// reach bounds how many days in a row are looked at for the next shift: operators
// may close many.
const reach = 800

// Next is the shift that is on at t, or else the one after it; the zero Shift when
// none is in reach.
func (c Calendar) Next(t time.Time) Shift {
	// A zone may be a day ahead of itself: one earlier is looked at as well.
	first := DayOf(t, c.zone()).Plus(-1)
	for n := range reach {
		if s, ok := c.On(first.Plus(n)); ok && t.Before(s.To) {
			return s
		}
	}
	return Shift{}
}

// Open says whether t lies in business time, and until when that is so: till the
// shift ends, or the next one begins. The instant is zero where none is in reach.
func (c Calendar) Open(t time.Time) (open bool, until time.Time) {
	s := c.Next(t)
	if s.Open(t) {
		return true, s.To
	}
	return false, s.From
}

// Add is the first instant by which d of business time has passed since from; from
// itself where d is nothing, and the zero time where that is out of reach.
func (c Calendar) Add(from time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return from
	}
	for at := from; ; {
		s := c.Next(at)
		if s == (Shift{}) {
			return time.Time{}
		}
		begin := later(s.From, at)
		if left := s.To.Sub(begin); left < d {
			d -= left
			at = s.To
			continue
		}
		return begin.Add(d)
	}
}

// Between is how much business time lies between two instants; below zero where the
// second is the earlier.
func (c Calendar) Between(from, to time.Time) (sum time.Duration) {
	if to.Before(from) {
		return -c.Between(to, from)
	}
	for at := from; ; {
		s := c.Next(at)
		if s == (Shift{}) || !s.From.Before(to) {
			return sum
		}
		sum += earlier(s.To, to).Sub(later(s.From, at))
		if !s.To.Before(to) {
			return sum
		}
		at = s.To
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
