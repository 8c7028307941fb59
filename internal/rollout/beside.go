package rollout

import (
	"context"
	"time"

	"nidan/internal/progress"
)

// Beside is the rollout whose course is shown beside other figures since an instant:
// of those that ran at any time since, the portal's, else an organization's own; the
// one that runs before one that is over. False: none ran.
func (b Book) Beside(since, now time.Time) (found Plan, ok bool) {
	for _, p := range b.Plans {
		p.Extended = b.Extended[[2]string{p.ID, p.Organization}]
		if !p.Withdrawn.IsZero() || now.Before(p.Opens) || !OwnEnd(p, time.Time{}).After(since) || !covers(b.Plans, p, p.Organization) {
			continue
		}
		of, other := p.Organization != "", found.Organization != ""
		if !ok || other && !of || of == other && nearer(now, p, found) {
			found, ok = p, true
		}
	}
	return found, ok
}

// Beside is the rollout that stands beside other figures since an instant, and what
// happened in each hour to whom it covers; false: none ran since.
func (rm *Room) Beside(ctx context.Context, since time.Time) (plan Plan, hours []progress.Hour, ok bool, err error) {
	book, err := rm.book(ctx)
	if err != nil {
		return Plan{}, nil, false, err
	}
	plan, ok = book.Beside(since, rm.Site.Now())
	switch {
	case !ok:
	case plan.Organization == "":
		hours, err = progress.ReadHours(ctx, rm.DB, book.own(plan)...)
	default:
		var course progress.Course
		course, err = progress.ReadCourse(ctx, rm.DB, plan.Organization)
		hours = course.Hours
	}
	return plan, hours, ok, err
}
