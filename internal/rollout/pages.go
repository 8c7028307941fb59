package rollout

import (
	"context"
	"embed"
	"net/http"
	"sync/atomic"

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
	page    *page.Room
	copy    atomic.Pointer[shelf]
	counted atomic.Pointer[count]
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return append(rm.progressRoutes(), []route.Route{
		{Pattern: "GET /operator/rollouts", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.list)},
		{Pattern: "GET /operator/rollouts/new", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showNew)},
		{Pattern: "POST /operator/rollouts/new", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postNew)},
		{Pattern: "GET /operator/rollouts/{id}", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.overview)},
		{Pattern: "GET /operator/rollouts/{id}/change", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showChange)},
		{Pattern: "POST /operator/rollouts/{id}/change", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postChange)},
		{Pattern: "GET /operator/rollouts/{id}/withdraw", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showWithdraw)},
		{Pattern: "POST /operator/rollouts/{id}/withdraw", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postWithdraw)},
		{Pattern: "GET /operator/rollouts/{id}/forecast", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.forecast)},
		{Pattern: "GET /operator/rollouts/{id}/forecast.csv", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.forecastPeople)},
		{Pattern: "GET /operator/rollouts/{id}/extend", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showExtend)},
		{Pattern: "POST /operator/rollouts/{id}/extend", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postExtend)},
	}...)
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
