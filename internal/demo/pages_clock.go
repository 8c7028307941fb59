package demo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// The years to which a demo's clock goes. Times of day beyond are a typing mistake.
const (
	firstYear = 2000
	lastYear  = 2100
)

type clockView struct {
	page.View
	Now     time.Time
	UTC     string // the same instant as the field takes it
	Typed   string
	Moments []shownMoment
}

type shownMoment struct {
	Moment Moment
	At     time.Time
	Past   bool
}

// clock says what time it is in the demo, and where it can jump to.
func (rm *Room) clock(w http.ResponseWriter, r *http.Request) error {
	return rm.showClock(w, r, http.StatusOK, &clockView{})
}

func (rm *Room) showClock(w http.ResponseWriter, r *http.Request, status int, view *clockView) error {
	at, err := rm.moments(r.Context())
	if err != nil {
		return err
	}
	view.Now = rm.Clock.Now()
	view.UTC = view.Now.Format(time.RFC3339)
	if view.Typed == "" {
		view.Typed = view.UTC
	}
	for _, m := range Moments {
		if t, ok := at[m]; ok {
			view.Moments = append(view.Moments, shownMoment{Moment: m, At: t, Past: t.Before(view.Now)})
		}
	}
	return rm.pages.Show(w, r, status, "clock", "demo.clock_title", view)
}

// moments are the instants of the story, by the portal's rollout and the window at
// its opening as they are planned now. What is not planned has no moments.
func (rm *Room) moments(ctx context.Context) (map[Moment]time.Time, error) {
	plans, _, err := rollout.Plans(ctx, rm.DB)
	if err != nil {
		return nil, err
	}
	windows, err := maintenance.Windows(ctx, rm.DB)
	if err != nil {
		return nil, err
	}
	at := map[Moment]time.Time{}
	for _, plan := range plans {
		if plan.Organization != "" || !plan.Withdrawn.IsZero() {
			continue
		}
		for _, m := range Moments {
			delete(at, m)
			window, found := opening(windows, plan.Opens)
			if t, known := m.at(Period{plan.Opens, plan.Ends}, window); known && (found || !m.ofWindow()) {
				at[m] = t
			}
		}
	}
	return at, nil
}

// opening is the window that a period begins with.
func opening(windows []maintenance.Window, opens time.Time) (Window, bool) {
	for _, w := range windows {
		if w.Covers(opens) {
			return Window{w.Opens, w.Closes}, true
		}
	}
	return Window{}, false
}

// jump moves the demo's clock, on all nodes.
func (rm *Room) jump(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	typed := form.Need("now", "demo.now_missing")
	at, err := rm.moments(r.Context())
	if err != nil {
		return err
	}
	to, ok := at[momentOf(typed)]
	if !ok && form.OK() {
		if to, err = time.Parse(time.RFC3339, typed); err != nil || to.UTC().Year() < firstYear || to.UTC().Year() > lastYear {
			form.Fault("now", "demo.now_shape")
		}
	}
	if !form.OK() {
		view := &clockView{Typed: typed}
		view.Faults = form.Faults()
		return rm.showClock(w, r, http.StatusUnprocessableEntity, view)
	}
	if err := rm.move(r.Context(), to); err != nil {
		return err
	}
	return page.See(w, "/demo/clock")
}

// move makes it happen, and records it as what it is: nobody's act on a portal.
func (rm *Room) move(ctx context.Context, to time.Time) error {
	from := rm.Clock.Now()
	if err := clock.SetDemoOffset(ctx, rm.DB, rm.Clock, to.Sub(rm.Clock.Machine())); err != nil {
		return err
	}
	err := rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := unwait(ctx, tx, from, to); err != nil {
			return err
		}
		return audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: audit.Operators, Act: "portal:clock:jumped",
			Actor: audit.Actor{Kind: audit.KindStranger}, Subject: "demo", Network: session.Of(ctx).From, Detail: span(from, to)})
	})
	if err != nil {
		return errors.Join(errors.New("the clock jumped and this was not recorded"), err)
	}
	return nil
}

// unwait is what a jump back needs so that nobody waits for the time he comes from:
// tries, mailed codes and letters of then are as long ago as they were. What is valid
// stays valid, so that the same demo is there after a jump to and fro.
func unwait(ctx context.Context, tx *store.Tx, from, to time.Time) error {
	if !to.Before(from) {
		return nil
	}
	for _, rewind := range []func(context.Context, *store.Tx, time.Time, time.Time) error{
		limit.Rewind, mail.Rewind, mailotp.Rewind, verification.Rewind,
	} {
		if err := rewind(ctx, tx, from, to); err != nil {
			return err
		}
	}
	return nil
}
