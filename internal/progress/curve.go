package progress

import "time"

// Period is the period of a rollout, with the zone that its days are in.
type Period struct {
	Opens, Ends time.Time
	Zone        *time.Location
}

// Day is one day of a period, or what of it lies in the period and has passed.
type Day struct {
	From, To time.Time
	Figures          // what happened in it
	Sum      Figures // who is enrolled at To, by method; what came before the period counts
}

// Days are the days of a period until now, by the hours in which things happened.
// An hour belongs to the day, and to the period, that it begins in. Who was
// suspended or deleted since is in no day: what is drawn is how those who are here
// now came to be enrolled.
func (c Course) Days(p Period, now time.Time) []Day {
	last := earliest(now, p.Ends)
	hours, sum := c.Hours, Figures{}
	for len(hours) > 0 && hours[0].At.Before(p.Opens.Truncate(time.Hour)) {
		sum = sum.Plus(hours[0].methods())
		hours = hours[1:]
	}
	var days []Day
	for from := p.Opens; from.Before(last); {
		day := Day{From: from, To: earliest(midnight(from, p.Zone), last)}
		for len(hours) > 0 && hours[0].At.Before(day.To) {
			day.Figures = day.Plus(hours[0].Figures)
			sum = sum.Plus(hours[0].methods())
			hours = hours[1:]
		}
		day.Sum = sum
		days = append(days, day)
		from = day.To
	}
	return days
}

// methods are the figures of the enrolled alone.
func (f Figures) methods() Figures { return Figures{TOTP: f.TOTP, MailOTP: f.MailOTP} }

// Before is who was enrolled when the first of these days began.
func Before(days []Day) Figures {
	if len(days) == 0 {
		return Figures{}
	}
	return days[0].Sum.Minus(days[0].methods())
}

// Weeks puts days together by seven, counted from the opening.
func Weeks(days []Day) []Day {
	var weeks []Day
	for i, day := range days {
		if i%7 == 0 {
			weeks = append(weeks, day)
			continue
		}
		week := &weeks[len(weeks)-1]
		week.To, week.Sum, week.Figures = day.To, day.Sum, week.Plus(day.Figures)
	}
	return weeks
}

// midnight is the next beginning of a day. Where clocks change at midnight the day
// begins later, and is found all the same.
func midnight(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	next := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone).UTC()
	for !next.After(t) || next.In(zone).Day() == local.Day() {
		next = next.Add(30 * time.Minute)
	}
	return next
}

func earliest(t, u time.Time) time.Time {
	if u.Before(t) {
		return u
	}
	return t
}
