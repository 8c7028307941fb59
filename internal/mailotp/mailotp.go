package mailotp

import (
	"slices"
	"time"
)

// Numbers of security.md.
const (
	Digits     = 8
	Valid      = 10 * time.Minute
	HourlyOpen = 5  // mails in an hour not answered rightly
	DailyOpen  = 10 // mails in a day not answered rightly
	DailyAll   = 40 // mails in a day in all
)

// Sent is one code mail of an account.
type Sent struct {
	At       time.Time
	Answered bool // rightly
}

// Next says when the next code may be mailed: the zero time means now.
func Next(now time.Time, sent []Sent) time.Time {
	var again time.Time
	wait := func(times []time.Time, limit int, span time.Duration) {
		if len(times) < limit {
			return
		}
		// With the limit reached, one more fits when the oldest of the last limit ones leaves the span.
		if at := times[len(times)-limit].Add(span); at.After(again) {
			again = at
		}
	}
	wait(within(sent, now, time.Hour, false), HourlyOpen, time.Hour)
	wait(within(sent, now, 24*time.Hour, false), DailyOpen, 24*time.Hour)
	wait(within(sent, now, 24*time.Hour, true), DailyAll, 24*time.Hour)
	return again
}

// within are the instants of the mails of a span, in order; answered ones only
// where they count.
func within(sent []Sent, now time.Time, span time.Duration, answered bool) []time.Time {
	var times []time.Time
	for _, s := range sent {
		if s.At.After(now.Add(-span)) && (answered || !s.Answered) {
			times = append(times, s.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// Door is what a code opens. A code for one door opens no other.
type Door string

// The doors.
const (
	SignIn  Door = "signin"
	Confirm Door = "confirm"
	Setup   Door = "setup"
	Address Door = "address" // the new mailbox of a change of address
	Method  Door = "method"  // one's own change to MailOTP
)
