package cli

import (
	"testing"

	"nidan/internal/hours"
)

func TestTheCheckWarnsAYearBeforeTheTableOfHolidaysEnds(t *testing.T) {
	for day, want := range map[hours.Day]string{
		{Year: 2026, Month: 11, Day: 27}: "public holidays known until 2050-12-31",
		{Year: 2049, Month: 12, Day: 31}: "public holidays known until 2050-12-31",
		{Year: 2050, Month: 1, Day: 1}:   "warning: public holidays are known until 2050-12-31 only; close later ones at /operator/hours, or take a newer release",
	} {
		if got := holidaysReach(day); got != want {
			t.Errorf("%s: %s", day, got)
		}
	}
}
