package rollout

import (
	"net/http"
	"slices"
	"time"

	"nidan/internal/page"
)

type listView struct {
	page.View
	Plans []listed
}

// listed is one rollout as the list shows it.
type listed struct {
	Plan
	Scope string // the organization's name; empty: the whole portal
	Phase Phase
}

// Phase is where a rollout stands at now. It is computed, never stored.
type Phase string

// The phases.
const (
	Ahead     Phase = "ahead"     // it has not opened yet
	Running   Phase = "running"   // between its opening and its end
	Over      Phase = "over"      // its end has passed
	Withdrawn Phase = "withdrawn" // taken back
)

// At is the phase of a plan at now.
func (p Plan) At(now time.Time) Phase {
	switch {
	case !p.Withdrawn.IsZero():
		return Withdrawn
	case now.Before(p.Opens):
		return Ahead
	case now.Before(p.Ends):
		return Running
	}
	return Over
}

func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	plans, err := Named(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view, now := &listView{}, rm.Site.Now()
	for _, p := range slices.Backward(plans) {
		view.Plans = append(view.Plans, listed{p.Plan, p.Scope, p.At(now)})
	}
	return rm.page.Show(w, r, http.StatusOK, "list", "rollout.title", view)
}
