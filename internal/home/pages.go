package home

import (
	"embed"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/session"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Room is the dashboard.
type Room struct {
	site *page.Site
	page *page.Room
	now  func() time.Time
}

// New reads the room's pages.
func New(site *page.Site) (*Room, error) {
	pages, err := site.Room(pageFiles)
	return &Room{site: site, page: pages, now: site.Now}, err
}

// Routes are the room's lines of the route map.
func (h *Room) Routes() []route.Route {
	return []route.Route{{Pattern: "GET /{$}", Gate: route.SignedIn, Serve: h.site.Serve(h.dashboard)}}
}

type dashboardView struct {
	page.View
	Name     string
	Setup    bool // set-up stands first
	Before   bool // the period has not opened yet
	Opens    time.Time
	End      time.Time
	Left     time.Duration
	Chooses  bool // a Portal Admin chooses the method
	Method   account.Method
	TwoStep  bool
	Operator bool
	Admin    bool
}

// EndText says the own end; End is taken by the field.
func (v *dashboardView) EndText() string { return v.View.End(v.End) }

func (h *Room) dashboard(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	view := &dashboardView{
		Name: v.Person.Name, Setup: v.Setup, Before: v.OneStep && !v.Setup, Opens: v.Opens, End: v.OwnEnd,
		Left: v.OwnEnd.Sub(h.now()), Chooses: v.Admin(), Method: v.CodeMethod, TwoStep: v.TwoStep,
		Operator: v.Operator(), Admin: v.Admin(),
	}
	return h.page.Show(w, r, http.StatusOK, "dashboard", "home.title", view)
}
