package phrase

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must not depend on the machine
)

// Zones are the zones a reader meets: the house's, and the own where it differs.
type Zones struct {
	House  *time.Location
	Reader *time.Location // nil: unknown
}

// Moment is an instant in the house zone, with UTC and the reader's zone beside
// it: `4 Mar 2018, 00:00 JST (3 Mar, 15:00 UTC)`. There is never a bare date.
func (z Zones) Moment(lang Lang, t time.Time) string { return z.write(lang, t, false) }

// End is an instant at which something ends. Midnight is written as 24:00 of the
// day before, as people say it: `24 Apr 2018, 24:00 JST (15:00 UTC)`.
func (z Zones) End(lang Lang, t time.Time) string { return z.write(lang, t, true) }

// Day is the day of an instant in the house zone, with the zone.
func (z Zones) Day(lang Lang, t time.Time) string {
	at := t.In(z.house())
	return day(lang, at, true) + " " + zoneName(at)
}

// ShortDay is the day of an instant in the house zone, without year and zone: for
// an axis under which the zone is said once.
func (z Zones) ShortDay(lang Lang, t time.Time) string { return day(lang, t.In(z.house()), false) }

// Clock is the time of day of an instant: `14:20 JST (05:20 UTC)`; for moments
// within the same day as the reader's present.
func (z Zones) Clock(t time.Time) string {
	at := t.In(z.house())
	text := at.Format("15:04") + " " + zoneName(at)
	if others := z.others(t); len(others) > 0 {
		parts := make([]string, 0, len(others))
		for _, other := range others {
			parts = append(parts, other.Format("15:04")+" "+zoneName(other))
		}
		text += " (" + strings.Join(parts, "; ") + ")"
	}
	return text
}

func (z Zones) house() *time.Location {
	if z.House == nil {
		return time.UTC
	}
	return z.House
}

// others are the instant in UTC and in the reader's zone, leaving out what would
// read like one already written.
func (z Zones) others(t time.Time) []time.Time {
	shown := map[string]bool{t.In(z.house()).Format("2006-01-02 15:04 -0700"): true}
	var list []time.Time
	zones := []*time.Location{time.UTC}
	if z.Reader != nil {
		zones = append(zones, z.Reader)
	}
	for _, zone := range zones {
		at := t.In(zone)
		if key := at.Format("2006-01-02 15:04 -0700"); !shown[key] {
			shown[key] = true
			list = append(list, at)
		}
	}
	return list
}

func (z Zones) write(lang Lang, t time.Time, end bool) string {
	at := t.In(z.house())
	shown, hour := at, at.Format("15:04")
	if end && hour == "00:00" {
		// Not a calendar day back: where clocks change at midnight, that one may not exist.
		shown, hour = at.Add(-time.Minute), "24:00"
	}
	text := day(lang, shown, true) + sep(lang) + hour + " " + zoneName(at)
	others := z.others(t)
	if len(others) == 0 {
		return text
	}
	parts := make([]string, 0, len(others))
	for _, other := range others {
		part := other.Format("15:04") + " " + zoneName(other)
		if other.Format("2006-01-02") != shown.Format("2006-01-02") {
			part = day(lang, other, false) + sep(lang) + part
		}
		parts = append(parts, part)
	}
	return text + " (" + strings.Join(parts, "; ") + ")"
}

func sep(lang Lang) string {
	if lang == Japanese {
		return " "
	}
	return ", "
}

var weekdays = [...]string{"日", "月", "火", "水", "木", "金", "土"}

func day(lang Lang, t time.Time, year bool) string {
	if lang == Japanese {
		text := fmt.Sprintf("%d月%d日", t.Month(), t.Day())
		if year {
			text = fmt.Sprintf("%d年%s(%s)", t.Year(), text, weekdays[t.Weekday()])
		}
		return text
	}
	if year {
		return t.Format("2 Jan 2006")
	}
	return t.Format("2 Jan")
}

// zoneName is JST, CEST, UTC; zones without a name of their own read as UTC+3.
func zoneName(t time.Time) string {
	name, offset := t.Zone()
	if name != "" && name[0] != '+' && name[0] != '-' {
		return name
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "−", -offset
	}
	if minutes := offset / 60 % 60; minutes != 0 {
		return fmt.Sprintf("UTC%s%d:%02d", sign, offset/3600, minutes)
	}
	return fmt.Sprintf("UTC%s%d", sign, offset/3600)
}

// Span is a length of time for people, rounded up to a sensible unit.
func (b *Book) Span(lang Lang, d time.Duration) string {
	switch {
	case d <= 90*time.Second:
		return b.Say(lang, "phrase.seconds", "n", int(max(1, (d+time.Second-1)/time.Second)))
	case d <= 90*time.Minute:
		return b.Say(lang, "phrase.minutes", "n", int((d+time.Minute-1)/time.Minute))
	case d <= 36*time.Hour:
		return b.Say(lang, "phrase.hours", "n", int((d+time.Hour-1)/time.Hour))
	}
	return b.Say(lang, "phrase.days", "n", int((d+24*time.Hour-1)/(24*time.Hour)))
}

// Length is an exact length of time, to the minute: `5 hours`, `90 minutes` is `1 hour
// 30 minutes`. Span rounds, and what was planned is as long as it is.
func (b *Book) Length(lang Lang, d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	hours := minutes / 60
	minutes %= 60
	switch {
	case hours == 0:
		return b.Say(lang, "phrase.minutes", "n", minutes)
	case minutes == 0:
		return b.Say(lang, "phrase.hours", "n", hours)
	}
	return b.Say(lang, "phrase.hours", "n", hours) + between(lang) + b.Say(lang, "phrase.minutes", "n", minutes)
}

// between stands between two words.
func between(lang Lang) string {
	if lang == Japanese {
		return ""
	}
	return " "
}

var zones sync.Map // IANA name → *time.Location; loading one anew costs more than a look at the database

// Location is a zone by its IANA name; UTC when there is none of that name.
func Location(name string) *time.Location {
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return time.UTC // not remembered: what people type must not fill the memory
	}
	zones.Store(name, zone)
	return zone
}
