package registry

import (
	"context"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// formView is a form for an organization, a Portal Admin, or both.
type formView struct {
	page.View
	Listed               // the organization that is there already; zero: none
	Name       string    // of an organization, as typed
	Typed      typedName // of a Portal Admin
	Languages  []page.Option
	AsksPerson bool
	Asks       bool // for the organization's name
}

// typedName is a Portal Admin as typed.
type typedName struct{ Name, Email, Phone, Zone, JobTitle, Mobile string }

// Back is where somebody goes who does nothing.
func (v *formView) Back() string {
	if v.ID == "" {
		return "/operator/organizations"
	}
	return "/operator/organizations/" + v.ID
}

// languages are offered with one of them chosen.
func (rm *Room) languages(r *http.Request, chosen phrase.Lang) []page.Option {
	say := rm.Site.Speak(r)
	var list []page.Option
	for _, lang := range phrase.Langs {
		list = append(list, page.Option{Value: string(lang), Label: say.T("registry.language_" + string(lang)), Checked: lang == chosen})
	}
	return list
}

// fresh is an empty form for a Portal Admin.
func (rm *Room) fresh(r *http.Request) *formView {
	return &formView{AsksPerson: true, Typed: typedName{Zone: rm.Site.House.String()}, Languages: rm.languages(r, page.Lang(r))}
}

// readPerson reads a Portal Admin, and notes beside each field what is wrong.
func (rm *Room) readPerson(r *http.Request, form *page.Form, view *formView) account.Account {
	typed := typedName{Name: Written(form.Text("name")), Email: form.Text("email"), Phone: form.Text("phone"), Zone: form.Text("time_zone"),
		JobTitle: form.Text("job_title"), Mobile: form.Text("mobile")}
	zone := form.Zone("time_zone")
	lang := phrase.Lang(form.Text("language")) // PersonFaults knows whether it is one
	a := account.Account{Name: typed.Name, Email: typed.Email, Phone: typed.Phone, Language: lang, JobTitle: typed.JobTitle, Mobile: typed.Mobile}
	if zone != nil {
		a.Zone = zone.String()
	}
	for _, one := range PersonFaults(a) {
		add(form, one)
	}
	view.AsksPerson, view.Typed, view.Languages = true, typed, rm.languages(r, lang)
	return a
}

func (rm *Room) showNew(w http.ResponseWriter, r *http.Request) error {
	view := rm.fresh(r)
	view.Asks = true
	return rm.page.Show(w, r, http.StatusOK, "form", "registry.new_title", view)
}

// postNew adds an organization with its first Portal Admin.
func (rm *Room) postNew(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &formView{Asks: true, Name: Written(form.Text("organization"))}
	add(form, NameFault(view.Name))
	first := rm.readPerson(r, form, view)
	var o organization.Organization
	if form.OK() {
		err = wrongs(form, rm.decide(r, act.AddOrganization, func(ctx context.Context, tx *store.Tx, d Deed) (err error) {
			o, _, err = d.Add(ctx, tx, view.Name, first)
			return err
		}))
		if err != nil {
			return err
		}
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.page.Show(w, r, http.StatusUnprocessableEntity, "form", "registry.new_title", view)
	}
	return page.See(w, "/operator/organizations/"+o.ID+"?done=added")
}

// showAdmin is the form for another Portal Admin, where none is able.
func (rm *Room) showAdmin(w http.ResponseWriter, r *http.Request) error {
	l, err := of(r, rm.DB)
	switch {
	case err != nil:
		return err
	case !l.Stands():
		return errSuspended
	case l.Able > 0:
		return errLed
	}
	view := rm.fresh(r)
	view.Listed = l
	return rm.page.Show(w, r, http.StatusOK, "form", "registry.admin_title", view)
}

func (rm *Room) postAdmin(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &formView{}
	a := rm.readPerson(r, form, view)
	if form.OK() {
		err = wrongs(form, rm.upon(r, act.AddAdmin, func(ctx context.Context, tx *store.Tx, d Deed, o organization.Organization) error {
			_, err := d.AddAdmin(ctx, tx, o, a)
			return err
		}))
		if err != nil {
			return err
		}
	}
	if !form.OK() {
		return rm.again(w, r, form, view, "registry.admin_title")
	}
	return page.See(w, "/operator/organizations/"+r.PathValue("id")+"?done=admin")
}

// again shows a form about an organization once more, with what is wrong.
func (rm *Room) again(w http.ResponseWriter, r *http.Request, form *page.Form, view *formView, title string) (err error) {
	if view.Listed, err = of(r, rm.DB); err != nil {
		return err
	}
	view.Faults = form.Faults()
	return rm.page.Show(w, r, http.StatusUnprocessableEntity, "form", title, view)
}

func (rm *Room) showName(w http.ResponseWriter, r *http.Request) error {
	l, err := of(r, rm.DB)
	if err != nil {
		return err
	}
	return rm.page.Show(w, r, http.StatusOK, "form", "registry.name_title", &formView{Listed: l, Asks: true, Name: l.Organization.Name})
}

func (rm *Room) postName(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &formView{Asks: true, Name: Written(form.Text("organization"))}
	add(form, NameFault(view.Name))
	if form.OK() {
		err = wrongs(form, rm.upon(r, act.RenameOrganization, func(ctx context.Context, tx *store.Tx, d Deed, o organization.Organization) error {
			return d.Rename(ctx, tx, o, view.Name)
		}))
		if err != nil {
			return err
		}
	}
	if !form.OK() {
		return rm.again(w, r, form, view, "registry.name_title")
	}
	return page.See(w, "/operator/organizations/"+r.PathValue("id")+"?done=renamed")
}
