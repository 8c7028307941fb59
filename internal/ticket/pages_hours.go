package ticket

import (
	"context"
	"net/http"
	"slices"
	"time"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/hours"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
)

// dayRow is a day that is not like its weekday: a holiday, or one that an operator
// spoke of.
type dayRow struct {
	hours.Day
	Name string // of the holiday
	Said bool   // by an operator
	Open bool
	Note string
}

type hoursView struct {
	page.View
	Hours   string
	Zone    string
	Open    bool
	Until   time.Time
	Rows    []dayRow
	Reaches string // until when holidays are known
	Soon    bool   // that is less than a year away
	Typed   struct{ Day, Note string }
	Kinds   []page.Option
}

// ahead is how many days the page shows.
const ahead = 366

// showHours is business time: the setting, the holidays of the next year, and the
// days that operators closed or opened.
func (rm *Room) showHours(w http.ResponseWriter, r *http.Request) error {
	view := &hoursView{}
	if done := r.URL.Query().Get("done"); done == "said" || done == "unsaid" {
		view.Notice = rm.Site.Speak(r).T("ticket.day_" + done)
	}
	return rm.showDays(w, r, http.StatusOK, view, "")
}

func (rm *Room) showDays(w http.ResponseWriter, r *http.Request, status int, view *hoursView, kind string) error {
	cal, err := rm.Desk.calendar(r.Context(), rm.DB, rm.Site.Now())
	if err != nil {
		return err
	}
	say, today := rm.Site.Speak(r), hours.DayOf(rm.Site.Now(), rm.Site.House)
	view.Hours, view.Zone = rm.Hours.String(), rm.Site.House.String()
	view.Open, view.Until = cal.Open(rm.Site.Now())
	view.Reaches, view.Soon = hours.LastHoliday.String(), hours.LastHoliday.Before(today.Plus(365))
	for n := range ahead {
		day := today.Plus(n)
		name, holiday := hours.HolidayOn(day)
		special, said := cal.Special[day]
		if !holiday && !said {
			continue
		}
		open, _ := cal.Of(day)
		one := dayRow{Day: day, Said: said, Open: open, Note: special.Note, Name: name.English}
		if say.Lang == phrase.Japanese {
			one.Name = name.Japanese
		}
		view.Rows = append(view.Rows, one)
	}
	for _, one := range []string{"closed", "opened"} {
		view.Kinds = append(view.Kinds, page.Option{Value: one, Label: say.T("ticket.day_" + one), Checked: kind == one || kind == "" && one == "closed"})
	}
	return rm.page.Show(w, r, status, "hours", "ticket.hours_title", view)
}

// postHours closes or opens a day, or takes back what was said of one.
func (rm *Room) postHours(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &hoursView{}
	view.Typed.Day, view.Typed.Note = form.Text("day"), form.Text("note")
	day, ok := hours.ParseDay(view.Typed.Day)
	today := hours.DayOf(rm.Site.Now(), rm.Site.House)
	if !ok && !form.Wrong("day") {
		form.Fault("day", "ticket.day_missing")
	} else if ok && day.Before(today) {
		form.Fault("day", "ticket.day_past")
	} else if ok && today.Plus(2*ahead).Before(day) {
		form.Fault("day", "ticket.day_far")
	}
	what, kind := "said", form.Text("kind")
	if form.Text("act") == "unsay" {
		what = "unsaid"
	} else if !slices.Contains([]string{"closed", "opened"}, kind) {
		form.Fault("kind", "ticket.day_kind_missing")
	}
	if form.OK() {
		err := rm.sayDay(r, hours.Special{Day: day, Open: kind == "opened", Note: view.Typed.Note}, what)
		if err == nil {
			rm.forgetDays()
			return page.See(w, "/operator/hours?done="+what)
		}
		if f := fault.Of(err); f == nil || f.Kind != fault.Invalid {
			return err
		}
	}
	view.Faults = form.Faults()
	return rm.showDays(w, r, http.StatusUnprocessableEntity, view, kind)
}

func (rm *Room) sayDay(r *http.Request, s hours.Special, what string) error {
	v := session.Of(r.Context())
	return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		detail := map[string]string{"note": s.Note, "open": map[bool]string{true: "yes", false: "no"}[s.Open]}
		if what == "unsaid" {
			detail = nil
			if err := hours.Unsay(ctx, tx, s.Day); isNone(err) {
				return nil
			} else if err != nil {
				return err
			}
		} else if err := hours.Say(ctx, tx, s, v.Ref.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: audit.Operators, Act: "help:day:" + what, Actor: v.Actor(),
			Subject: s.Day.String(), Network: v.From, Detail: detail})
	})
}
