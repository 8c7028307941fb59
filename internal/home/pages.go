package home

import (
	"context"
	"embed"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/notice"
	"nidan/internal/page"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/route"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/ticket"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Room is the dashboard.
type Room struct {
	site    *page.Site
	db      *store.DB
	notices *notice.Room
	planned func(organization string) []rollout.Plan // as the gate knows it
	page    *page.Room
}

// New reads the room's pages.
func New(db *store.DB, site *page.Site, notices *notice.Room, planned func(organization string) []rollout.Plan) (*Room, error) {
	pages, err := site.Room(pageFiles)
	return &Room{site: site, db: db, notices: notices, planned: planned, page: pages}, err
}

// Routes are the room's lines of the route map.
func (h *Room) Routes() []route.Route {
	return []route.Route{{Pattern: "GET /{$}", Gate: route.SignedIn, Serve: h.site.Serve(h.dashboard)}}
}

type dashboardView struct {
	page.View
	Name    string
	Setup   bool // set-up stands first
	Before  bool // the period has not opened yet
	Opens   time.Time
	Until   time.Time // his own end
	Left    time.Duration
	Chooses bool // a Portal Admin chooses the method
	Method  account.Method
	TwoStep bool
	Tickets ticket.Waiting
	News    []notice.Line // what one is told, the newest first
	More    bool          // there is more than is listed
	Lead    lead          // how far the changeover has come, for those who lead it
}

// listed is how many notices the dashboard lists.
const listed = 5

// lead is the changeover in a line: of the whole portal for operators, of the own
// organization for its Portal Admins.
type lead struct {
	Shown   bool
	Whole   bool
	Figures progress.Figures
	Plan    rollout.Plan // of the present; no ID: there is none
	Phase   rollout.Phase
}

// Share is how many of a hundred have set up.
func (l lead) Share() int64 {
	if l.Figures.Accounts == 0 {
		return 0
	}
	return 100 * l.Figures.Enrolled() / l.Figures.Accounts
}

// LeadEnd says the end of the rollout.
func (v *dashboardView) LeadEnd() string { return v.End(v.Lead.Plan.Ends) }

// EndText says the own end.
func (v *dashboardView) EndText() string { return v.End(v.Until) }

func (h *Room) dashboard(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	view := &dashboardView{
		Name: v.Person.Name, Setup: v.Setup, Before: v.OneStep && !v.Setup, Opens: v.Opens, Until: v.OwnEnd,
		Left: v.OwnEnd.Sub(h.site.Now()), Chooses: v.Admin(), Method: v.CodeMethod, TwoStep: v.TwoStep,
	}
	var err error
	if view.Lead, err = h.lead(r.Context(), v); err != nil {
		return err
	}
	if view.Tickets, err = ticket.WaitingFor(r.Context(), h.db, v.Ref, h.site.Now()); err != nil {
		return err
	}
	if view.News, err = h.notices.Lines(r.Context(), v, h.site.Speak(r)); err != nil {
		return err
	}
	if len(view.News) > listed {
		view.News, view.More = view.News[:listed], true
	}
	return h.page.Show(w, r, http.StatusOK, "dashboard", "home.title", view)
}

// lead reads what the visitor leads: nothing for most people, and nothing by one step.
func (h *Room) lead(ctx context.Context, v *session.Visit) (l lead, err error) {
	if !v.TwoStep || !v.Operator() && !v.Admin() {
		return lead{}, nil
	}
	l = lead{Shown: true, Whole: v.Operator()}
	organization := v.Ref.Organization
	if l.Whole {
		organization = ""
		l.Figures, err = progress.Whole(ctx, h.db)
	} else {
		l.Figures, err = progress.Of(ctx, h.db, organization)
	}
	book := rollout.Book{Plans: h.planned(organization)}
	if plan, ok := book.In(organization, h.site.Now()); ok {
		l.Plan, l.Phase = plan, plan.At(h.site.Now())
	}
	return l, err
}
