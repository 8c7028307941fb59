package record

import (
	"strconv"
	"time"
)

// Refused is how many sign-ins were refused, by what was wrong.
type Refused struct{ Passwords, Codes, Passes, Guides, Resets int64 }

func (r *Refused) add(act string, n int64) {
	switch act {
	case actPasswordWrong:
		r.Passwords += n
	case actCodeWrong:
		r.Codes += n
	case actPassWrong:
		r.Passes += n
	case actGuide:
		r.Guides += n
	case actReset:
		r.Resets += n
	}
}

// plus is two sums together.
func (r Refused) plus(o Refused) Refused {
	return Refused{r.Passwords + o.Passwords, r.Codes + o.Codes, r.Passes + o.Passes, r.Guides + o.Guides, r.Resets + o.Resets}
}

// Others are the refused passes, guides and resets.
func (r Refused) Others() int64 { return r.Passes + r.Guides + r.Resets }

// All is every refused one.
func (r Refused) All() int64 { return r.Passwords + r.Codes + r.Others() }

// Bar is a stretch of time in the plot and in its table.
type Bar struct {
	From, To time.Time
	Refused
}

// Span is how far back the page looks, and by how long stretches.
type Span struct {
	Days   int
	Hourly bool
}

// Spans are those that can be chosen.
var Spans = []Span{{1, true}, {7, false}, {30, false}, {90, false}}

// span is the one of so many days; the week when there is none.
func span(days string) Span {
	for _, s := range Spans {
		if days == strconv.Itoa(s.Days) {
			return s
		}
	}
	return Spans[1]
}

// bars lays hours into stretches of a span that ends now: hours, or days of a zone.
// A zone that is not whole hours from UTC has its days begin within an hour, which
// counts to the day in which it began.
func bars(hours []Hour, s Span, now time.Time, zone *time.Location) (list []Bar) {
	for at := s.from(now, zone); at.Before(now); {
		to := at.Add(time.Hour)
		if !s.Hourly {
			to = at.AddDate(0, 0, 1)
		}
		b := Bar{From: at, To: to}
		for _, h := range hours {
			if !h.At.Before(at) && h.At.Before(to) {
				b.Refused = b.Refused.plus(h.Refused)
			}
		}
		list = append(list, b)
		at = to
	}
	return list
}

// from is where a span that ends now begins.
func (s Span) from(now time.Time, zone *time.Location) time.Time {
	if s.Hourly {
		return now.UTC().Truncate(time.Hour).Add(-time.Duration(24*s.Days-1) * time.Hour).In(zone)
	}
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d-s.Days+1, 0, 0, 0, 0, zone)
}
