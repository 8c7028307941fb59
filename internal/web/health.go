package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"nidan/internal/route"
)

// offBy is how far a node's clock may be off the database's.
const offBy = 5 * time.Second

// health are the pages for machines: alive, and ready to be sent people.
func (p *Portal) health() []route.Route {
	return []route.Route{
		{Pattern: "GET /healthz", Gate: route.Machine, Serve: func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, map[string]string{"status": "alive"})
		}},
		{Pattern: "GET /readyz", Gate: route.Machine, Serve: p.readyz},
	}
}

// readiness keeps the last finding for a moment, so that a probe is no load.
type readiness struct {
	mu    sync.Mutex
	at    time.Time
	fault string
}

// fault is why no people should be sent here, as found within the last second.
func (p *Portal) fault(ctx context.Context) string {
	if p.stops.Load() {
		return "this node is stopping"
	}
	p.ready.mu.Lock()
	defer p.ready.mu.Unlock()
	if now := p.Clock.Machine(); now.Sub(p.ready.at).Abs() > time.Second {
		p.ready.at, p.ready.fault = now, p.unready(ctx)
	}
	return p.ready.fault
}

func (p *Portal) readyz(w http.ResponseWriter, r *http.Request) {
	fault := p.fault(r.Context())
	body := map[string]string{"status": "ready", "mail": p.mailStands()}
	status := http.StatusOK
	if fault != "" {
		body["status"], body["reason"], status = "not ready", fault, http.StatusServiceUnavailable
	}
	answer(w, status, body)
}

// mailAfter is how long nothing must have been taken before it is told.
const mailAfter = time.Minute

// mailStands is how the mail server stands. It is told and does not make a node
// unready: every node hands over to the same one, and whoever has an app can sign in
// without it, which he could not if all nodes were taken out.
func (p *Portal) mailStands() string {
	since, latest := p.Post.Failing()
	if since.IsZero() || p.Clock.Now().Sub(since) < mailAfter {
		return "ok"
	}
	return fmt.Sprintf("no letter was taken since %s: %v", since.UTC().Format(time.RFC3339), latest)
}

// unready says why no people should be sent here, or nothing.
func (p *Portal) unready(ctx context.Context) string {
	// The finding is kept for others: a probe that hangs up must not spoil it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	before := p.Clock.Machine()
	at, err := p.DB.Clock(ctx)
	if err != nil {
		return "the database does not answer"
	}
	// The database answered between before and now: either may be off by the bound.
	if at.Sub(p.Clock.Machine()) > offBy || before.Sub(at) > offBy {
		return "this machine's clock is more than 5 s off the database's"
	}
	if _, err := p.DB.Schema(ctx); err != nil { // migrated past this program, while it ran
		return "this program does not serve with the database's schema: install the newer one"
	}
	if p.Clock.Behind() > offBy {
		return "the clock stands behind the latest instant seen: set it right, or run `nidan clock accept`"
	}
	return p.unfit()
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have hung up
}
