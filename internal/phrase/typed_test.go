package phrase

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// meaning is what ReadTime answered, on one line.
func meaning(typed string, zone *time.Location) string {
	when, ok := ReadTime(typed, zone)
	if !ok {
		return "unreadable"
	}
	var list []string
	for _, at := range when.Instants {
		list = append(list, at.Format(time.RFC3339))
	}
	if len(list) == 0 {
		return "between " + when.Before.In(zone).Format("02 15:04 -0700") + " and " + when.After.In(zone).Format("02 15:04 -0700")
	}
	return strings.Join(list, " or ")
}

func TestATimeIsReadAsPeopleTypeAndPasteIt(t *testing.T) {
	tokyo := zone(t, "Asia/Tokyo")
	const want = "2018-03-03T06:05:00Z"
	for _, typed := range []string{
		"2018-03-03 15:05", "2018-03-03T15:05", "2018-3-3 15:05", "2018/3/3 15:05", "2018/03/03 15:05:00",
		"2018年3月3日 15:05", "2018年3月3日15:05", "2018年3月3日(土) 15:05", "2018年3月3日（土） 15時05分", "2018年 3月 3日　15時5分",
		"２０１８－０３－０３　１５：０５", "２０１８／３／３ １５：０５", "  2018-03-03\t15:05\n", "2018\u221203\u221203 15:05", "\u200e2018-03-03 15:05",
		"3 Mar 2018, 15:05", "3 March 2018 15:05", "03 mar 2018, 15:05 JST", "2018-03-03, 15:05",
		"2018-03-03T15:05+09:00", "2018-03-03T15:05:00+0900", "2018-03-03T06:05:00Z", "2018-03-03 06:05 UTC", "2018-03-03T01:05:00-05:00", "2018-03-03 15:05 JST",
		"2018-03-03T11:50:00+05:45", "2018-03-03 03:05 -03",
	} {
		if got := meaning(typed, tokyo); got != want {
			t.Errorf("%q: %s", typed, got)
		}
	}
}

func TestTwentyFourOClockIsTheEndOfTheDay(t *testing.T) {
	for typed, want := range map[string]string{
		"2018-04-24 24:00":           "2018-04-24T15:00:00Z",
		"2018-04-25 00:00":           "2018-04-24T15:00:00Z",
		"24 Apr 2018, 24:00 JST":     "2018-04-24T15:00:00Z",
		"2018年4月24日(火) 24:00 JST":    "2018-04-24T15:00:00Z",
		"2018-12-31 24時":             "2018-12-31T15:00:00Z",
		"2020-02-29 24:00":           "2020-02-29T15:00:00Z",
		"2018-04-24T24:00:00Z":       "2018-04-25T00:00:00Z",
		"2018-04-24T24:00:00+09:00":  "2018-04-24T15:00:00Z",
		"2018-04-24 24:01":           "unreadable",
		"2018-04-24 24:00:01":        "unreadable",
		"2018-04-24 25:00":           "unreadable",
		"2018-04-31 24:00":           "unreadable",
		"2018-04-24T24:00:00+24:00":  "unreadable",
		"2018年4月24日(水) 24:00":        "unreadable", // it was a Tuesday
		"2018-04-24 24:00 CEST":      "unreadable", // not what the zone is called
		"2018-04-24 15:00 something": "unreadable",
	} {
		if got := meaning(typed, zone(t, "Asia/Tokyo")); got != want {
			t.Errorf("%q: %s, want %s", typed, got, want)
		}
	}
}

func TestWhatIsNoDateAndTimeIsNotGuessed(t *testing.T) {
	for _, typed := range []string{
		"", " ", "tomorrow", "2018-03-03", "15:00", "2018-03-03 15", "2018-03-0315:00", "18-03-03 15:00", "03/03/2018 15:00", "2018-02-29 15:00",
		"2018-13-01 15:00", "2018-00-01 15:00", "2018-01-00 15:00", "2018-03-03 15:60", "2018-03-03 15:00:60", "2018-03-03 3:00 pm", "2018-03-03 -1:00",
		"2018-03-03 15:00 2018-03-04 15:00", "2018-03-03T15:00:00.5Z", "2018-03-03 15:00+9", "3 Foo 2018, 15:00", "2018-03-03 15:00 +99:00",
		"2018-03-03 15:00;", strings.Repeat(" ", 200) + "2018-03-03 15:00",
	} {
		if got := meaning(typed, time.UTC); got != "unreadable" {
			t.Errorf("%q: %s", typed, got)
		}
	}
}

