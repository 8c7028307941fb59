package people

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/act"
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
	// Removed are what rooms of this floor do when an account is deleted: each removes
	// what it keeps of it.
	Removed []func(ctx context.Context, tx *store.Tx, ref account.Ref) error
	Log     *slog.Logger
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Desk == nil || n.Passes == nil || n.Wake == nil || len(n.Removed) == 0 || n.Log == nil {
		return nil, errors.New("people: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, page: pages}, nil
}

// Routes are this room's, with the gates of the table of acts. Every page that acts
// asks for the proof of its act, its GET too, so that /confirm leads back to the form.
func (rm *Room) Routes() []route.Route {
	line := func(pattern string, a act.Act, serve func(http.ResponseWriter, *http.Request) error) route.Route {
		return route.Route{Pattern: pattern, Gate: act.Gate(a), Serve: rm.Site.Serve(serve)}
	}
	return []route.Route{
		line("GET /accounts", act.SeePeople, rm.list),
		line("GET /accounts/new", act.AddPerson, rm.showNew),
		line("POST /accounts/new", act.AddPerson, rm.postNew),
		line("GET /accounts/passes", act.GivePass, rm.showMany),
		line("POST /accounts/passes", act.GivePass, rm.postMany),
		line("GET /accounts/{id}", act.SeePeople, rm.person),
		line("GET /accounts/{id}/edit", act.EditPerson, rm.showEdit),
		line("POST /accounts/{id}/edit", act.EditPerson, rm.postEdit),
		line("GET /accounts/{id}/method", act.ChangeMethod, rm.showMethod),
		line("POST /accounts/{id}/method", act.ChangeMethod, rm.postMethod),
		line("GET /accounts/{id}/request", act.ChangeMethod, rm.showRequest),
		line("POST /accounts/{id}/request", act.ChangeMethod, rm.postRequest),
		line("GET /accounts/{id}/mailbox", act.ChangeMethod, rm.showMailbox),
		line("POST /accounts/{id}/mailbox", act.ChangeMethod, rm.postMailbox),
		line("GET /accounts/{id}/pass", act.GivePass, rm.showPass),
		line("POST /accounts/{id}/pass", act.GivePass, rm.postPass),
		line("GET /accounts/{id}/suspend", act.Suspend, rm.showDeed(suspending)),
		line("POST /accounts/{id}/suspend", act.Suspend, rm.postDeed(suspending)),
		line("GET /accounts/{id}/return", act.Return, rm.showDeed(lifting)),
		line("POST /accounts/{id}/return", act.Return, rm.postDeed(lifting)),
		line("GET /accounts/{id}/delete", act.Delete, rm.showDeed(deleting)),
		line("POST /accounts/{id}/delete", act.Delete, rm.postDeed(deleting)),
		line("GET /accounts/{id}/guide", act.GiveGuide, rm.showDeed(guiding)),
		line("POST /accounts/{id}/guide", act.GiveGuide, rm.postDeed(guiding)),
		line("GET /accounts/{id}/unlock", act.Unlock, rm.showDeed(unlocking)),
		line("POST /accounts/{id}/unlock", act.Unlock, rm.postDeed(unlocking)),
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
	p, err := find(ctx, r, account.Ref{Organization: v.Ref.Organization, ID: id}, rm.Site.Now())
	if errors.Is(err, store.ErrNone) {
		return Person{}, errNobody
	}
	return p, err
}

// about is the person whom a page is about, if the visitor may do that act to him.
func (rm *Room) about(r *http.Request, a act.Act, loses bool) (Person, error) {
	p, err := rm.of(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return Person{}, err
	}
	return p, may(r.Context(), rm.DB, rm.Site.Now(), a, p, loses)
}

// self says whether a person is the visitor himself.
func self(ctx context.Context, p Person) bool { return session.Of(ctx).Ref == p.Ref }

// done is what an act that led here has to say. The address only chooses among
// sentences of our own: a made-up link can say nothing else.
func (rm *Room) done(r *http.Request, name string, deeds ...string) string {
	asked := r.URL.Query().Get("done")
	for _, deed := range deeds {
		if asked == deed {
			return rm.Site.Speak(r).T("people.done_"+deed, "name", name)
		}
	}
	return ""
}
