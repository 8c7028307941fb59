package people

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Needs is what the room works with.
type Needs struct {
	DB     *store.DB
	Keys   *secret.Keys
	Site   *page.Site
	Desk   *verification.Desk
	Passes *pass.Desk
	Wake   func() // tells the outbox that mail waits; after commits
	Log    *slog.Logger
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Desk == nil || n.Passes == nil || n.Wake == nil || n.Log == nil {
		return nil, errors.New("people: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, page: pages}, nil
}

// Routes are this room's. Every page that acts asks for a fresh code, its GET too,
// so that /confirm leads back to the form.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /accounts", Gate: route.AdminOnly, Serve: rm.Site.Serve(rm.list)},
		{Pattern: "GET /accounts/passes", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.showMany)},
		{Pattern: "POST /accounts/passes", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.postMany)},
		{Pattern: "GET /accounts/{id}", Gate: route.AdminOnly, Serve: rm.Site.Serve(rm.person)},
		{Pattern: "GET /accounts/{id}/method", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.showMethod)},
		{Pattern: "POST /accounts/{id}/method", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.postMethod)},
		{Pattern: "GET /accounts/{id}/mailbox", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.showMailbox)},
		{Pattern: "POST /accounts/{id}/mailbox", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.postMailbox)},
		{Pattern: "GET /accounts/{id}/pass", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.showPass)},
		{Pattern: "POST /accounts/{id}/pass", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.postPass)},
	}
}

// errNobody is told of an id that this organization has not: one of another
// organization and one that never was, alike.
var errNobody = fault.New(fault.NotFound, "people.nobody")

// of finds a person of the visitor's own organization.
func (rm *Room) of(ctx context.Context, r store.Reader, id string) (Person, error) {
	v := session.Of(ctx)
	if v.Operator() || v.Ref.Organization == "" || !plainID(id) {
		return Person{}, errNobody
	}
	p, err := find(ctx, r, account.Ref{Organization: v.Ref.Organization, ID: id})
	if errors.Is(err, store.ErrNone) {
		return Person{}, errNobody
	}
	return p, err
}

// plainID says whether a text can be an id at all; no other reaches the store.
func plainID(id string) bool {
	return len(id) == 36 && strings.Trim(id, "0123456789abcdef-") == ""
}

// self says whether a person is the visitor himself.
func self(ctx context.Context, p Person) bool { return session.Of(ctx).Ref == p.Ref }

// done is what an act that led here has to say. The address only chooses among
// sentences of our own: a made-up link can say nothing else.
func (rm *Room) done(r *http.Request, name string, acts ...string) string {
	asked := r.URL.Query().Get("done")
	for _, act := range acts {
		if asked == act {
			return rm.Site.Speak(r).T("people.done_"+act, "name", name)
		}
	}
	return ""
}