func TestATimeThatClocksSkipOrShowTwiceIsNotGuessed(t *testing.T) {
	for _, c := range []struct{ zone, typed, want string }{
		{"America/New_York", "2018-03-11 01:59", "2018-03-11T06:59:00Z"},
		{"America/New_York", "2018-03-11 02:00", "between 11 01:59 -0500 and 11 03:00 -0400"},
		{"America/New_York", "2018-03-11 02:30", "between 11 01:59 -0500 and 11 03:00 -0400"},
		{"America/New_York", "2018-03-11 02:59:59", "between 11 01:59 -0500 and 11 03:00 -0400"},
		{"America/New_York", "2018-03-11 03:00", "2018-03-11T07:00:00Z"},
		{"America/New_York", "2018-11-04 00:59:59", "2018-11-04T04:59:59Z"},
		{"America/New_York", "2018-11-04 01:00", "2018-11-04T05:00:00Z or 2018-11-04T06:00:00Z"},
		{"America/New_York", "2018-11-04 01:59", "2018-11-04T05:59:00Z or 2018-11-04T06:59:00Z"},
		{"America/New_York", "2018-11-04 01:30 EDT", "2018-11-04T05:30:00Z"},
		{"America/New_York", "2018-11-04 01:30 est", "2018-11-04T06:30:00Z"},
		{"America/New_York", "2018-11-04T01:30-05:00", "2018-11-04T06:30:00Z"},
		{"America/New_York", "2018-11-04 02:00", "2018-11-04T07:00:00Z"},
		{"America/New_York", "2018-07-04 12:00 EST", "unreadable"},

		{"Europe/Berlin", "2018-03-25 02:30", "between 25 01:59 +0100 and 25 03:00 +0200"},
		{"Europe/Berlin", "2018-10-28 02:00", "2018-10-28T00:00:00Z or 2018-10-28T01:00:00Z"},
		{"Europe/Berlin", "2018-10-28 02:30 CEST", "2018-10-28T00:30:00Z"},
		{"Europe/Berlin", "2018-10-28 02:30 CET", "2018-10-28T01:30:00Z"},
		{"Europe/Berlin", "2018-10-28 03:00", "2018-10-28T02:00:00Z"},
		{"Europe/Berlin", "2018-10-28 24:00", "2018-10-28T23:00:00Z"},

		// By half an hour only.
		{"Australia/Lord_Howe", "2018-04-01 01:29", "2018-03-31T14:29:00Z"},
		{"Australia/Lord_Howe", "2018-04-01 01:30", "2018-03-31T14:30:00Z or 2018-03-31T15:00:00Z"},
		{"Australia/Lord_Howe", "2018-04-01 01:59", "2018-03-31T14:59:00Z or 2018-03-31T15:29:00Z"},
		{"Australia/Lord_Howe", "2018-04-01 02:00", "2018-03-31T15:30:00Z"},
		{"Australia/Lord_Howe", "2018-10-07 02:00", "between 07 01:59 +1030 and 07 02:30 +1100"},
		{"Australia/Lord_Howe", "2018-10-07 02:29", "between 07 01:59 +1030 and 07 02:30 +1100"},
		{"Australia/Lord_Howe", "2018-10-07 02:30", "2018-10-06T15:30:00Z"},

		// No clock is changed in Tokyo.
		{"Asia/Tokyo", "2018-03-11 02:30", "2018-03-10T17:30:00Z"},
		{"Asia/Tokyo", "2018-10-28 02:30", "2018-10-27T17:30:00Z"},

		// Samoa went over the date line: there was no 30 December.
		{"Pacific/Apia", "2011-12-29 23:59", "2011-12-30T09:59:00Z"},
		{"Pacific/Apia", "2011-12-29 24:00", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "2011-12-30 00:00", "between 29 23:59 -1000 and 31 00:00 +1400"},
		{"Pacific/Apia", "2011-12-30 12:00", "between 29 23:59 -1000 and 31 00:00 +1400"},
		{"Pacific/Apia", "2011-12-30 24:00", "between 29 23:59 -1000 and 31 00:00 +1400"},
		{"Pacific/Apia", "2011-12-31 00:00", "2011-12-30T10:00:00Z"},

		// Cairo went forward at midnight, and back at the midnight that then was 23:00.
		{"Africa/Cairo", "2014-05-15 23:59", "2014-05-15T21:59:00Z"},
		{"Africa/Cairo", "2014-05-15 24:00", "2014-05-15T22:00:00Z"},
		{"Africa/Cairo", "2014-05-16 00:00", "between 15 23:59 +0200 and 16 01:00 +0300"},
		{"Africa/Cairo", "2014-05-16 00:30", "between 15 23:59 +0200 and 16 01:00 +0300"},
		{"Africa/Cairo", "2014-05-16 01:00", "2014-05-15T22:00:00Z"},
		{"Africa/Cairo", "2014-09-25 22:59", "2014-09-25T19:59:00Z"},
		{"Africa/Cairo", "2014-09-25 23:00", "2014-09-25T20:00:00Z or 2014-09-25T21:00:00Z"},
		{"Africa/Cairo", "2014-09-25 23:59", "2014-09-25T20:59:00Z or 2014-09-25T21:59:00Z"},
		{"Africa/Cairo", "2014-09-25 24:00", "2014-09-25T22:00:00Z"},
		{"Africa/Cairo", "2014-09-26 00:00", "2014-09-25T22:00:00Z"},

		// In Havana the hour after midnight comes twice, yet the day before ends once.
		{"America/Havana", "2018-11-04 00:00", "2018-11-04T04:00:00Z or 2018-11-04T05:00:00Z"},
		{"America/Havana", "2018-11-03 24:00", "2018-11-04T04:00:00Z"},
		{"America/Havana", "2018-11-03 24:00 CDT", "2018-11-04T04:00:00Z"},
		// In Goose Bay a minute after midnight it was the day before once more: it ended twice.
		{"America/Goose_Bay", "2010-11-06 24:00", "2010-11-07T03:00:00Z or 2010-11-07T04:00:00Z"},
	} {
		if got := meaning(c.typed, zone(t, c.zone)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.zone, c.typed, got, c.want)
		}
	}
}

