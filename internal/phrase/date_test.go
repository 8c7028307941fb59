package phrase

import (
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func utc(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
}

// The announcement's own dates, and what clocks do elsewhere.
func TestAMomentAlwaysCarriesItsZoneAndUTC(t *testing.T) {
	for _, c := range []struct {
		name, house, reader string
		at                  time.Time
		end                 bool
		english, japanese   string
	}{
		{"the period's opening", "Asia/Tokyo", "", utc(2018, 3, 3, 15, 0), false,
			"4 Mar 2018, 00:00 JST (3 Mar, 15:00 UTC)", "2018年3月4日(日) 00:00 JST (3月3日 15:00 UTC)"},
		{"the period's end", "Asia/Tokyo", "", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC)", "2018年4月24日(火) 24:00 JST (15:00 UTC)"},
		{"the same instant as no end", "Asia/Tokyo", "", utc(2018, 4, 24, 15, 0), false,
			"25 Apr 2018, 00:00 JST (24 Apr, 15:00 UTC)", "2018年4月25日(水) 00:00 JST (4月24日 15:00 UTC)"},
		{"an end that is not midnight", "Asia/Tokyo", "", utc(2018, 3, 3, 20, 0), true,
			"4 Mar 2018, 05:00 JST (3 Mar, 20:00 UTC)", "2018年3月4日(日) 05:00 JST (3月3日 20:00 UTC)"},
		{"a minute after midnight", "Asia/Tokyo", "", utc(2018, 4, 24, 15, 1), true,
			"25 Apr 2018, 00:01 JST (24 Apr, 15:01 UTC)", "2018年4月25日(水) 00:01 JST (4月24日 15:01 UTC)"},
		{"the end of a month", "Asia/Tokyo", "", utc(2018, 3, 31, 15, 0), true,
			"31 Mar 2018, 24:00 JST (15:00 UTC)", "2018年3月31日(土) 24:00 JST (15:00 UTC)"},
		{"the end of a year", "Asia/Tokyo", "", utc(2018, 12, 31, 15, 0), true,
			"31 Dec 2018, 24:00 JST (15:00 UTC)", "2018年12月31日(月) 24:00 JST (15:00 UTC)"},
		{"the leap day's end", "Asia/Tokyo", "", utc(2020, 2, 29, 15, 0), true,
			"29 Feb 2020, 24:00 JST (15:00 UTC)", "2020年2月29日(土) 24:00 JST (15:00 UTC)"},

		{"a reader in the house zone", "Asia/Tokyo", "Asia/Tokyo", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC)", "2018年4月24日(火) 24:00 JST (15:00 UTC)"},
		{"a reader whose zone reads the same", "Asia/Tokyo", "Asia/Seoul", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC)", "2018年4月24日(火) 24:00 JST (15:00 UTC)"},
		{"a reader in UTC", "Asia/Tokyo", "UTC", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC)", "2018年4月24日(火) 24:00 JST (15:00 UTC)"},
		{"a reader in Berlin, in summer", "Asia/Tokyo", "Europe/Berlin", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC; 17:00 CEST)", "2018年4月24日(火) 24:00 JST (15:00 UTC; 17:00 CEST)"},
		{"a reader in Berlin, in winter", "Asia/Tokyo", "Europe/Berlin", utc(2018, 3, 3, 15, 0), false,
			"4 Mar 2018, 00:00 JST (3 Mar, 15:00 UTC; 3 Mar, 16:00 CET)", "2018年3月4日(日) 00:00 JST (3月3日 15:00 UTC; 3月3日 16:00 CET)"},
		{"a reader in London, in winter: as UTC", "Asia/Tokyo", "Europe/London", utc(2018, 3, 3, 15, 0), false,
			"4 Mar 2018, 00:00 JST (3 Mar, 15:00 UTC)", "2018年3月4日(日) 00:00 JST (3月3日 15:00 UTC)"},
		{"a reader in London, in summer", "Asia/Tokyo", "Europe/London", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC; 16:00 BST)", "2018年4月24日(火) 24:00 JST (15:00 UTC; 16:00 BST)"},
		{"a reader on the next day", "Asia/Tokyo", "Pacific/Auckland", utc(2018, 4, 24, 14, 0), false,
			"24 Apr 2018, 23:00 JST (14:00 UTC; 25 Apr, 02:00 NZST)", "2018年4月24日(火) 23:00 JST (14:00 UTC; 4月25日 02:00 NZST)"},
		{"a reader whose zone has no name", "Asia/Tokyo", "America/Sao_Paulo", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC; 12:00 UTC−3)", "2018年4月24日(火) 24:00 JST (15:00 UTC; 12:00 UTC−3)"},
		{"a reader off by three quarters", "Asia/Tokyo", "Asia/Kathmandu", utc(2018, 4, 24, 15, 0), true,
			"24 Apr 2018, 24:00 JST (15:00 UTC; 20:45 UTC+5:45)", "2018年4月24日(火) 24:00 JST (15:00 UTC; 20:45 UTC+5:45)"},

		{"a house in UTC", "UTC", "", utc(2018, 4, 24, 15, 0), true, "24 Apr 2018, 15:00 UTC", "2018年4月24日(火) 15:00 UTC"},
		{"a house in UTC, at midnight", "UTC", "Asia/Tokyo", utc(2018, 4, 25, 0, 0), true,
			"24 Apr 2018, 24:00 UTC (25 Apr, 09:00 JST)", "2018年4月24日(火) 24:00 UTC (4月25日 09:00 JST)"},
		{"no house zone is UTC", "", "", utc(2018, 4, 24, 15, 0), false, "24 Apr 2018, 15:00 UTC", "2018年4月24日(火) 15:00 UTC"},
		{"Berlin, the hour before clocks go back", "Europe/Berlin", "", utc(2018, 10, 28, 0, 30), false,
			"28 Oct 2018, 02:30 CEST (00:30 UTC)", "2018年10月28日(日) 02:30 CEST (00:30 UTC)"},
		{"Berlin, the same hour again", "Europe/Berlin", "", utc(2018, 10, 28, 1, 30), false,
			"28 Oct 2018, 02:30 CET (01:30 UTC)", "2018年10月28日(日) 02:30 CET (01:30 UTC)"},
		// In São Paulo 4 Nov 2018 began at 01:00: the day before the 5th had no midnight.
		{"the end of a day that had no midnight", "America/Sao_Paulo", "", utc(2018, 11, 5, 2, 0), true,
			"4 Nov 2018, 24:00 UTC−2 (5 Nov, 02:00 UTC)", "2018年11月4日(日) 24:00 UTC−2 (11月5日 02:00 UTC)"},
		{"the end of a day of 25 hours", "America/Sao_Paulo", "", utc(2018, 2, 18, 3, 0), true,
			"17 Feb 2018, 24:00 UTC−3 (18 Feb, 03:00 UTC)", "2018年2月17日(土) 24:00 UTC−3 (2月18日 03:00 UTC)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := Zones{}
			if c.house != "" {
				z.House = zone(t, c.house)
			}
			if c.reader != "" {
				z.Reader = zone(t, c.reader)
			}
			say := z.Moment
			if c.end {
				say = z.End
			}
			for _, at := range []time.Time{c.at, c.at.In(zone(t, "America/New_York"))} { // whatever zone the value has
				if got := say(English, at); got != c.english {
					t.Errorf("got  %s\nwant %s", got, c.english)
				}
				if got := say(Japanese, at); got != c.japanese {
					t.Errorf("got  %s\nwant %s", got, c.japanese)
				}
			}
		})
	}
}

