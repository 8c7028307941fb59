package announcement

import (
	"cmp"
	"slices"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

// State is how far the change has come.
type State string

// The states. None: no rollout was ever planned.
const (
	None      State = "none"
	Ahead     State = "ahead"
	Open      State = "open"
	Ended     State = "ended"
	Withdrawn State = "withdrawn"
)

// Desk is whom readers can ask, and how the portal is called.
type Desk struct {
	Portal  string
	Contact string         // the help desk's mail address, or empty
	Hours   string         // its business hours with their zone, or empty
	House   *time.Location // the zone of dates, where the plan names none
}

// Facts are everything that an announcement says. The zero Facts announce nothing.
type Facts struct {
	Desk
	State     State
	Now       time.Time
	Plan      rollout.Plan
	Ends      time.Time // the plan's end, or the organization's extension of it
	Zone      *time.Location
	Windows   []maintenance.Window // of this change, that stand, the first first
	Cancelled []maintenance.Window // of this change, taken back
	Changes   []Change             // of its dates, the newest first
	Saved     time.Time            // when the plan became as it is
	Earlier   rollout.Plan         // the plan withdrawn before this one was planned, or zero
}

// Change is a moved date: what it was before. An instant that stayed is zero.
type Change struct {
	At          time.Time
	Opens, Ends time.Time
}

// Record is all that was ever planned, as Read finds it.
type Record struct {
	Book     rollout.Book
	Windows  []maintenance.Window
	Versions map[string][]rollout.Version // by plan, the newest first
}

// around is how long before the opening a window belongs to the change.
const around = 24 * time.Hour

// Facts are what is announced at now to an organization's people; "" is everybody.
func (rec Record) Facts(desk Desk, organization string, now time.Time) Facts {
	f := Facts{Desk: desk, State: None, Now: now, Zone: desk.House}
	plan, ok := rec.Book.In(organization, now)
	withdrawn, taken := rec.withdrawn(organization)
	switch {
	case !ok && !taken:
		return f
	case !ok, taken && over(plan, now) && withdrawn.Withdrawn.After(plan.Ends):
		plan, f.State = withdrawn, Withdrawn
	case taken && !withdrawn.Withdrawn.After(plan.Planned):
		f.Earlier = withdrawn
	}
	f.Plan, f.Ends, f.Zone = plan, rollout.OwnEnd(plan, time.Time{}), plan.Location(desk.House)
	if f.State == None {
		f.State = state(f, now)
	}
	f.Windows, f.Cancelled = rec.windows(f)
	f.Changes, f.Saved = changes(rec.Versions[plan.ID])
	if f.Saved.IsZero() {
		f.Saved = plan.Planned
	}
	return f
}

func state(f Facts, now time.Time) State {
	switch {
	case now.Before(f.Plan.Opens):
		return Ahead
	case now.Before(f.Ends):
		return Open
	}
	return Ended
}

func over(p rollout.Plan, now time.Time) bool {
	return !now.Before(rollout.OwnEnd(p, time.Time{}))
}

// withdrawn is the rollout last taken back that ended 1-step sign-in for this
// organization. One of its own that was withdrawn before it opened put the
// portal's back: nothing came of it.
func (rec Record) withdrawn(organization string) (last rollout.Plan, ok bool) {
	for _, p := range rec.Book.Plans {
		own := p.Organization != "" && p.Organization == organization && !p.Withdrawn.Before(p.Opens)
		if p.Withdrawn.IsZero() || (!own && p.Organization != "") {
			continue
		}
		if !ok || p.Withdrawn.After(last.Withdrawn) {
			last, ok = p, true
		}
	}
	return last, ok
}

// windows are those of the change: about its opening, or in its period.
func (rec Record) windows(f Facts) (standing, cancelled []maintenance.Window) {
	for _, w := range rec.Windows {
		switch {
		case !w.Closes.After(f.Plan.Opens.Add(-around)) || !w.Opens.Before(f.Ends):
		case w.Cancelled.IsZero():
			standing = append(standing, w)
		default:
			cancelled = append(cancelled, w)
		}
	}
	first := func(a, b maintenance.Window) int {
		return cmp.Or(a.Opens.Compare(b.Opens), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(standing, first)
	slices.SortFunc(cancelled, first)
	return standing, cancelled
}

// changes are the moves of dates among a plan's versions, and when the newest was saved.
func changes(versions []rollout.Version) (list []Change, saved time.Time) {
	for i, v := range versions {
		if i == 0 {
			saved = v.Saved
		}
		if i+1 == len(versions) {
			break
		}
		was, c := versions[i+1], Change{At: v.Saved}
		if !was.Opens.Equal(v.Opens) {
			c.Opens = was.Opens
		}
		if !was.Ends.Equal(v.Ends) {
			c.Ends = was.Ends
		}
		if !c.Opens.IsZero() || !c.Ends.IsZero() {
			list = append(list, c)
		}
	}
	return list, saved
}