// What is written for an instant reads as that instant, in every zone offered.
func TestWhatIsWrittenIsReadAsTheSameInstant(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range append(slices.Clone(Offered), "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "America/Goose_Bay", "Asia/Kathmandu", "America/St_Johns") {
		z := zone(t, name)
		at := utc(2010, 1, 1, 0, 0)
		for end := utc(2030, 1, 1, 0, 0); at.Before(end); at = at.Add(time.Duration(random.IntN(400*60)+1) * time.Minute) {
			if _, until := at.In(z).ZoneBounds(); !until.IsZero() && random.IntN(5) == 0 {
				at = until.UTC().Add(time.Duration(random.IntN(240)-120) * time.Minute).Truncate(time.Minute) // near a change
			}
			if when, ok := ReadTime(at.In(z).Format("2006-01-02 15:04 MST"), z); !ok || len(when.Instants) != 1 || !when.Instants[0].Equal(at) {
				t.Fatalf("%s %s: %v", name, at.In(z), when)
			}
			when, ok := ReadTime(at.In(z).Format("2006-01-02 15:04"), z)
			if !ok || !slices.ContainsFunc(when.Instants, at.Equal) || len(when.Instants) > 2 || !when.Before.IsZero() {
				t.Fatalf("%s %s: %v", name, at, when)
			}
			for _, one := range when.Instants {
				if one.In(z).Format(time.DateTime) != at.In(z).Format(time.DateTime) {
					t.Fatalf("%s %s is not %s", name, one, at)
				}
			}
			for _, lang := range Langs {
				text, _, _ := strings.Cut((Zones{House: z}).Moment(lang, at), " (")
				if lang == Japanese {
					text = at.In(z).Format("2006年1月2日 15:04 ") + at.In(z).Format("-07:00")
				}
				if strings.Contains(text, "UTC−") || strings.Contains(text, "UTC+") {
					continue // a zone without a name of its own
				}
				when, ok := ReadTime(text, z)
				if !ok || len(when.Instants) != 1 || !when.Instants[0].Equal(at) {
					t.Fatalf("%s: %q reads as %v", name, text, when)
				}
			}
		}
	}
}

func TestAZoneIsKnownByItsIANAName(t *testing.T) {
	for _, name := range append(slices.Clone(Offered), "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Ｅｕｒｏｐｅ／Ｂｅｒｌｉｎ", " Asia/Tokyo ") {
		if z, ok := Zone(name); !ok || z.String() == "" {
			t.Errorf("%q is not known", name)
		}
	}
	for _, name := range []string{"", "Local", "localtime", "JST", "EST", "right/Asia/Tokyo", "posix/Asia/Tokyo", "Asia/Nowhere", "Asia/", "Asia/../Asia/Tokyo", "asia", "/etc/passwd"} {
		if z, ok := Zone(name); ok {
			t.Errorf("%q is %s", name, z)
		}
	}
}
