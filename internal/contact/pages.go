package contact

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nidan/internal/config"
	"nidan/internal/page"
	"nidan/internal/route"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Room is the contact page.
type Room struct {
	site  *page.Site
	hours config.Hours
	page  *page.Room
}

// New reads the room's pages.
func New(site *page.Site, hours config.Hours) (*Room, error) {
	pages, err := site.Room(pageFiles)
	return &Room{site: site, hours: hours, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{{Pattern: "GET /contact", Gate: route.Always, Serve: rm.site.Serve(rm.show)}}
}

type contactView struct {
	page.View
	Mail  template.URL // with a subject
	Hours string       // empty: none are named
	Days  string
	Shift Shift
	Open  bool
	Zone  string // typed by a reader who wants the hours in his own zone too
}

func (rm *Room) show(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Query(r)
	if err != nil {
		return err
	}
	now := rm.site.Now()
	view := &contactView{Hours: rm.hours.String(), Shift: Next(rm.hours, rm.site.House, now)}
	view.Open = view.Shift.Open(now)
	r, view.Zone, view.Faults = page.OwnZone(r, form)
	say := rm.site.Speak(r)
	view.Days = days(say, rm.hours.Days)
	view.Mail = template.URL("mailto:" + url.PathEscape(rm.site.Contact) + "?subject=" +
		url.PathEscape(say.T("contact.subject", "portal", rm.site.Name)))
	status := http.StatusOK
	if len(view.Faults) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return rm.page.Show(w, r, status, "contact", "contact.title", view)
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
