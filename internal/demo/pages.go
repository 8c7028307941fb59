package demo

import (
	"embed"
	"encoding/json"
	"net/http"

	"nidan/internal/clock"
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

// Needs is what the demo's pages work with.
type Needs struct {
	DB    *store.DB
	Keys  *secret.Keys
	Site  *page.Site
	Clock *clock.Clock
}

// Room is the demo's pages.
type Room struct {
	Needs
	pages *page.Room
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, pages: pages}, nil
}

// Routes are the room's lines of the route map. They are mounted in a demo alone,
// and open to everybody: nothing in a demo is anybody's secret.
func (rm *Room) Routes() []route.Route {
	serve := rm.Site.Serve
	return []route.Route{
		{Pattern: "GET /demo", Gate: route.Always, Serve: serve(rm.begin)},
		{Pattern: "GET /demo/mailbox", Gate: route.Always, Serve: serve(rm.mailbox)},
		{Pattern: "GET /demo/mailbox.json", Gate: route.Always, Serve: serve(rm.mailboxJSON)},
		{Pattern: "GET /demo/authenticator", Gate: route.Always, Serve: serve(rm.authenticator)},
		{Pattern: "GET /demo/authenticator.json", Gate: route.Always, Serve: serve(rm.authenticatorJSON)},
		{Pattern: "GET /demo/authenticator/add", Gate: route.Always, Serve: serve(rm.newKey)},
		{Pattern: "POST /demo/authenticator/add", Gate: route.Always, Serve: serve(rm.addKey)},
		{Pattern: "GET /demo/clock", Gate: route.Always, Serve: serve(rm.clock)},
		{Pattern: "POST /demo/clock", Gate: route.Always, Serve: serve(rm.jump)},
	}
}

// answer is a JSON answer.
func answer(w http.ResponseWriter, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(text, '\n')) // the client may have hung up
	return nil
}

type beginView struct {
	page.View
	People    []Person // to begin with
	Companies []shownCompany
}

type shownCompany struct {
	Name   string
	People []Account
}

// begin is who is in the demo and may sign in.
func (rm *Room) begin(w http.ResponseWriter, r *http.Request) error {
	f := everybody()
	view := &beginView{People: Guide(f)}
	for _, a := range f.Accounts {
		if n := len(view.Companies); n == 0 || view.Companies[n-1].Name != a.Organization {
			view.Companies = append(view.Companies, shownCompany{Name: a.Organization})
		}
		last := &view.Companies[len(view.Companies)-1]
		last.People = append(last.People, a)
	}
	return rm.pages.Show(w, r, http.StatusOK, "begin", "demo.begin_title", view)
}
