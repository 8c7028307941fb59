package registry

import (
	"context"
	"errors"
	"net/http"

	"nidan/internal/act"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/store"
)

// standingView asks whether an organization is to be suspended, or opened again.
type standingView struct {
	page.View
	Listed
	SignedIn  int64 // people who would be signed out
	Reminders int64 // letters that would be dropped
}

func (rm *Room) showSuspend(w http.ResponseWriter, r *http.Request) error {
	l, err := of(r, rm.DB)
	if err != nil {
		return err
	}
	if !l.Stands() {
		return page.See(w, "/operator/organizations/"+l.ID+"?done=same")
	}
	view := &standingView{Listed: l}
	if view.SignedIn, view.Reminders, err = touched(r.Context(), rm.DB, l.ID, rm.Site.Now()); err != nil {
		return err
	}
	return rm.page.Show(w, r, http.StatusOK, "suspend", "registry.suspend_title", view)
}

func (rm *Room) showReturn(w http.ResponseWriter, r *http.Request) error {
	l, err := of(r, rm.DB)
	if err != nil {
		return err
	}
	if l.Stands() {
		return page.See(w, "/operator/organizations/"+l.ID+"?done=same")
	}
	return rm.page.Show(w, r, http.StatusOK, "return", "registry.return_title", &standingView{Listed: l})
}

func (rm *Room) postSuspend(w http.ResponseWriter, r *http.Request) error {
	return rm.postStanding(w, r, act.SuspendOrganization, "suspended", Deed.Suspend)
}

func (rm *Room) postReturn(w http.ResponseWriter, r *http.Request) error {
	return rm.postStanding(w, r, act.ReturnOrganization, "returned", Deed.Return)
}

// postStanding does it once: a second time changes nothing and says so.
func (rm *Room) postStanding(w http.ResponseWriter, r *http.Request, a act.Act, done string,
	do func(Deed, context.Context, *store.Tx, organization.Organization) error) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	err := rm.upon(r, a, func(ctx context.Context, tx *store.Tx, d Deed, o organization.Organization) error {
		return do(d, ctx, tx, o)
	})
	if errors.Is(err, store.ErrNone) {
		err, done = nil, "same"
	}
	if err != nil {
		return err
	}
	return page.See(w, "/operator/organizations/"+r.PathValue("id")+"?done="+done)
}
