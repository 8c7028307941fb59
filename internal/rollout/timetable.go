package rollout

import "time"

// The bounds of a period that makes sense.
const (
	shortestPeriod = time.Hour
	longestPeriod  = 2 * 366 * 24 * time.Hour
)

// Wrong is what is wrong with a timetable: a field of the form and a phrase.
type Wrong struct{ Field, Phrase string }

// Timetable says what is wrong with a rollout that is about to be planned at now,
// beside those that were planned already. Nothing wrong: it may be saved.
func Timetable(now time.Time, p Plan, others []Plan) []Wrong {
	wrong := period(p)
	if !p.Opens.After(now) {
		wrong = append(wrong, Wrong{"opens", "rollout.opens_past"})
	}
	return append(wrong, beside(now, p, others)...)
}

// period is what is wrong with the period by itself.
func period(p Plan) []Wrong {
	switch length := p.Ends.Sub(p.Opens); {
	case length <= 0:
		return []Wrong{{"ends", "rollout.ends_before_opening"}}
	case length < shortestPeriod:
		return []Wrong{{"ends", "rollout.period_short"}}
	case length > longestPeriod:
		return []Wrong{{"ends", "rollout.period_long"}}
	}
	return nil
}

// beside is what others stand in the way: two of one scope never overlap, and an
// organization's own replaces the portal's only if it was saved before either opens.
func beside(now time.Time, p Plan, others []Plan) (wrong []Wrong) {
	for _, o := range others {
		overlap := o.ID != p.ID && !o.void() && o.Opens.Before(p.Ends) && p.Opens.Before(o.lasts())
		switch {
		case !overlap:
		case o.Organization == p.Organization:
			return append(wrong, Wrong{"opens", "rollout.overlaps"})
		case p.Organization != "" && o.Organization == "" && p.ID == "" && !now.Before(o.binds()):
			return append(wrong, Wrong{"organization", "rollout.portal_opened"})
		}
	}
	return wrong
}

// Moves says what is wrong with changing a rollout at now. An instant that has
// passed is never moved, and none is moved into the past.
func Moves(now time.Time, was, to Plan, others []Plan) []Wrong {
	if !was.Withdrawn.IsZero() {
		return []Wrong{{"", "rollout.withdrawn_already"}}
	}
	wrong := period(to)
	wrong = append(wrong, shifted(now, "opens", was.Opens, to.Opens)...)
	wrong = append(wrong, shifted(now, "ends", was.Ends, to.Ends)...)
	return append(wrong, beside(now, to, others)...)
}

func shifted(now time.Time, field string, was, to time.Time) []Wrong {
	switch {
	case was.Equal(to):
		return nil
	case !was.After(now):
		return []Wrong{{field, "rollout." + field + "_passed"}}
	case !to.After(now):
		return []Wrong{{field, "rollout." + field + "_past"}}
	}
	return nil
}

// Extends says what is wrong with giving one account a later own end at now; the
// empty answer is that it may be given. grace is For's answer.
func Extends(now time.Time, term Term, grace bool, until time.Time) string {
	switch {
	case !grace:
		return "rollout.extend_no_grace"
	case !now.Before(term.OwnEnd):
		return "rollout.extend_passed"
	}
	return extended(now, term.Plan, until)
}

// ExtendsAll is Extends for a whole organization, whose own end is the plan's or
// its former extension's: once that has passed, only those who have one of their
// own can be extended, each by name.
func ExtendsAll(now time.Time, plan Plan, until time.Time) string {
	if !plan.Withdrawn.IsZero() || !now.Before(OwnEnd(plan, time.Time{})) {
		return "rollout.extend_passed"
	}
	return extended(now, plan, until)
}

func extended(now time.Time, plan Plan, until time.Time) string {
	switch {
	case !until.After(now), !until.After(plan.Ends):
		return "rollout.extend_not_later"
	case until.After(plan.Ends.Add(LongestExtension)):
		return "rollout.extend_beyond"
	}
	return ""
}

// Shadowed says whether a plan cannot be withdrawn at now without harm: another
// that opens before it is still ahead, and a withdrawal that comes before that
// opening would count first, and end the grace of those whom the other covers. An
// organization's own that has not opened counts for nothing once it is taken back.
func Shadowed(now time.Time, p Plan, others []Plan) bool {
	for _, o := range others {
		if p.Organization == "" && o.Organization == "" && o.ID != p.ID && o.Withdrawn.IsZero() && now.Before(o.Opens) && o.Opens.Before(p.Opens) {
			return true
		}
	}
	return false
}
