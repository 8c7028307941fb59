package hours

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"nidan/internal/config"
	"nidan/internal/phrase"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func setting(t *testing.T, text string) config.Hours {
	t.Helper()
	c, err := config.Load("", []string{"NIDAN_HOURS=" + text})
	if err != nil {
		t.Fatal(err)
	}
	return c.Hours
}

func at(t *testing.T, text string, zone *time.Location) time.Time {
	t.Helper()
	instant, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

// The table: for each beginning, whether it is open, until when, and when so much
// business time has passed.
func TestBusinessTimeIsAsInTheGoldenFile(t *testing.T) {
	var got strings.Builder
	for _, c := range []struct {
		title, zone, hours string
		special            []Special
		from               []string
	}{
		{"a week with a weekend", "Asia/Tokyo", "09:00-17:30", nil,
			[]string{"2018-03-09 08:59:59", "2018-03-09 09:00:00", "2018-03-09 17:00:00", "2018-03-09 17:30:00", "2018-03-10 12:00:00"}},
		{"Golden Week of 2018: Showa Day in lieu on 30 April, 3 and 4 May", "Asia/Tokyo", "09:00-17:30", nil,
			[]string{"2018-04-27 16:30:00", "2018-05-01 09:00:00", "2018-05-02 17:00:00"}},
		{"Golden Week of 2019: ten days", "Asia/Tokyo", "09:00-17:30", nil, []string{"2019-04-26 17:29:59"}},
		{"year's end, with the days that an operator closed", "Asia/Tokyo", "09:00-17:30",
			[]Special{{Day: Day{2018, 12, 31}}, {Day: Day{2019, 1, 2}}, {Day: Day{2019, 1, 3}}},
			[]string{"2018-12-28 17:00:00", "2018-12-31 10:00:00", "2019-01-04 09:00:00"}},
		{"holidays that were moved: 10 August 2020, 9 August 2021 in lieu", "Asia/Tokyo", "09:00-17:30", nil,
			[]string{"2020-08-07 17:00:00", "2020-08-11 12:00:00", "2021-08-06 17:00:00"}},
		{"the 22nd between two holidays, September 2026", "Asia/Tokyo", "09:00-17:30", nil, []string{"2026-09-18 17:00:00"}},
		{"a Saturday and a holiday that an operator opened", "Asia/Tokyo", "09:00-17:30",
			[]Special{{Day: Day{2018, 3, 10}, Open: true}, {Day: Day{2018, 3, 21}, Open: true}},
			[]string{"2018-03-09 17:00:00", "2018-03-20 17:00:00"}},
		{"Saturdays too", "Asia/Tokyo", "Mon-Sat 10:00-12:00", nil, []string{"2018-03-09 11:30:00", "2018-03-10 11:30:00"}},
		{"Berlin, a Sunday on which clocks go forward at two", "Europe/Berlin", "Sat-Sun 01:00-05:00", nil, []string{"2018-03-24 04:30:00"}},
		{"Berlin, a Sunday on which clocks go back at three", "Europe/Berlin", "Sat-Sun 01:00-05:00", nil, []string{"2018-10-27 04:30:00"}},
		{"Samoa, which left out 30 December 2011", "Pacific/Apia", "09:00-17:00", nil, []string{"2011-12-29 16:00:00"}},
		{"no hours", "Asia/Tokyo", "", nil, []string{"2018-03-09 12:00:00"}},
	} {
		zone := phrase.Location(c.zone)
		cal := Calendar{Hours: setting(t, c.hours), Zone: zone, Special: map[Day]Special{}}
		for _, s := range c.special {
			cal.Special[s.Day] = s
		}
		show := func(instant time.Time) string {
			if instant.IsZero() {
				return "never"
			}
			return instant.In(zone).Format("Mon 2006-01-02 15:04:05 MST")
		}
		fmt.Fprintf(&got, "%s (%s, %s)\n", c.title, c.zone, c.hours)
		for _, text := range c.from {
			from := at(t, text, zone)
			open, until := cal.Open(from)
			fmt.Fprintf(&got, "  %s  open %t until %s\n", show(from), open, show(until))
			for _, d := range []time.Duration{time.Minute, 4 * time.Hour, 8*time.Hour + 30*time.Minute, 24 * time.Hour} {
				fmt.Fprintf(&got, "    + %-8s %s\n", d, show(cal.Add(from, d)))
			}
		}
	}
	golden(t, "testdata/hours.golden", got.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func TestTheHolidaysOfSomeYearsAreThoseTheGovernmentNamed(t *testing.T) {
	for year, want := range map[int]string{
		2018: "01-01 01-08 02-11 02-12 03-21 04-29 04-30 05-03 05-04 05-05 07-16 08-11 09-17 09-23 09-24 10-08 11-03 11-23 12-23 12-24",
		2019: "01-01 01-14 02-11 03-21 04-29 04-30 05-01 05-02 05-03 05-04 05-05 05-06 07-15 08-11 08-12 09-16 09-23 10-14 10-22 11-03 11-04 11-23",
		2020: "01-01 01-13 02-11 02-23 02-24 03-20 04-29 05-03 05-04 05-05 05-06 07-23 07-24 08-10 09-21 09-22 11-03 11-23",
		2021: "01-01 01-11 02-11 02-23 03-20 04-29 05-03 05-04 05-05 07-22 07-23 08-08 08-09 09-20 09-23 11-03 11-23",
		2026: "01-01 01-12 02-11 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23",
	} {
		var got []string
		for d := (Day{year, 1, 1}); d.Year == year; d = d.Plus(1) {
			if _, ok := HolidayOn(d); ok {
				got = append(got, d.String()[5:])
			}
		}
		if list := strings.Join(got, " "); list != want {
			t.Errorf("%d: %s, wanted %s", year, list, want)
		}
	}
}

func TestTheTableOfHolidaysReachesToTheDayThatIsNamed(t *testing.T) {
	last := Day{}
	for d, name := range holidays() {
		if name.Japanese == "" || name.English == "" || LastHoliday.Before(d) {
			t.Errorf("%s: %q", d, name)
		}
		if last.Before(d) {
			last = d
		}
	}
	if len(holidays()) < 1000 || last.Year != LastHoliday.Year {
		t.Errorf("%d holidays, the last on %s", len(holidays()), last)
	}
	if _, why := (Calendar{Hours: setting(t, "09:00-17:30")}).Of(Day{2051, 1, 2}); why != Working {
		t.Errorf("a Monday behind the table is %s", why)
	}
}

func TestAZeroCalendarIsNeverOpenAndNothingIsDueByIt(t *testing.T) {
	now := time.Date(2018, 3, 9, 3, 0, 0, 0, time.UTC)
	open, until := Calendar{}.Open(now)
	if open || !until.IsZero() || !(Calendar{}).Add(now, time.Hour).IsZero() || (Calendar{}).Between(now, now.AddDate(1, 0, 0)) != 0 {
		t.Error("the zero calendar is open")
	}
	shut := Calendar{Hours: setting(t, "09:00-17:30"), Special: map[Day]Special{}}
	for n := range 2 * reach {
		d := Day{2018, 1, 1}.Plus(n)
		shut.Special[d] = Special{Day: d}
	}
	if !shut.Add(now, time.Hour).IsZero() || shut.Between(now, now.AddDate(0, 6, 0)) != 0 {
		t.Error("days that were all closed are open")
	}
}

func TestADayIsReadAndWrittenAlike(t *testing.T) {
	for _, text := range []string{"", "2018-02-29", "2018-3-5", "0000-01-01", "2018-03-05 10:00", "２０１８-03-05"} {
		if d, ok := ParseDay(text); ok {
			t.Errorf("%q reads as %s", text, d)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := Day{2000, 1, 1}.Plus(rapid.IntRange(-3000, 30000).Draw(rt, "days"))
		if read, ok := ParseDay(d.String()); !ok || read != d || DayNumbered(d.Number()) != d || !d.Before(d.Plus(1)) {
			rt.Errorf("%v reads as %v", d, read)
		}
	})
}

var zones = []string{"Asia/Tokyo", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"}

// calendars are of any hours, days and zones, with some days closed and opened.
func calendars(rt *rapid.T) Calendar {
	from := rapid.IntRange(0, 23*60).Draw(rt, "from")
	to := rapid.IntRange(from+1, 24*60-1).Draw(rt, "to")
	c := Calendar{Zone: phrase.Location(rapid.SampledFrom(zones).Draw(rt, "zone")), Special: map[Day]Special{},
		Hours: config.Hours{From: time.Duration(from) * time.Minute, To: time.Duration(to) * time.Minute,
			Days: config.Days(rapid.IntRange(0, 127).Draw(rt, "days"))}}
	for range rapid.IntRange(0, 12).Draw(rt, "specials") {
		d := Day{2011, 12, 1}.Plus(rapid.IntRange(0, 3000).Draw(rt, "day"))
		c.Special[d] = Special{Day: d, Open: rapid.Bool().Draw(rt, "open")}
	}
	return c
}

func instants(rt *rapid.T, name string) time.Time {
	return time.Unix(rapid.Int64Range(1320000000, 1580000000).Draw(rt, name), 0).UTC()
}

func TestWhatIsAddedIsWhatLiesBetween(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, from := calendars(rt), instants(rt, "from")
		d := time.Duration(rapid.Int64Range(0, int64(200*time.Hour/time.Second)).Draw(rt, "seconds")) * time.Second
		due := c.Add(from, d)
		if due.Before(from) || c.Between(from, due) != d || c.Between(due, from) != -d {
			rt.Fatalf("%s after %s is due at %s, and %s lie between", d, from, due, c.Between(from, due))
		}
		if d > 0 && c.Between(from, due.Add(-time.Second)) >= d {
			rt.Fatalf("%s is not the first instant", due)
		}
	})
}

func TestBusinessTimeOnlyGrows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, a, b := calendars(rt), instants(rt, "a"), instants(rt, "b")
		if b.Before(a) {
			a, b = b, a
		}
		middle := a.Add(b.Sub(a) / 2).Truncate(time.Second)
		whole := c.Between(a, b)
		if whole < 0 || whole > b.Sub(a) || c.Between(a, middle)+c.Between(middle, b) != whole {
			rt.Fatalf("from %s to %s: %s", a, b, whole)
		}
		d := time.Duration(rapid.Int64Range(1, 100000).Draw(rt, "seconds")) * time.Second
		if c.Add(b, d).Before(c.Add(a, d)) || c.Add(a, d+time.Second).Before(c.Add(a, d)) {
			rt.Fatalf("an instant that begins later is due earlier")
		}
	})
}

func TestOpenSaysUntilWhenItStaysSo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, now := calendars(rt), instants(rt, "now")
		open, until := c.Open(now)
		if !until.After(now) {
			rt.Fatalf("open %t until %s, at %s", open, until, now)
		}
		if last, _ := c.Open(until.Add(-time.Second)); last != open {
			rt.Fatalf("it changes before %s", until)
		}
		if !open {
			if begins, _ := c.Open(until); !begins {
				rt.Fatalf("it does not open at %s", until)
			}
		}
	})
}
