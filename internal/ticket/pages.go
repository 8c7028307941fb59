package ticket

import (
	"context"
	"embed"
	"errors"
	"sync"
	"time"

	"nidan/internal/config"
	"nidan/internal/hours"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/store"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Needs is what the room works with.
type Needs struct {
	DB      *store.DB
	Keys    *secret.Keys
	Site    *page.Site
	BaseURL string // of the portal
	Hours   config.Hours
	Replies *Replies // nil: answers by mail are not read
	Beside  Beside   // nil: figures stand alone
	Wake    func()   // tells the outbox that mail waits; after commits
}

// Room is the pages of tickets, of customers and operators.
type Room struct {
	Needs
	Desk *HelpDesk
	page *page.Room
	days lately
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Wake == nil {
		return nil, errors.New("ticket: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, page: pages,
		Desk: &HelpDesk{Keys: n.Keys, Site: n.Site, Address: n.BaseURL, Hours: n.Hours, Replies: n.Replies}}, nil
}

// Routes are this room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	see, desk, doer, serve := route.SignedIn, route.OperatorOnly, route.OperatorDoer, rm.Site.Serve
	return []route.Route{
		{Pattern: "GET /tickets", Gate: see, Serve: serve(rm.list)},
		{Pattern: "GET /tickets/new", Gate: see, Serve: serve(rm.showNew)},
		{Pattern: "POST /tickets/new", Gate: see, Serve: serve(rm.postNew)},
		{Pattern: "GET /tickets/{id}", Gate: see, Serve: serve(rm.show)},
		{Pattern: "POST /tickets/{id}", Gate: see, Serve: serve(rm.post)},
		{Pattern: "GET /tickets/{id}/files/{file}", Gate: see, Serve: serve(rm.file)},
		{Pattern: "GET /operator/tickets", Gate: desk, Serve: serve(rm.queue)},
		{Pattern: "GET /operator/tickets/figures", Gate: desk, Serve: serve(rm.figures)},
		{Pattern: "GET /operator/tickets/templates", Gate: desk, Serve: serve(rm.templates)},
		{Pattern: "POST /operator/tickets/templates", Gate: desk, Serve: serve(rm.postTemplate)},
		{Pattern: "GET /operator/tickets/{id}", Gate: desk, Serve: serve(rm.show)},
		{Pattern: "POST /operator/tickets/{id}", Gate: desk, Serve: serve(rm.post)},
		{Pattern: "GET /operator/tickets/{id}/assign", Gate: desk, Serve: serve(rm.showAssign)},
		{Pattern: "POST /operator/tickets/{id}/assign", Gate: desk, Serve: serve(rm.postAssign)},
		{Pattern: "GET /operator/tickets/{id}/delete", Gate: doer, Serve: serve(rm.showDelete)},
		{Pattern: "POST /operator/tickets/{id}/delete", Gate: doer, Serve: serve(rm.postDelete)},
		{Pattern: "GET /operator/tickets/{id}/files/{file}", Gate: desk, Serve: serve(rm.file)},
		{Pattern: "GET /operator/hours", Gate: desk, Serve: serve(rm.showHours)},
		{Pattern: "POST /operator/hours", Gate: doer, Serve: serve(rm.postHours)},
	}
}

// lately is business time as a node read it last: pages say by it how much is left.
// What is due is computed in the deed, from the table itself.
type lately struct {
	sync.Mutex
	cal  hours.Calendar
	read time.Time
}

// calendarFor is how long a node's pages may be behind another's.
const calendarFor = 30 * time.Second

func (rm *Room) calendar(ctx context.Context) (hours.Calendar, error) {
	rm.days.Lock()
	defer rm.days.Unlock()
	now := rm.Site.Now()
	if !rm.days.read.IsZero() && !now.Before(rm.days.read) && now.Before(rm.days.read.Add(calendarFor)) {
		return rm.days.cal, nil
	}
	cal, err := rm.Desk.calendar(ctx, rm.DB, now)
	if err == nil {
		rm.days.cal, rm.days.read = cal, now
	}
	return cal, err
}

// forgetDays has the next page read business time anew.
func (rm *Room) forgetDays() {
	rm.days.Lock()
	defer rm.days.Unlock()
	rm.days.read = time.Time{}
}
