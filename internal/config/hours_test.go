package config_test

import (
	"strings"
	"testing"
	"time"

	"nidan/internal/config"
)

func TestBusinessHoursNameTheirDaysWhereTheyAreNotMondayToFriday(t *testing.T) {
	for text, want := range map[string]string{
		"09:00-17:30": "Mon Tue Wed Thu Fri", "9:00–17:30": "Mon Tue Wed Thu Fri", " 09:00 - 17:30 ": "Mon Tue Wed Thu Fri",
		"Mon-Sat 09:00-17:30": "Mon Tue Wed Thu Fri Sat", "sun-thu 09:00-17:30": "Sun Mon Tue Wed Thu", "Mon,Wed,Fri 09:00-17:30": "Mon Wed Fri",
		"Fri–Mon 09:00–17:30": "Sun Mon Fri Sat", "Sun-Sat 09:00-17:30": "Sun Mon Tue Wed Thu Fri Sat", "Tue 09:00 - 17:30": "Tue",
	} {
		hours := load(t, "", "NIDAN_HOURS="+text).Hours
		var days []string
		for day := time.Sunday; day <= time.Saturday; day++ {
			if hours.Days.Has(day) {
				days = append(days, day.String()[:3])
			}
		}
		if strings.Join(days, " ") != want || hours.String() != "9:00–17:30" {
			t.Errorf("%q: %v, %s", text, days, hours)
		}
	}
	for _, text := range []string{"always", "Mon-Fri", "Mon- 09:00-17:30", "Montag 09:00-17:30", "Mon-Fri 17:30-09:00", "Mon Tue 09:00-17:30", "Mon,,Tue 09:00-17:30"} {
		if _, err := config.Load("", []string{"NIDAN_HOURS=" + text}); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if load(t, "", "NIDAN_HOURS=").Hours.String() != "" {
		t.Error("no hours are some")
	}
}