func TestADayAndATimeOfDayCarryTheirZone(t *testing.T) {
	z := Zones{House: zone(t, "Asia/Tokyo"), Reader: zone(t, "Europe/Berlin")}
	at := utc(2018, 3, 3, 15, 20)
	if got := z.Day(English, at); got != "4 Mar 2018 JST" {
		t.Error(got)
	}
	if got := z.Day(Japanese, at); got != "2018年3月4日(日) JST" {
		t.Error(got)
	}
	if en, ja := z.ShortDay(English, at), z.ShortDay(Japanese, at); en != "4 Mar" || ja != "3月4日" {
		t.Error(en, ja)
	}
	if got := z.Clock(at); got != "00:20 JST (15:20 UTC; 16:20 CET)" {
		t.Error(got)
	}
	if got := (Zones{}).Clock(at); got != "15:20 UTC" {
		t.Error(got)
	}
}

func TestASpanIsRoundedUpToASensibleUnit(t *testing.T) {
	book, err := NewBook(Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		span              time.Duration
		english, japanese string
	}{
		{-time.Hour, "1 second", "1秒"},
		{0, "1 second", "1秒"},
		{time.Millisecond, "1 second", "1秒"},
		{time.Second, "1 second", "1秒"},
		{1001 * time.Millisecond, "2 seconds", "2秒"},
		{90 * time.Second, "90 seconds", "90秒"},
		{91 * time.Second, "2 minutes", "2分"},
		{10 * time.Minute, "10 minutes", "10分"},
		{10*time.Minute + time.Microsecond, "11 minutes", "11分"},
		{90 * time.Minute, "90 minutes", "90分"},
		{91 * time.Minute, "2 hours", "2時間"},
		{24 * time.Hour, "24 hours", "24時間"},
		{36 * time.Hour, "36 hours", "36時間"},
		{37 * time.Hour, "2 days", "2日"},
		{48 * time.Hour, "2 days", "2日"},
		{48*time.Hour + time.Second, "3 days", "3日"},
		{28 * 24 * time.Hour, "28 days", "28日"},
		{1500 * 24 * time.Hour, "1,500 days", "1,500日"},
	} {
		if got := book.Span(English, c.span); got != c.english {
			t.Errorf("%s: %s, want %s", c.span, got, c.english)
		}
		if got := book.Span(Japanese, c.span); got != c.japanese {
			t.Errorf("%s: %s, want %s", c.span, got, c.japanese)
		}
	}
}

func TestALengthIsExactToTheMinute(t *testing.T) {
	book, err := NewBook(Words)
	if err != nil {
		t.Fatal(err)
	}
	for length, want := range map[time.Duration][2]string{
		5 * time.Hour:                 {"5 hours", "5時間"},
		5 * time.Minute:               {"5 minutes", "5分"},
		time.Hour + time.Minute:       {"1 hour 1 minute", "1時間1分"},
		90 * time.Minute:              {"1 hour 30 minutes", "1時間30分"},
		72 * time.Hour:                {"72 hours", "72時間"},
		time.Hour - 31*time.Second:    {"59 minutes", "59分"},
		time.Hour - 29*time.Second:    {"1 hour", "1時間"},
		26*time.Hour + 10*time.Second: {"26 hours", "26時間"},
	} {
		if got := [2]string{book.Length(English, length), book.Length(Japanese, length)}; got != want {
			t.Errorf("%s: %q, want %q", length, got, want)
		}
	}
}
