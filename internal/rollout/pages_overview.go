package rollout

import (
	"errors"
	"net/http"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/store"
)

// errUnknown is told of a rollout that there is not.
var errUnknown = fault.New(fault.NotFound, "rollout.unknown")

type overviewView struct {
	page.View
	Plan     Titled
	Phase    Phase
	Days     int
	Zone     string
	Versions []Version
	Told     []remindedAt
}

// remindedAt is when people are reminded whose own end is the rollout's.
type remindedAt struct {
	Days int
	At   time.Time
	Past bool
}

// EndText says the end; End is taken by the method of the view.
func (v *overviewView) EndText() string { return v.End(v.Plan.Ends) }

func (rm *Room) overview(w http.ResponseWriter, r *http.Request) error {
	plan, versions, err := rm.find(r)
	if err != nil {
		return err
	}
	now := rm.Site.Now()
	view := &overviewView{Plan: plan, Phase: plan.At(now), Days: days(plan.Plan), Zone: plan.Location(rm.Site.House).String(),
		Versions: versions, Told: rm.reminders(plan.Plan, now)}
	switch r.URL.Query().Get("done") {
	case "planned", "changed", "withdrawn":
		view.Notice = rm.Site.Speak(r).T("rollout.done_" + r.URL.Query().Get("done"))
	}
	return rm.page.Show(w, r, http.StatusOK, "overview", rm.titled(r, "rollout.overview_title", plan), view)
}

// find is the rollout that the address names, with its versions.
func (rm *Room) find(r *http.Request) (Titled, []Version, error) {
	plan, versions, err := History(r.Context(), rm.DB, r.PathValue("id"))
	if errors.Is(err, store.ErrNone) {
		err = errUnknown
	}
	return plan, versions, err
}

// titled is a page's title that names the rollout's scope.
func (rm *Room) titled(r *http.Request, key string, plan Titled) string {
	say := rm.Site.Speak(r)
	scope := plan.Scope
	if scope == "" {
		scope = say.T("rollout.portal")
	}
	return say.T(key, "scope", scope)
}

func (rm *Room) reminders(p Plan, now time.Time) []remindedAt {
	zone := p.Location(rm.Site.House)
	list := make([]remindedAt, 0, len(p.Reminders.Days()))
	for _, n := range p.Reminders.Days() {
		at := Before(p.Ends, n, zone)
		if at.Before(p.Opens) {
			continue
		}
		list = append(list, remindedAt{n, at, !at.After(now)})
	}
	return list
}

// days is the length of a period in days, for people.
func days(p Plan) int { return int((p.Ends.Sub(p.Opens) + 12*time.Hour) / (24 * time.Hour)) }
