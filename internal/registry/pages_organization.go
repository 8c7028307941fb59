package registry

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type organizationView struct {
	page.View
	Listed
	People      []shownAdmin
	Now         time.Time
	Next, First string
}

// shownAdmin is a Portal Admin with what an operator can do for him now.
type shownAdmin struct {
	Admin
	State    State
	MayGuide bool
}

// Unled says whether an operator may add a Portal Admin.
func (v *organizationView) Unled() bool { return v.Stands() && v.Able == 0 }

// organization is one of them, with its Portal Admins.
func (rm *Room) organization(w http.ResponseWriter, r *http.Request) error {
	l, err := of(r, rm.DB)
	if err != nil {
		return err
	}
	view := &organizationView{Listed: l, Now: rm.Site.Now()}
	after := r.URL.Query().Get("after")
	if !plainID(after) {
		after = ""
	}
	found, err := admins(r.Context(), rm.DB, l.ID, after, perPage+1)
	if err != nil {
		return err
	}
	place := "/operator/organizations/" + l.ID
	if len(found) > perPage {
		found = found[:perPage]
		view.Next = place + "?after=" + found[perPage-1].ID
	}
	if after != "" {
		view.First = place
	}
	who := session.Of(r.Context()).Who(view.Now)
	for _, a := range found {
		answer := act.May(act.GuideAdmin, who, whom(a, nil, l.Stands()))
		view.People = append(view.People, shownAdmin{a, a.State(view.Now), answer == act.Allowed || answer == act.Confirm})
	}
	view.Notice = rm.done(r, "name", l.Name)
	return rm.page.Show(w, r, http.StatusOK, "organization", "registry.organization_title", view)
}

type guideView struct {
	page.View
	Listed
	Admin Admin
	Open  bool // an older guide is open
	Why   string
}

// showGuide asks whether a starting guide is to be sent.
func (rm *Room) showGuide(w http.ResponseWriter, r *http.Request) error {
	l, err := of(r, rm.DB)
	if err != nil {
		return err
	}
	a, err := rm.admin(r.Context(), rm.DB, r, l.ID)
	if err != nil {
		return err
	}
	answer := act.May(act.GuideAdmin, session.Of(r.Context()).Who(rm.Site.Now()), whom(a, nil, l.Stands()))
	if answer != act.Allowed {
		return refusal(answer)
	}
	view := &guideView{Listed: l, Admin: a, Open: rm.Site.Now().Before(a.Guide)}
	return rm.page.Show(w, r, http.StatusOK, "guide", "registry.guide_title", view)
}

// admin is the account that an address names.
func (rm *Room) admin(ctx context.Context, in store.Reader, r *http.Request, organizationID string) (Admin, error) {
	id := r.PathValue("account")
	if !plainID(id) {
		return Admin{}, errNobody
	}
	a, err := person(ctx, in, account.Ref{Organization: organizationID, ID: id})
	if errors.Is(err, store.ErrNone) {
		err = errNobody
	}
	return a, err
}

func (rm *Room) postGuide(w http.ResponseWriter, r *http.Request) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	v := session.Of(r.Context())
	err := rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		o, err := organizationOf(ctx, tx, r)
		if err != nil {
			return err
		}
		a, err := rm.admin(ctx, tx, r, o.ID)
		if err != nil {
			return err
		}
		leaders, err := account.Abilities(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		if answer := act.May(act.GuideAdmin, v.Who(tx.Now()), whom(a, leaders, o.Suspended.IsZero())); answer != act.Allowed {
			return refusal(answer)
		}
		_, err = rm.Desk.Guide(ctx, tx, v, a.Account)
		return err
	})
	if err != nil {
		return err
	}
	rm.Wake()
	return page.See(w, "/operator/organizations/"+r.PathValue("id")+"?done=guided")
}

// organizationOf reads the organization that an address names, for a deed.
func organizationOf(ctx context.Context, tx *store.Tx, r *http.Request) (organization.Organization, error) {
	if !plainID(r.PathValue("id")) {
		return organization.Organization{}, errUnknown
	}
	o, err := organization.Find(ctx, tx, r.PathValue("id"))
	if errors.Is(err, store.ErrNone) {
		err = errUnknown
	}
	return o, err
}
