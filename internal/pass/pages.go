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
	desk *Desk
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
	return &Room{Needs: n, desk: &Desk{Keys: n.Keys, Site: n.Site, BaseURL: n.BaseURL}, page: pages}, nil
}

// Routes are this room's. Anybody may open a link: opening it looks nothing up and
// spends nothing.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /pass", Gate: route.PassStep, Serve: rm.Site.Serve(rm.showTyped)},
		{Pattern: "POST /pass", Gate: route.PassStep, Serve: rm.Site.Serve(rm.postTyped)},
		{Pattern: "GET /pass/{token}", Gate: route.Door, Serve: rm.Site.Serve(rm.showLink)},
		{Pattern: "POST /pass/{token}", Gate: route.PassStep, Serve: rm.Site.Serve(rm.postLink)},
		{Pattern: "GET /operator/passes", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.operators)},
		{Pattern: "GET /operator/passes/{organization}/{id}", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showCase)},
		{Pattern: "POST /operator/passes/{organization}/{id}", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postCase)},
	}
}
