package maintenance

import (
	"context"
	"embed"
	"net/http"
	"time"

	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Needs is what the pages of windows are built from.
type Needs struct {
	DB   *store.DB
	Keys *secret.Keys
	Site *page.Site
	Wake func() // tells the post that letters wait
	// Marks are the instants of the changeover from one time to another, both
	// included: what a window may swallow.
	Marks func(ctx context.Context, r store.Reader, from, until time.Time) ([]Mark, error)
}

// Room is the pages of windows.
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
		{Pattern: "GET /operator/windows", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.list)},
		{Pattern: "GET /operator/windows/new", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showNew)},
		{Pattern: "POST /operator/windows/new", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postNew)},
		{Pattern: "GET /operator/windows/{id}/cancel", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showEnd("cancel"))},
		{Pattern: "POST /operator/windows/{id}/cancel", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postEnd("cancel"))},
		{Pattern: "GET /operator/windows/{id}/lift", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showEnd("lift"))},
		{Pattern: "POST /operator/windows/{id}/lift", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postEnd("lift"))},
		{Pattern: "GET /status", Gate: route.Always, Serve: rm.Site.Serve(rm.status)},
	}
}

// do does something as the operator of this request, in one transaction that first
// asks the gate once more.
func (rm *Room) do(r *http.Request, do func(context.Context, *store.Tx, Deed) error) error {
	v := session.Of(r.Context())
	err := rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		return do(ctx, tx, Deed{Keys: rm.Keys, Site: rm.Site, By: v.Ref.ID, Name: v.Person.Name, Actor: v.Actor(), Network: v.From})
	})
	if err == nil {
		rm.Wake()
	}
	return err
}
