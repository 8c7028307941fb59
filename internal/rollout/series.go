package rollout

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Series is on which days before the own end people are reminded: "28,14,7,3,1".
// The empty Series reminds nobody.
type Series string

// Usual is the series of a rollout that names none.
const Usual Series = "28,14,7,3,1"

// longestSeries is how many days before an end can be named, and how far ahead.
const (
	mostReminders  = 12
	farthestRemind = 365
)

// ParseSeries reads a series as people write it: whole days, apart by commas or
// blanks, in any order. ok is false for what is none, names a day twice, more than
// twelve days, or one more than a year before.
func ParseSeries(text string) (s Series, ok bool) {
	var days []int
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '、' || c == '\t' }) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > farthestRemind || slices.Contains(days, n) {
			return "", false
		}
		days = append(days, n)
	}
	if len(days) > mostReminders {
		return "", false
	}
	slices.SortFunc(days, func(a, b int) int { return b - a })
	words := make([]string, 0, len(days))
	for _, n := range days {
		words = append(words, strconv.Itoa(n))
	}
	return Series(strings.Join(words, ",")), true
}

// Days are the days of a series, the farthest first.
func (s Series) Days() []int {
	var days []int
	for word := range strings.SplitSeq(string(s), ",") {
		if n, err := strconv.Atoi(word); err == nil {
			days = append(days, n)
		}
	}
	return days
}

// Before is the instant n days before an end, at the same time of day in the zone
// it is announced in: a day is what the calendar says, summer time or not.
func Before(end time.Time, n int, zone *time.Location) time.Time {
	local := end.In(zone)
	return local.AddDate(0, 0, -n).UTC()
}
