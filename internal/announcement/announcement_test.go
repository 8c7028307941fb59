package announcement

import (
	"slices"
	"testing"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
)

// The dates of 2018.
var (
	opens   = time.Date(2018, 3, 3, 15, 0, 0, 0, time.UTC)
	ends    = time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)
	planned = time.Date(2018, 2, 1, 3, 0, 0, 0, time.UTC)
	during  = time.Date(2018, 3, 12, 1, 0, 0, 0, time.UTC)
	tokyo   = phrase.Location("Asia/Tokyo")
)

var desk = Desk{Portal: "Business Portal", Contact: "help@portal.example", Hours: "9:00–17:30 JST", House: tokyo}

// of2018 is what was planned in 2018.
func of2018() Record {
	plan := rollout.Plan{ID: "plan", Opens: opens, Ends: ends, Zone: "Asia/Tokyo", Version: 1, Planned: planned}
	return Record{
		Book:     rollout.Book{Plans: []rollout.Plan{plan}},
		Windows:  []maintenance.Window{{ID: "window", Opens: opens, Closes: opens.Add(5 * time.Hour), Planned: planned}},
		Versions: map[string][]rollout.Version{"plan": {{Plan: plan, What: "planned", Saved: planned}}},
	}
}

// change writes another version of the plan, as rollout.Change does.
func (rec *Record) change(at time.Time, do func(p *rollout.Plan)) {
	p := &rec.Book.Plans[0]
	do(p)
	p.Version++
	rec.Versions[p.ID] = slices.Insert(rec.Versions[p.ID], 0, rollout.Version{Plan: *p, What: "changed", Saved: at})
}

func TestTheStateFollowsFromTheInstantAlone(t *testing.T) {
	withdrawn := of2018()
	withdrawn.Book.Plans[0].Withdrawn = during
	again := of2018()
	again.Book.Plans[0].Withdrawn = planned.Add(time.Hour)
	again.Book.Plans = append(again.Book.Plans, rollout.Plan{ID: "second", Opens: opens, Ends: ends, Planned: planned.Add(2 * time.Hour), Version: 1})
	later := of2018()
	later.Book.Plans = append(later.Book.Plans, rollout.Plan{ID: "second", Opens: ends.AddDate(1, 0, 0), Ends: ends.AddDate(1, 1, 0),
		Planned: ends.AddDate(0, 6, 0), Withdrawn: ends.AddDate(0, 7, 0)})
	own := of2018()
	own.Book.Plans = append(own.Book.Plans, rollout.Plan{ID: "own", Organization: "aozora", Opens: opens, Ends: ends.AddDate(0, 1, 0), Planned: planned})
	back := of2018()
	back.Book.Plans = append(back.Book.Plans, rollout.Plan{ID: "own", Organization: "aozora", Opens: opens, Ends: ends.AddDate(0, 1, 0),
		Planned: planned, Withdrawn: opens.Add(-time.Hour)})
	longer := of2018()
	longer.Book.Extended = map[[2]string]time.Time{{"plan", "aozora"}: ends.AddDate(0, 0, 7)}

	for _, c := range []struct {
		name         string
		rec          Record
		organization string
		now          time.Time
		state        State
		plan         string
		earlier      bool
		ends         time.Time
	}{
		{"nothing was planned", Record{}, "", during, None, "", false, time.Time{}},
		{"before the opening", of2018(), "", opens.Add(-time.Microsecond), Ahead, "plan", false, ends},
		{"at the opening", of2018(), "", opens, Open, "plan", false, ends},
		{"before the end", of2018(), "", ends.Add(-time.Microsecond), Open, "plan", false, ends},
		{"at the end", of2018(), "", ends, Ended, "plan", false, ends},
		{"withdrawn in its period", withdrawn, "", during, Withdrawn, "plan", false, ends},
		{"planned again after a withdrawal", again, "", during, Open, "second", true, ends},
		{"a later one was withdrawn after this one had ended", later, "", ends.AddDate(0, 8, 0), Withdrawn, "second", false, ends.AddDate(1, 1, 0)},
		{"an organization's own is not everybody's", own, "", during, Open, "plan", false, ends},
		{"an organization's own", own, "aozora", ends.Add(time.Hour), Open, "own", false, ends.AddDate(0, 1, 0)},
		{"an organization's own, withdrawn before it opened", back, "aozora", during, Open, "plan", false, ends},
		{"an organization's extension", longer, "aozora", ends.Add(time.Hour), Open, "plan", false, ends.AddDate(0, 0, 7)},
		{"an organization's extension is not everybody's", longer, "", ends.Add(time.Hour), Ended, "plan", false, ends},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := c.rec.Facts(desk, c.organization, c.now)
			if f.State != c.state || f.Plan.ID != c.plan || (f.Earlier.ID != "") != c.earlier || !f.Ends.Equal(c.ends) {
				t.Errorf("%s, plan %q, earlier %v, ends %v", f.State, f.Plan.ID, f.Earlier, f.Ends)
			}
		})
	}
}

func TestTheWindowsOfAChangeAreThoseAboutItsOpeningAndInItsPeriod(t *testing.T) {
	rec := of2018()
	window := func(id string, from time.Time, cancelled bool) {
		w := maintenance.Window{ID: id, Opens: from, Closes: from.Add(time.Hour)}
		if cancelled {
			w.Cancelled = planned
		}
		rec.Windows = append(rec.Windows, w)
	}
	window("at the end", ends, false)
	window("in the last hour", ends.Add(-time.Hour), false)
	window("the day before", opens.Add(-around), false)
	window("closed a day before", opens.Add(-around-time.Hour), false)
	window("cancelled", during, true)
	f := rec.Facts(desk, "", during)
	var standing, cancelled []string
	for _, w := range f.Windows {
		standing = append(standing, w.ID)
	}
	for _, w := range f.Cancelled {
		cancelled = append(cancelled, w.ID)
	}
	if want := []string{"the day before", "window", "in the last hour"}; !slices.Equal(standing, want) {
		t.Errorf("%q, want %q", standing, want)
	}
	if !slices.Equal(cancelled, []string{"cancelled"}) {
		t.Errorf("cancelled: %q", cancelled)
	}
}

func TestEachMoveOfADateIsKeptAndAChangeOfWordsIsNone(t *testing.T) {
	rec := of2018()
	day := func(n int) time.Time { return planned.AddDate(0, 0, n) }
	rec.change(day(1), func(p *rollout.Plan) { p.Ends = ends.AddDate(0, 0, 7) })
	rec.change(day(2), func(p *rollout.Plan) { p.Message.English = "Thank you." })
	rec.change(day(3), func(p *rollout.Plan) { p.Opens, p.Ends = opens.AddDate(0, 0, 1), ends })
	f := rec.Facts(desk, "", during)
	want := []Change{{At: day(3), Opens: opens, Ends: ends.AddDate(0, 0, 7)}, {At: day(1), Ends: ends}}
	if !slices.Equal(f.Changes, want) || !f.Saved.Equal(day(3)) {
		t.Errorf("%v, saved %v", f.Changes, f.Saved)
	}
}
