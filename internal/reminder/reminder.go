package reminder

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

// What is what a letter is about. The zero What is nothing.
type What string

// What letters are about. A number of days is written as such: "28"; one that
// names an instant has it behind a colon, in microseconds.
const (
	Announcement What = "announcement" // an operator has it sent
	Opening      What = "opening"      // the set-up has opened
	Moved        What = "moved"        // the own end has changed
	Asked        What = "asked"        // a Portal Admin asked for it
	Days         What = "days"         // of the series, as Kind answers it
)

// DaysBefore is the letter of n days before the own end.
func DaysBefore(n int) What { return What(strconv.Itoa(n)) }

// On is a What at an instant: of two moves to one and the same end, each is told.
func (w What) On(at time.Time) What { return w + What(":"+strconv.FormatInt(at.UnixMicro(), 10)) }

// Kind is a What without its instant, and its days where it is a number of days.
func (w What) Kind() (kind What, days int) {
	name, _, _ := strings.Cut(string(w), ":")
	if n, err := strconv.Atoi(name); err == nil {
		return Days, n
	}
	return What(name), 0
}

// Grant is an extension as its people have it. The zero Grant is none.
type Grant struct{ Until, Given time.Time }

// Calendar is what the dates of the people with one own end follow from.
type Calendar struct {
	Versions  []rollout.Version // of one plan, the oldest first; the last is in force
	Grant     Grant             // their extension: their own, or their organization's
	House     *time.Location    // the portal's zone, for a plan that names none
	Windows   []maintenance.Window
	Announced time.Time // when mail first told of the rollout; zero: not before the opening
}

// Date is one letter and when it is due.
type Date struct {
	What What
	Due  time.Time
}

// Plan is the version in force; the zero Plan where there is none.
func (c Calendar) Plan() rollout.Plan {
	if len(c.Versions) == 0 {
		return rollout.Plan{}
	}
	return c.Versions[len(c.Versions)-1].Plan
}

// withdrawn says that the last version took the plan back.
func (c Calendar) withdrawn() bool {
	return len(c.Versions) == 0 || c.Versions[len(c.Versions)-1].What == "withdrawn"
}

// OwnEnd is the end that binds the people of this calendar.
func (c Calendar) OwnEnd() time.Time { return rollout.OwnEnd(c.Plan(), c.Grant.Until) }

// Opens is when they can sign in and set up: at the opening, or when the window
// closes that covers it.
func (c Calendar) Opens() time.Time { return c.open(c.Plan().Opens) }

// open is an instant, or the close of the window that covers it.
func (c Calendar) open(at time.Time) time.Time {
	if closed, until, _ := maintenance.Covering(c.Windows, at); closed {
		return until
	}
	return at
}

// Dates are all letters of these people in order, past ones too; none for a rollout
// that was withdrawn. What was past already when it was saved, moved or extended is
// not among them, nor what would come before the set-up opens.
func (c Calendar) Dates() []Date {
	if c.withdrawn() {
		return nil
	}
	plan, end, opens := c.Plan(), c.OwnEnd(), c.Opens()
	var dates []Date
	add := func(what What, at, since time.Time) {
		if at = c.open(at); !at.Before(since) && at.Before(end) {
			dates = append(dates, Date{what, at})
		}
	}
	add(Opening, plan.Opens, c.since(func(v rollout.Version) bool { return v.Opens.Equal(plan.Opens) }))
	for _, n := range plan.Reminders.Days() {
		at := rollout.Before(end, n, plan.Location(c.House))
		if !at.After(opens) {
			continue
		}
		add(DaysBefore(n), at, c.since(func(v rollout.Version) bool {
			return v.Zone == plan.Zone && slices.Contains(v.Reminders.Days(), n)
		}))
	}
	if moved := c.moved(); !moved.IsZero() && c.told(moved) {
		add(Moved.On(moved), moved, moved)
	}
	slices.SortStableFunc(dates, func(a, b Date) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.What, b.What)) })
	return dates
}

// told says whether people had been told an end by an instant: by the opening's
// letter, or by the announcement.
func (c Calendar) told(at time.Time) bool {
	return !at.Before(c.Opens()) || !c.Announced.IsZero() && !at.Before(c.Announced)
}

// since is from when on the present own end has been known, in versions that are
// alike in what a date follows from.
func (c Calendar) since(alike func(rollout.Version) bool) (since time.Time) {
	end := c.OwnEnd()
	for _, v := range slices.Backward(c.Versions) {
		if !alike(v) || !rollout.OwnEnd(v.Plan, c.Grant.Until).Equal(end) {
			break
		}
		since = v.Saved
	}
	if c.Grant.Given.After(since) && end.After(c.Plan().Ends) {
		return c.Grant.Given
	}
	return since
}

// moved is when the own end last became another; zero where it never did.
func (c Calendar) moved() (at time.Time) {
	var end time.Time
	given := c.Grant.Until.IsZero()
	step := func(when time.Time, plan rollout.Plan) {
		until := c.Grant.Until
		if !given {
			until = time.Time{}
		}
		if now := rollout.OwnEnd(plan, until); !now.Equal(end) {
			if !end.IsZero() {
				at = when
			}
			end = now
		}
	}
	for i, v := range c.Versions {
		if !given && i > 0 && c.Grant.Given.Before(v.Saved) {
			given = true
			step(c.Grant.Given, c.Versions[i-1].Plan)
		}
		step(v.Saved, v.Plan)
	}
	if !given && len(c.Versions) > 0 {
		given = true
		step(c.Grant.Given, c.Plan())
	}
	return at
}

// Round is a date that is due.
type Round struct {
	Date
	Until time.Time // the next date, or the own end: then its letters have lost their sense
}

// Due is the one round that people with this calendar are in at now. Only the last
// date that has come counts: after an hour or a month in which the portal stood
// still, nobody gets two letters at once. late says that it is too late to start it,
// since more than half of the time until the next has gone: two letters of the
// series never come closer to each other than that. What was started goes on until
// then.
func (c Calendar) Due(now time.Time) (round Round, late, ok bool) {
	end := c.OwnEnd()
	if !now.Before(end) {
		return Round{}, false, false
	}
	for _, date := range c.Dates() {
		if date.Due.After(now) {
			round.Until = date.Due
			break
		}
		round, ok = Round{Date: date, Until: end}, true
	}
	if !ok {
		return Round{}, false, false
	}
	return round, now.Sub(round.Due) > round.Until.Sub(round.Due)/2, true
}

// Next is the first date still to come, and whether there is one.
func (c Calendar) Next(now time.Time) (Date, bool) {
	for _, date := range c.Dates() {
		if date.Due.After(now) {
			return date, true
		}
	}
	return Date{}, false
}

// Extended is whose extension makes somebody's own end.
type Extended int

// The extensions.
const (
	ByNone Extended = iota
	ByOrganization
	ByOwn
)

// By is whose extension makes an own end: the later of the two, and none that is
// not later than the plan's end.
func By(plan rollout.Plan, own time.Time) Extended {
	switch {
	case own.After(plan.Ends) && own.After(plan.Extended):
		return ByOwn
	case plan.Extended.After(plan.Ends):
		return ByOrganization
	}
	return ByNone
}
