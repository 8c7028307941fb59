package maintenance

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"nidan/internal/fault"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// shown is one window as the operators' pages show it.
type shown struct {
	Window
	Phase Phase
	Who   string // may enter; empty: nobody
	By    string
	Lifts bool // this operator may end it now
}

type listView struct {
	page.View
	Now   []shown // open or ahead, the first first
	Past  []shown // over or cancelled, the latest first
	House string
}

func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	all, err := Windows(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	staff, err := operator.All(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view := &listView{House: rm.Site.House.String()}
	for _, one := range all {
		s := rm.shown(r, one, staff)
		if s.Phase == Ahead || s.Phase == Open {
			view.Now = append([]shown{s}, view.Now...)
		} else {
			view.Past = append(view.Past, s)
		}
	}
	switch asked := r.URL.Query().Get("done"); asked {
	case "planned", "cancelled", "lifted":
		view.Notice = rm.Site.Speak(r).T("maintenance.done_" + asked)
	}
	return rm.page.Show(w, r, http.StatusOK, "list", "maintenance.title", view)
}

func (rm *Room) shown(r *http.Request, w Window, staff []operator.Operator) shown {
	s := shown{Window: w, Phase: w.At(rm.Site.Now()), By: w.By}
	var names []string
	for _, o := range named(w, staff) {
		names = append(names, o.Name)
	}
	s.Who = strings.Join(names, rm.Site.Speak(r).T("maintenance.and"))
	for _, o := range staff {
		if o.ID == w.By {
			s.By = o.Name
		}
	}
	s.Lifts = s.Phase == Open && w.Lists(session.Of(r.Context()).Ref.ID)
	return s
}

// endView asks whether a window is to be cancelled or ended now.
type endView struct {
	page.View
	Window shown
	Act    string // "cancel" or "lift"
	Until  Stretch
	Still  bool // closed on all the same: others overlap or adjoin
}

// errNoWindow answers for an id that no window has.
var (
	errNoWindow  = fault.New(fault.NotFound, "maintenance.unknown")
	errMeanwhile = fault.New(fault.Refused, "maintenance.changed_meanwhile")
)

// doable says why an act on a window cannot be done now; nil: it can.
func (s shown) doable(act string) error {
	switch {
	case act == "cancel" && s.Phase != Ahead:
		return errMeanwhile
	case act == "lift" && s.Phase != Open:
		return errMeanwhile
	case act == "lift" && !s.Lifts:
		return errUnlisted
	}
	return nil
}

func (rm *Room) showEnd(act string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		one, all, err := Find(r.Context(), rm.DB, r.PathValue("id"))
		if isNone(err) {
			return errNoWindow
		}
		if err != nil {
			return err
		}
		staff, err := operator.All(r.Context(), rm.DB)
		if err != nil {
			return err
		}
		view := &endView{Window: rm.shown(r, one, staff), Act: act}
		if err := view.Window.doable(act); err != nil {
			return err
		}
		view.Still, view.Until = without(all, one, act == "lift", rm.Site.Now())
		return rm.page.Show(w, r, http.StatusOK, "end", "maintenance."+act+"_title", view)
	}
}

// without is the time that others still keep closed when w is taken back, or ended
// at now.
func without(all []Window, w Window, lift bool, now time.Time) (still bool, until Stretch) {
	var others []Window
	for _, o := range all {
		if o.ID != w.ID {
			others = append(others, o)
		}
	}
	for _, s := range Stretches(others) {
		inside := s.Opens.Before(w.Closes) && s.Closes.After(w.Opens)
		if lift {
			inside = !s.Opens.After(now) && s.Closes.After(now)
		}
		if inside {
			return true, s
		}
	}
	return false, Stretch{}
}

func (rm *Room) postEnd(act string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, err := page.Read(r); err != nil {
			return err
		}
		err := rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error {
			one, _, err := Find(ctx, tx, r.PathValue("id"))
			if isNone(err) {
				return errNoWindow
			}
			if err != nil {
				return err
			}
			if act == "lift" {
				return d.Lift(ctx, tx, one)
			}
			return d.Cancel(ctx, tx, one)
		})
		switch {
		case errors.Is(err, store.ErrNone):
			return errMeanwhile
		case err != nil:
			return err
		case act == "lift":
			return page.See(w, "/operator/windows?done=lifted")
		}
		return page.See(w, "/operator/windows?done=cancelled")
	}
}
