package reminder

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
)

// ask is what one Portal Admin asks for.
type ask struct {
	visit   *session.Visit
	planned planned
	task    task
	pen     *pen
	figures map[string]progress.Figures
	chosen  func(id string) bool
	people  string // how many were chosen, for the record
	begun   bool
}

// remind writes to people of the visitor's own organization who have proved no
// method: those chosen, or everybody. Nobody is reminded so twice within a day.
func (rm *Room) remind(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	a, err := rm.asked(r.Context(), session.Of(r.Context()), rm.Site.Now())
	if err != nil {
		return err
	}
	if form.Has("everybody") {
		a.people, a.chosen = "everybody", func(string) bool { return true }
	} else {
		a.people, a.chosen = "chosen", func(id string) bool { return form.Has("person-" + id) }
	}
	n, err := rm.write(r.Context(), a)
	if err != nil {
		return err
	}
	rm.wake()
	return page.See(w, "/progress?reminded="+strconv.FormatInt(n, 10))
}

// asked is the rollout that the visitor's people are in. Before it has opened there
// is nothing they could do yet.
func (rm *Room) asked(ctx context.Context, v *session.Visit, now time.Time) (*ask, error) {
	var p planned
	var err error
	if p.version, err = maintenance.Version(ctx, rm.DB); err != nil {
		return nil, err
	}
	if p.book, err = rollout.ReadBook(ctx, rm.DB); err != nil {
		return nil, err
	}
	plan, ok := p.book.In(v.Ref.Organization, now)
	if !ok || now.Before(plan.Opens) {
		return nil, fault.New(fault.Refused, "reminder.not_open")
	}
	t := task{round: round{Plan: plan.ID, Organization: v.Ref.Organization, What: Asked.On(now), Due: now, AskedBy: v.Ref.ID, Finished: now}}
	return &ask{visit: v, planned: p, task: t, pen: rm.Desk.pen(p, plan, plan.Opens, now), figures: map[string]progress.Figures{}}, nil
}

// write goes through the organization's people, some at a time.
func (rm *Room) write(ctx context.Context, a *ask) (n int64, err error) {
	for after := ""; ; {
		list, err := rollout.OpenOf(ctx, rm.DB, a.task.Organization, after, batch)
		if err != nil {
			return n, err
		}
		var chosen []rollout.Open
		for _, o := range list {
			if after = o.ID; a.chosen(o.ID) {
				chosen = append(chosen, o)
			}
		}
		some, err := rm.writeSome(ctx, a, chosen)
		if n += some; err != nil || len(list) < batch {
			return n, err
		}
	}
}

// errNobody takes back a round in which there was nobody to write to.
var errNobody = errors.New("nobody is to be written to")

func (rm *Room) writeSome(ctx context.Context, a *ask, chosen []rollout.Open) (n int64, err error) {
	people, letters, skipped, err := rm.prepare(ctx, a.planned, &a.task, a.pen, chosen, a.figures, rm.Site.Now())
	if err != nil || len(people) == 0 {
		return 0, err
	}
	r := a.task.round
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := a.visit.Still(ctx, tx); err != nil {
			return err
		}
		if err := holds(ctx, tx, a.planned, time.Time{}); err != nil {
			return err
		}
		if r = a.task.round; !a.begun {
			if r, err = rm.beginAsked(ctx, tx, a); err != nil {
				return err
			}
		}
		if n, err = post(ctx, tx, r, people, letters, skipped); err == nil && n == 0 && !a.begun {
			return errNobody
		}
		return err
	})
	switch {
	case errors.Is(err, errNobody):
		return 0, nil
	case errors.Is(err, errMoved): // something was planned while this was sent
		return 0, fault.New(fault.Refused, "reminder.changed")
	case err != nil:
		return 0, err
	}
	a.task.round, a.begun = r, true
	return n, nil
}

// beginAsked writes the round of what was asked for, and who asked.
func (rm *Room) beginAsked(ctx context.Context, tx *store.Tx, a *ask) (round, error) {
	r, err := begin(ctx, tx, a.task.round)
	if err != nil {
		return round{}, err
	}
	return r, audit.Record(ctx, tx, rm.Keys, a.visit.Entry("rollout:reminder:asked",
		map[string]string{"rollout": r.Plan, "people": a.people}))
}
