package hours

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed holidays.txt
var holidayText string

// Name is what a holiday is called.
type Name struct{ Japanese, English string }

// LastHoliday is the last day that the table of public holidays speaks of. Days
// after it are working days by the day of the week alone.
var LastHoliday = Day{2050, 12, 31}

// holidays are the public holidays by their day, read when they are first asked for.
var holidays = sync.OnceValue(func() map[Day]Name { return readHolidays(holidayText) })

// HolidayOn is the public holiday of a day, if it is one.
func HolidayOn(d Day) (Name, bool) {
	name, ok := holidays()[d]
	return name, ok
}

// readHolidays reads the table. It was made once, and a test reads each of its days:
// a line that does not read is a mistake of the program.
func readHolidays(text string) map[Day]Name {
	all := map[Day]Name{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		japanese, rest, _ := strings.Cut(line, "|")
		english, days, _ := strings.Cut(rest, "|")
		for word := range strings.FieldsSeq(days) {
			day, ok := ParseDay(word)
			if !ok {
				panic("hours: holidays.txt: " + word)
			}
			all[day] = Name{japanese, english}
		}
	}
	return all
}
