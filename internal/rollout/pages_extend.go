package rollout

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/store"
)

// mostExtended is how many accounts one form extends, each with a record and a
// letter of its own.
const mostExtended = 200

// extensionsAtOnce is how many extensions a page shows.
const extensionsAtOnce = 50

type extendView struct {
	page.View
	Plan      Titled
	Latest    time.Time // the latest own end there can be
	Ended     bool      // nothing can be extended any more
	List      []Extension
	After     int // offset of the next page; 0: there is none
	People    string
	Wanted    string // an organization's name
	Reason    string
	Until     page.When
	Extended  []extendedOne
	LeftOut   []leftOut
	Requested bool // an answer to a form: who got it and who was left out
}

type extendedOne struct {
	Name, Email string
	Until       time.Time
}

// leftOut is somebody who got no extension, and why: a phrase.
type leftOut struct{ Typed, Why string }

// LatestText says the latest own end there can be.
func (v *extendView) LatestText() string { return v.End(v.Latest) }

func (rm *Room) showExtend(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rm.find(r)
	if err != nil {
		return err
	}
	return rm.extendPage(w, r, http.StatusOK, &extendView{Plan: plan})
}

func (rm *Room) extendPage(w http.ResponseWriter, r *http.Request, status int, view *extendView) error {
	offset, _ := strconv.Atoi(r.URL.Query().Get("after"))
	list, err := Extensions(r.Context(), rm.DB, view.Plan.ID, max(offset, 0), extensionsAtOnce+1)
	if err != nil {
		return err
	}
	if len(list) > extensionsAtOnce {
		view.List, view.After = list[:extensionsAtOnce], max(offset, 0)+extensionsAtOnce
	} else {
		view.List = list
	}
	view.Latest = view.Plan.Ends.Add(LongestExtension)
	view.Ended = !rm.Site.Now().Before(view.Latest) || !view.Plan.Withdrawn.IsZero()
	view.Until.Zone = view.Plan.Location(rm.Site.House)
	return rm.page.Show(w, r, status, "extend", rm.titled(r, "rollout.extend_title", view.Plan), view)
}

func (rm *Room) postExtend(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rm.find(r)
	if err != nil {
		return err
	}
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &extendView{Plan: plan, Wanted: form.Text("organization"), People: form.Lines("people"), Reason: form.Need("reason", "rollout.extend_reason_missing")}
	zone := plan.Location(rm.Site.House)
	view.Until = form.When("until", zone)
	form.Instant("until", zone)
	addresses := strings.Fields(strings.NewReplacer(",", " ", ";", " ").Replace(view.People))
	switch {
	case len(addresses) == 0 && view.Wanted == "":
		form.Fault("people", "rollout.extend_nobody")
	case len(addresses) > 0 && view.Wanted != "":
		form.Fault("organization", "rollout.extend_both")
	case len(addresses) > mostExtended:
		form.Fault("people", "rollout.extend_many", "n", mostExtended)
	}
	if form.OK() {
		view.Requested = true
		if view.Wanted != "" {
			err = rm.extendOrganization(r, plan, view, form)
		} else {
			err = rm.extendPeople(r, plan, view, addresses)
		}
	}
	if err != nil {
		return err
	}
	if !form.OK() {
		view.Faults, view.Requested = form.Faults(), false
		return rm.extendPage(w, r, http.StatusUnprocessableEntity, view)
	}
	return rm.extendPage(w, r, http.StatusOK, view)
}

// extendPeople extends each account by itself, so that one that is refused holds
// up nobody else; whoever is left out is listed with the reason.
func (rm *Room) extendPeople(r *http.Request, plan Titled, view *extendView, addresses []string) error {
	seen := map[string]bool{}
	for _, typed := range addresses {
		key := account.Key(typed)
		if seen[key] && key != "" {
			continue
		}
		seen[key] = true
		var done Open
		err := rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) (err error) {
			done, err = d.Extend(ctx, tx, plan.ID, key, view.Until.At, view.Reason)
			return err
		})
		if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
			view.LeftOut = append(view.LeftOut, leftOut{typed, f.Phrase})
			continue
		}
		if err != nil {
			return err
		}
		view.Extended = append(view.Extended, extendedOne{done.Name, done.Email, view.Until.At})
	}
	return nil
}

func (rm *Room) extendOrganization(r *http.Request, plan Titled, view *extendView, form *page.Form) error {
	err := rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error {
		o, err := d.ExtendAll(ctx, tx, plan.ID, view.Wanted, view.Until.At, view.Reason)
		view.Extended = []extendedOne{{Name: o.Name, Until: view.Until.At}}
		return err
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
		form.Add(f)
		return nil
	}
	return err
}
