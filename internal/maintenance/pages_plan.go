package maintenance

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// candidate is an operator who may be put on a window's list.
type candidate struct {
	operator.Operator
	Checked bool
}

// Field is the name of the candidate's box.
func (c candidate) Field() string { return "operator_" + c.ID }

type planView struct {
	page.View
	Opens, Closes page.When
	Self          string // the planner, who is always on the list
	Staff         []candidate
}

// checkView says what a window will do, before it is saved.
type checkView struct {
	page.View
	Window   Window
	Who      []operator.Operator
	Beside   []Window
	Together Stretch
	Marks    []Mark
	AsksBack bool
	Meant    bool
	Hidden   []hidden
}

type hidden struct{ Name, Value string }

func (rm *Room) showNew(w http.ResponseWriter, r *http.Request) error {
	staff, err := operator.All(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view := &planView{Opens: page.When{Zone: rm.Site.House}, Closes: page.When{Zone: rm.Site.House}}
	rm.candidates(r, view, staff, func(candidate) bool { return false })
	return rm.page.Show(w, r, http.StatusOK, "plan", "maintenance.new", view)
}

func (rm *Room) candidates(r *http.Request, view *planView, staff []operator.Operator, checked func(candidate) bool) {
	self := session.Of(r.Context())
	view.Self = self.Person.Name
	for _, o := range staff {
		if o.ID != self.Ref.ID {
			c := candidate{Operator: o}
			c.Checked = checked(c)
			view.Staff = append(view.Staff, c)
		}
	}
}

// postNew shows what a window will do, and saves it when that was seen.
func (rm *Room) postNew(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	staff, err := operator.All(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view := &planView{Opens: form.When("opens", rm.Site.House), Closes: form.When("closes", rm.Site.House)}
	rm.candidates(r, view, staff, func(c candidate) bool { return form.Has(c.Field()) })
	want := Window{Opens: form.Instant("opens", rm.Site.House), Closes: form.Instant("closes", rm.Site.House),
		Operators: []string{session.Of(r.Context()).Ref.ID}}
	for _, c := range view.Staff {
		if c.Checked {
			want.Operators = append(want.Operators, c.ID)
		}
	}
	check := &checkView{Window: want, Who: named(want, staff), Meant: form.Has("meant")}
	if form.OK() {
		err = rm.foresee(r.Context(), check)
	}
	if form.OK() && err == nil && form.Has("sure") && (check.Meant || !check.AsksBack) {
		err = rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error { _, err := d.Plan(ctx, tx, want); return err })
		if err == nil {
			return page.See(w, "/operator/windows?done=planned")
		}
	}
	return rm.checked(w, r, form, view, check, err)
}

// checked answers a form that was not saved: again, with what is wrong, or as the
// page that says what will happen.
func (rm *Room) checked(w http.ResponseWriter, r *http.Request, form *page.Form, view *planView, check *checkView, err error) error {
	var wrong Refusals
	switch {
	case errors.As(err, &wrong):
		for _, one := range wrong {
			form.Fault(one.Field, one.Phrase)
		}
	case err != nil:
		return err
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.page.Show(w, r, http.StatusUnprocessableEntity, "plan", "maintenance.new", view)
	}
	status := http.StatusOK
	if form.Has("sure") {
		form.Fault("meant", "maintenance.meant_missing")
		check.Faults, status = form.Faults(), http.StatusUnprocessableEntity
	}
	check.Hidden = []hidden{{"opens", check.Window.Opens.Format(time.RFC3339)}, {"closes", check.Window.Closes.Format(time.RFC3339)}, {"sure", "yes"}}
	for _, c := range view.Staff {
		if c.Checked {
			check.Hidden = append(check.Hidden, hidden{c.Field(), "yes"})
		}
	}
	return rm.page.Show(w, r, status, "check", "maintenance.check_title", check)
}

// foresee finds what a window meets. Refusals say why it may not be.
func (rm *Room) foresee(ctx context.Context, view *checkView) (err error) {
	w := view.Window
	if view.Beside, err = possible(ctx, rm.DB, rm.Site.Now(), w); err != nil {
		return err
	}
	for _, s := range Stretches(append([]Window{w}, view.Beside...)) {
		if !s.Opens.After(w.Opens) && !s.Closes.Before(w.Closes) {
			view.Together = s
		}
	}
	marks, err := rm.Marks(ctx, rm.DB, w.Opens, w.Closes)
	view.Marks = Swallowed(w, marks)
	view.AsksBack = AsksBack(view.Marks)
	return err
}
