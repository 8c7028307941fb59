package maintenance

import (
	"net/http"
	"slices"
	"time"

	"nidan/internal/page"
)

// lookBack is how long a window that is over is still shown to everybody.
const lookBack = 90 * 24 * time.Hour

// told is one window as everybody is told of it.
type told struct {
	Window
	Phase Phase
}

type statusView struct {
	page.View
	Closed bool
	Until  time.Time
	Now    time.Time
	Coming []told // open, ahead, or cancelled before it opened and not past yet
	Past   []told
	Zone   string // typed by a reader who wants the times in his own zone too
}

// status says to everybody whether the portal is open.
func (rm *Room) status(w http.ResponseWriter, r *http.Request) error {
	all, err := Windows(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	now := rm.Site.Now()
	view := &statusView{Now: now}
	view.Closed, view.Until, _ = Covering(all, now)
	for _, one := range all {
		t := told{one, one.At(now)}
		switch {
		case one.Closes.After(now):
			view.Coming = append(view.Coming, t)
		case one.Closes.After(now.Add(-lookBack)):
			view.Past = append(view.Past, t)
		}
	}
	slices.Reverse(view.Coming)
	form, err := page.Query(r)
	if err != nil {
		return err
	}
	r, view.Zone, view.Faults = page.OwnZone(r, form)
	status := http.StatusOK
	if len(view.Faults) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return rm.page.Show(w, r, status, "status", "maintenance.status_title", view)
}
