package password

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"nidan/internal/act"
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
	Pool    *Pool
	BaseURL string // where mailed links lead, without a slash at its end
	Wake    func() // says that there are letters, after a commit
	Log     *slog.Logger
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Pool == nil || n.Wake == nil || n.BaseURL == "" {
		return nil, errors.New("password: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	n.BaseURL = strings.TrimSuffix(n.BaseURL, "/")
	return &Room{Needs: n, page: pages}, nil
}

// Routes are this room's.
func (m *Room) Routes() []route.Route {
	at := func(pattern string, gate route.Gate, handle func(http.ResponseWriter, *http.Request) error) route.Route {
		return route.Route{Pattern: pattern, Gate: gate, Serve: m.Site.Serve(handle)}
	}
	return []route.Route{
		at("GET /password/forgot", route.Door, m.showForgot),
		at("POST /password/forgot", route.Door, m.postForgot),
		at("GET /password/forgot/sent", route.Door, m.showSent),
		at("GET /password/reset/{token}", route.Door, m.showReset),
		at("POST /password/reset/{token}", route.Door, m.postReset),
		at("GET /password/reset/{token}/done", route.Door, m.showDone),
		at("GET /profile/password", route.FreshOwn, m.showChange),
		at("POST /profile/password", route.FreshOwn, m.postChange),
		at("GET /accounts/resets", route.AdminOnly, m.showWaiting),
		at("GET /accounts/{id}/reset", act.Gate(act.AnswerReset), m.showAnswer),
		at("POST /accounts/{id}/reset", act.Gate(act.AnswerReset), m.postAnswer),
		at("GET /operator/resets", route.OperatorOnly, m.showWaiting),
		at("GET /operator/resets/{organization}/{id}", act.Gate(act.AnswerAdminReset), m.showAnswer),
		at("POST /operator/resets/{organization}/{id}", act.Gate(act.AnswerAdminReset), m.postAnswer),
	}
}

// busyFor is what somebody is asked to wait when all hashing permits are taken.
const busyFor = 5 * time.Second

// hash hashes a new password before any transaction. busy says that it could not
// be begun; the form is then shown again with 503.
func (m *Room) hash(w http.ResponseWriter, r *http.Request, typed string) (hash string, busy bool, err error) {
	hash, err = m.Pool.Hash(r.Context(), typed)
	if errors.Is(err, ErrBusy) {
		now := m.Site.Now()
		page.RetryAfter(w, now, now.Add(busyFor))
		return "", true, nil
	}
	return hash, false, err
}
