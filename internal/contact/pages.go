package contact

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nidan/internal/config"
	"nidan/internal/fault"
	"nidan/internal/hours"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/ticket"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Needs is what the room works with.
type Needs struct {
	DB     *store.DB
	Site   *page.Site
	Desk   *ticket.HelpDesk
	Hours  config.Hours
	Closed func() (closed bool, until time.Time) // whether a window covers now
	Wake   func()
}

// Room is the contact page.
type Room struct {
	Needs
	page *page.Room
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Site == nil || n.Desk == nil || n.Closed == nil || n.Wake == nil {
		return nil, errors.New("contact: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /contact", Gate: route.Always, Serve: rm.Site.Serve(rm.show)},
		{Pattern: "POST /contact", Gate: route.Door, Serve: rm.Site.Serve(rm.post)},
	}
}

type contactView struct {
	page.View
	Mail   template.URL // with a subject
	Hours  string       // empty: none are named
	Days   string
	Shift  hours.Shift
	Open   bool
	Zone   string // typed by a reader who wants the hours in his own zone too
	Form   string
	Closed bool // a window covers now: the form is not there
	Until  time.Time

	Email, Name, Summary, Detail string
}

func (rm *Room) show(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Query(r)
	if err != nil {
		return err
	}
	view := &contactView{Form: secret.ID()}
	r, view.Zone, view.Faults = page.OwnZone(r, form)
	status := http.StatusOK
	if len(view.Faults) > 0 {
		status = http.StatusUnprocessableEntity
	}
	if n, ok := ticket.ParseNumber(r.URL.Query().Get("sent")); ok {
		view.Notice = rm.Site.Speak(r).T("contact.sent", "ticket", n.String())
	}
	return rm.answer(w, r, status, view)
}

// answer is the page with the desk's hours as they are now.
func (rm *Room) answer(w http.ResponseWriter, r *http.Request, status int, view *contactView) error {
	now := rm.Site.Now()
	special, err := hours.ReadSpecial(r.Context(), rm.DB, hours.DayOf(now, rm.Site.House).Plus(-2))
	if err != nil {
		return err
	}
	cal := hours.Calendar{Hours: rm.Hours, Zone: rm.Site.House, Special: special}
	if view.Shift = cal.Next(now); view.Shift != (hours.Shift{}) {
		view.Hours = rm.Hours.String()
	}
	view.Open = view.Shift.Open(now)
	view.Closed, view.Until = rm.Closed()
	say := rm.Site.Speak(r)
	view.Days = days(say, rm.Hours.Days)
	view.Mail = template.URL("mailto:" + url.PathEscape(rm.Site.Contact) + "?subject=" +
		url.PathEscape(say.T("contact.subject", "portal", rm.Site.Name)))
	return rm.page.Show(w, r, status, "contact", "contact.title", view)
}

// again is the form as it was typed, with what is wrong.
func (rm *Room) again(w http.ResponseWriter, r *http.Request, status int, form *page.Form, faults []*fault.Fault) error {
	view := &contactView{Form: form.Typed("form"), Email: form.Typed("email"), Name: form.Typed("name"),
		Summary: form.Typed("summary"), Detail: form.Typed("detail")}
	view.Faults = faults
	return rm.answer(w, r, status, view)
}

// days names the working days.
func days(say page.Speaker, working config.Days) string {
	var names []string
	usual := true
	for i := range 7 {
		day := time.Weekday((i + 1) % 7) // a week begins on Monday
		usual = usual && working.Has(day) == (day != time.Saturday && day != time.Sunday)
		if working.Has(day) {
			names = append(names, say.T("contact.day_"+strconv.Itoa(int(day))))
		}
	}
	if usual {
		return say.T("contact.usual_days")
	}
	return strings.Join(names, say.T("contact.and"))
}
