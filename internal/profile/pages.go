package profile

import (
	"embed"
	"errors"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/page"
	"nidan/internal/password"
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

// Needs is what the room works with.
type Needs struct {
	DB   *store.DB
	Keys *secret.Keys
	Site *page.Site
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil {
		return nil, errors.New("profile: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, page: pages}, nil
}

// Routes are this room's.
func (m *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /profile", Gate: route.SignedIn, Serve: m.Site.Serve(m.show)},
		{Pattern: "GET /sessions", Gate: route.SignedIn, Serve: m.Site.Serve(m.showSessions)},
		{Pattern: "POST /sessions", Gate: route.SignedIn, Serve: m.Site.Serve(m.postSessions)},
	}
}

type profileView struct {
	page.View
	*session.Visit
	Assigned account.Method
	Proved   proved
	Moving   bool           // a change of the address is open
	Aside    password.Aside // its ID is empty when no new password waits
}

// Enrolled says whether a second verification was proved, so that it can be moved
// to a new phone.
func (v *profileView) Enrolled() bool { return !v.Proved.TOTP.IsZero() || !v.Proved.MailOTP.IsZero() }

func (m *Room) show(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	view := &profileView{Visit: v, Assigned: v.Person.Method}
	if v.Operator() || view.Assigned != account.MailOTP {
		view.Assigned = account.TOTP
	}
	var err error
	if view.Proved, view.Moving, err = provedBy(r.Context(), m.DB, v.Ref, m.Site.Now()); err != nil {
		return err
	}
	state, err := password.Read(r.Context(), m.DB, v.Ref)
	if err != nil {
		return err
	}
	if state.Aside.Waits(m.Site.Now()) {
		view.Aside = state.Aside
	}
	view.Notice = m.done(r, "password", "refused", "phone", "address")
	return m.page.Show(w, r, http.StatusOK, "profile", "profile.title", view)
}

// done is what an act that led here has to say. The address only chooses among
// sentences of our own: a made-up link can say nothing else.
func (m *Room) done(r *http.Request, acts ...string) string {
	asked := r.URL.Query().Get("done")
	for _, act := range acts {
		if asked == act {
			return m.Site.Speak(r).T("profile.done_" + act)
		}
	}
	return ""
}
