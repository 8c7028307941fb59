package rollout

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"nidan/internal/fault"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/store"
)

// longestMessage is how many characters an operator's own words may have.
const longestMessage = 2000

// planView is the form of a rollout, new or to be changed.
type planView struct {
	page.View
	Plan     Titled // change: as it stands
	Changing bool
	Wanted   string // the organization's name
	Zone     string
	Opens    page.When
	Ends     page.When
	English  string
	Japanese string
	Series   string
	Opened   bool // the opening has passed and cannot be moved
}

func (rm *Room) showNew(w http.ResponseWriter, r *http.Request) error {
	zone := rm.Site.House
	return rm.page.Show(w, r, http.StatusOK, "plan", "rollout.new",
		&planView{Zone: zone.String(), Opens: page.When{Zone: zone}, Ends: page.When{Zone: zone}, Series: string(Usual)})
}

func (rm *Room) showChange(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rm.find(r)
	if err != nil {
		return err
	}
	zone := plan.Location(rm.Site.House)
	view := &planView{Plan: plan, Changing: true, Wanted: plan.Scope, Zone: zone.String(),
		Opens: page.WhenAt(plan.Opens, zone), Ends: page.WhenAt(plan.Ends, zone),
		English: plan.Message.English, Japanese: plan.Message.Japanese, Series: string(plan.Reminders)}
	return rm.form(w, r, http.StatusOK, view)
}

func (rm *Room) form(w http.ResponseWriter, r *http.Request, status int, view *planView) error {
	if !view.Changing {
		return rm.page.Show(w, r, status, "plan", "rollout.new", view)
	}
	view.Opened = !rm.Site.Now().Before(view.Plan.Opens)
	return rm.page.Show(w, r, status, "plan", rm.titled(r, "rollout.change_title", view.Plan), view)
}

// read is what was typed as a plan. What is wrong with the dates themselves is
// beside each field; what is wrong with the timetable is for Timetable or Moves.
func (rm *Room) read(ctx context.Context, r store.Reader, form *page.Form, view *planView) (to Titled, err error) {
	to = view.Plan
	view.Wanted, view.Zone, view.Series = form.Text("organization"), form.Text("zone"), form.Text("reminders")
	view.English, view.Japanese = form.Lines("message_en"), form.Lines("message_ja")
	for field, text := range map[string]string{"message_en": view.English, "message_ja": view.Japanese} {
		if len([]rune(text)) > longestMessage {
			form.Fault(field, "page.field_long", "n", longestMessage)
		}
	}
	zone := form.Zone("zone")
	if zone == nil {
		zone = rm.Site.House
	}
	view.Opens, view.Ends = form.When("opens", zone), form.When("ends", zone)
	to.Opens, to.Ends = form.Instant("opens", zone), form.Instant("ends", zone)
	series, ok := ParseSeries(view.Series)
	if !ok {
		form.Fault("reminders", "rollout.reminders_shape")
	}
	to.Zone, to.Reminders = zone.String(), series
	to.Message = Message{view.English, view.Japanese}
	if view.Changing || view.Wanted == "" {
		return to, nil
	}
	o, err := organization.ByName(ctx, r, view.Wanted)
	if errors.Is(err, store.ErrNone) {
		form.Fault("organization", "rollout.organization_unknown")
		return to, nil
	}
	to.Organization, to.Scope = o.ID, o.Name
	return to, err
}

// postNew shows what the rollout would mean, and saves it when that was seen.
func (rm *Room) postNew(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &planView{}
	plan, err := rm.read(r.Context(), rm.DB, form, view)
	if err != nil {
		return err
	}
	if form.OK() && form.Has("sure") {
		saved := plan
		err = rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) (err error) {
			saved, err = d.Plan(ctx, tx, plan)
			return err
		})
		if err == nil {
			return page.See(w, "/operator/rollouts/"+saved.ID+"?done=planned")
		}
	} else if form.OK() {
		err = possible(r.Context(), rm.DB, rm.Site.Now(), plan.Plan)
	}
	return rm.checked(w, r, form, view, plan, "plan", err)
}

// checked answers a form that was not saved: again, with what is wrong, or as the
// page that says what it would mean.
func (rm *Room) checked(w http.ResponseWriter, r *http.Request, form *page.Form, view *planView, plan Titled, act string, err error) error {
	var wrong Refusals
	switch {
	case errors.As(err, &wrong):
		for _, one := range wrong {
			form.Fault(one.Field, one.Phrase)
		}
	case errors.Is(err, store.ErrNone):
		form.Fault("", "rollout.changed_meanwhile")
	case err != nil:
		return err
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.form(w, r, http.StatusUnprocessableEntity, view)
	}
	out, err := rm.outcome(r, plan, plan.Ends)
	if err != nil {
		return err
	}
	out.Act, out.Post, out.Was = act, r.URL.Path, view.Plan.Plan
	out.Hidden = []typed{{"organization", view.Wanted}, {"zone", out.Zone}, {"reminders", string(plan.Reminders)},
		{"opens", plan.Opens.UTC().Format(time.RFC3339)}, {"ends", plan.Ends.UTC().Format(time.RFC3339)},
		{"message_en", view.English}, {"message_ja", view.Japanese}, {"sure", "yes"}}
	title := "rollout.check_title"
	if act == "change" {
		out.Hidden = append(out.Hidden, typed{"version", form.Text("version")})
		title = rm.titled(r, "rollout.change_title", view.Plan)
	}
	return rm.page.Show(w, r, http.StatusOK, "outcome", title, out)
}

// postChange shows what the change would mean, and saves it when that was seen.
func (rm *Room) postChange(w http.ResponseWriter, r *http.Request) error {
	was, _, err := rm.find(r)
	if err != nil {
		return err
	}
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &planView{Plan: was, Changing: true}
	// What was on the page; Change compares it with what stands. Of a form that does
	// not say it nobody knows what was looked at: it is of no version.
	view.Plan.Version, _ = strconv.ParseInt(form.Text("version"), 10, 64)
	to, err := rm.read(r.Context(), rm.DB, form, view)
	if err != nil {
		return err
	}
	view.Wanted = was.Scope
	switch {
	case form.OK() && form.Has("sure"):
		err = rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error { return d.Change(ctx, tx, to) })
		if err == nil {
			return page.See(w, "/operator/rollouts/"+was.ID+"?done=changed")
		}
	case form.OK():
		err = possible(r.Context(), rm.DB, rm.Site.Now(), to.Plan)
	}
	return rm.checked(w, r, form, view, to, "change", err)
}

func (rm *Room) showWithdraw(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rm.find(r)
	if err != nil {
		return err
	}
	// Taken back, it ends the grace of all it covers at once: as if the end came now.
	view, err := rm.outcome(r, plan, time.Time{})
	if err != nil {
		return err
	}
	view.Act, view.Post = "withdraw", r.URL.Path
	view.Hidden = []typed{{"sure", "yes"}}
	return rm.page.Show(w, r, http.StatusOK, "outcome", rm.titled(r, "rollout.withdraw_title", plan), view)
}

func (rm *Room) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rm.find(r)
	if err != nil {
		return err
	}
	if _, err := page.Read(r); err != nil {
		return err
	}
	err = rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error { return d.Withdraw(ctx, tx, plan) })
	if errors.Is(err, store.ErrNone) {
		return fault.New(fault.Refused, "rollout.changed_meanwhile")
	}
	if err != nil {
		return err
	}
	return page.See(w, "/operator/rollouts/"+plan.ID+"?done=withdrawn")
}
