package pass

import (
	"embed"
	"errors"

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
	BaseURL string // of the portal, without a slash at its end; stands before a link's path
	Wake    func() // tells the outbox that mail waits; after commits
}

// Room is the pages where a pass is redeemed, and where operators give one.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Wake == nil || n.BaseURL == "" {
		return nil, errors.New("pass: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, page: pages}, nil
}

// Routes are this room's. Anybody may open a link: opening it looks nothing up and
// spends nothing.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /pass", Gate: route.PassStep, Serve: rm.Site.Serve(rm.showTyped)},
		{Pattern: "POST /pass", Gate: route.PassStep, Serve: rm.Site.Serve(rm.postTyped)},
		{Pattern: "GET /pass/{token}", Gate: route.Door, Serve: rm.Site.Serve(rm.showLink)},
		{Pattern: "POST /pass/{token}", Gate: route.PassStep, Serve: rm.Site.Serve(rm.postLink)},
	}
}
