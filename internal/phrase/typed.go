package phrase

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Typed is what a typed date and time can mean in a zone.
type Typed struct {
	// Instants are the instants it can mean, the earlier first: none where clocks
	// go forward over it, two where they go back over it.
	Instants []time.Time
	// Before and After are the last minute before and the first instant after the
	// gap, where there is no instant; both zero otherwise.
	Before, After time.Time
}

// local is a date and time on the wall of a zone, to the second.
type local struct {
	year, month, day     int
	hour, minute, second int // hour 24 is the end of the day
}

var (
	typedTime = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T,]| |, )(\d{1,2}):(\d{2})(?::(\d{2}))? ?([A-Za-z]{1,5}|[+-]\d{2}(?::?\d{2})?)?$`)
	english   = regexp.MustCompile(`^(\d{1,2}) ([A-Za-z]{3,9}) (\d{4})\b`)
	weekday   = regexp.MustCompile(`\(([日月火水木金土])\)`)
	japanese  = regexp.MustCompile(`(\d{1,2})時(?:(\d{1,2})分)?`)
	blanks    = regexp.MustCompile(`\s+`)
)

// ReadTime reads a date and time as people type or paste it, in a zone; ok is false
// when it is no date and time. It takes `2018-03-03 15:00`, `2018-03-03T15:00`,
// `2018/3/3 15:00`, `2018年3月3日 15:00`, `3 Mar 2018, 15:00`, full-width signs,
// 24:00 as the end of a day, and seconds; after it an offset (RFC 3339), UTC, or
// what the zone is called then (CEST), which also tells two meanings apart.
func ReadTime(typed string, zone *time.Location) (when Typed, ok bool) {
	text, day := plainDate(typed)
	found := typedTime.FindStringSubmatch(text)
	if found == nil {
		return Typed{}, false
	}
	n := func(i int) int { value, _ := strconv.Atoi("0" + found[i]); return value }
	wall := local{n(1), n(2), n(3), n(4), n(5), n(6)}
	if !wall.exists() || day != "" && weekdays[wall.asUTC(0).Weekday()] != day {
		return Typed{}, false
	}
	if ahead, named := offset(found[7]); named {
		return Typed{Instants: []time.Time{wall.asUTC(wall.hour).Add(-ahead)}}, true
	}
	when = wall.in(zone)
	if found[7] != "" {
		when.Instants = slices.DeleteFunc(when.Instants, func(t time.Time) bool {
			name, _ := t.Add(-time.Nanosecond * time.Duration(wall.hour/24)).In(zone).Zone() // 24:00 belongs to the day it ends
			return !strings.EqualFold(name, found[7])
		})
		if len(when.Instants) == 0 {
			return Typed{}, false
		}
	}
	return when, true
}

// plainDate brings what was typed into the one form that typedTime reads, and takes
// a Japanese weekday out of it.
func plainDate(typed string) (text, day string) {
	if len(typed) > 100 {
		return "", ""
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\u2212' || unicode.Is(unicode.Dash, r):
			return '-'
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, norm.NFKC.String(typed))
	if found := weekday.FindStringSubmatch(text); found != nil {
		day, text = found[1], strings.Replace(text, found[0], " ", 1)
	}
	text = japanese.ReplaceAllStringFunc(text, func(s string) string {
		found := japanese.FindStringSubmatch(s)
		return found[1] + ":" + ("00" + found[2])[len(found[2]):]
	})
	text = strings.TrimSpace(blanks.ReplaceAllString(text, " "))
	text = strings.NewReplacer("年 ", "-", "年", "-", "月 ", "-", "月", "-", "日 ", " ", "日", " ", "/", "-").Replace(text)
	if found := english.FindStringSubmatch(text); found != nil {
		for m := time.January; m <= time.December; m++ {
			if strings.EqualFold(found[2], m.String()) || strings.EqualFold(found[2], m.String()[:3]) {
				text = found[3] + "-" + strconv.Itoa(int(m)) + "-" + found[1] + text[len(found[0]):]
			}
		}
	}
	return text, day
}

// offset is a zone typed as UTC, Z or an offset: how far it is ahead of UTC.
func offset(typed string) (ahead time.Duration, ok bool) {
	if strings.EqualFold(typed, "Z") || strings.EqualFold(typed, "UTC") {
		return 0, true
	}
	typed = strings.ReplaceAll(typed, ":", "")
	t, err := time.Parse("-0700"[:max(len("-07"), min(len(typed), len("-0700")))], typed)
	if err != nil {
		return 0, false
	}
	_, seconds := t.Zone()
	ahead = time.Duration(seconds) * time.Second
	return ahead, ahead.Abs() < 24*time.Hour
}

// exists says whether any calendar and clock has it.
func (l local) exists() bool {
	if l.hour == 24 {
		return l.minute == 0 && l.second == 0 && l.asUTC(0).Day() == l.day && l.month >= 1 && l.month <= 12
	}
	return l.hour < 24 && l.minute < 60 && l.second < 60 && l.month >= 1 && l.month <= 12 && l.asUTC(0).Day() == l.day
}

// asUTC is the date with an hour, read as if the wall were in UTC.
func (l local) asUTC(hour int) time.Time {
	return time.Date(l.year, time.Month(l.month), l.day, hour, l.minute, l.second, 0, time.UTC)
}

// reach is further than any zone is from UTC, and than any zone ever moved.
const reach = 50 * time.Hour

// in finds the instants at which the clocks of a zone show it.
func (l local) in(zone *time.Location) (when Typed) {
	wall := l.asUTC(l.hour)
	for _, span := range spans(wall, zone) {
		for _, at := range []time.Time{wall.Add(-span.ahead), span.from} {
			if l.shows(at.In(zone)) && !slices.ContainsFunc(when.Instants, at.Equal) {
				when.Instants = append(when.Instants, at.UTC())
			}
		}
	}
	slices.SortFunc(when.Instants, time.Time.Compare)
	if len(when.Instants) == 0 {
		when.Before, when.After = gap(wall, zone)
	}
	return when
}

// shows says whether the wall reads l at an instant of its zone. 24:00 is where a
// day ends, whatever the next one begins with: midnight may be skipped.
func (l local) shows(at time.Time) bool {
	if l.hour < 24 {
		return at.Format(time.DateTime) == l.asUTC(l.hour).Format(time.DateTime)
	}
	day := l.asUTC(0).Format(time.DateOnly)
	return at.Add(-time.Nanosecond).Format(time.DateOnly) == day && at.Format(time.DateOnly) != day
}

// span is a time in which a zone's clocks are not changed.
type span struct {
	from  time.Time     // zero where it is not known when it began
	ahead time.Duration // of UTC
}

// spans are those around a wall time.
func spans(wall time.Time, zone *time.Location) (list []span) {
	for at := wall.Add(-reach); ; {
		from, until := at.In(zone).ZoneBounds()
		_, seconds := at.In(zone).Zone()
		list = append(list, span{from, time.Duration(seconds) * time.Second})
		if until.IsZero() || until.After(wall.Add(reach)) {
			return list
		}
		at = until
	}
}

// gap is what stands on both sides of a time that clocks go forward over.
func gap(wall time.Time, zone *time.Location) (before, after time.Time) {
	list := spans(wall, zone)
	for i := 1; i < len(list); i++ {
		// The clocks went from before to after at this instant.
		was, is := list[i].from.UTC().Add(list[i-1].ahead), list[i].from.UTC().Add(list[i].ahead)
		if !wall.Before(was) && !wall.After(is) {
			return list[i].from.Add(-time.Minute).UTC(), list[i].from.UTC()
		}
	}
	return time.Time{}, time.Time{}
}

// areas begin the names of zones that people live in, and Etc.
var areas = []string{"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "Etc"}

// Zone is a zone by its typed IANA name; ok is false when there is none of that name.
func Zone(typed string) (zone *time.Location, ok bool) {
	name := strings.TrimSpace(norm.NFKC.String(typed))
	area, _, inArea := strings.Cut(name, "/")
	// Other files of a machine's zones (right/…, localtime) differ from one to the next.
	if name != "UTC" && !(inArea && slices.Contains(areas, area)) {
		return nil, false
	}
	zone = Location(name)
	return zone, zone != time.UTC || name == "UTC"
}

// Offered are zones to choose from; any other can be typed.
var Offered = []string{
	"Asia/Tokyo", "UTC",
	"Asia/Seoul", "Asia/Shanghai", "Asia/Taipei", "Asia/Hong_Kong", "Asia/Manila", "Asia/Singapore", "Asia/Kuala_Lumpur",
	"Asia/Jakarta", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Kolkata", "Asia/Dubai",
	"Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Perth", "Pacific/Auckland", "Pacific/Honolulu",
	"Europe/London", "Europe/Lisbon", "Europe/Berlin", "Europe/Paris", "Europe/Amsterdam", "Europe/Madrid", "Europe/Rome",
	"Europe/Zurich", "Europe/Stockholm", "Europe/Warsaw", "Europe/Athens", "Europe/Helsinki", "Europe/Istanbul",
	"Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos",
	"America/New_York", "America/Toronto", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Mexico_City", "America/Sao_Paulo",
}
