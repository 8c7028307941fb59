package rollout

import (
	"embed"

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

// Needs is what the pages of rollouts are built from.
type Needs struct {
	DB   *store.DB
	Keys *secret.Keys
	Site *page.Site
	Wake func() // tells the post that letters wait
}

// Room is the pages of rollouts.
type Room struct {
	Needs
	page *page.Room
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /operator/rollouts", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.list)},
	}
}
