package notice

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/prose"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// perPage is how many notices a page of the operators' list shows.
const perPage = 25

type operatorsView struct {
	page.View
	Notices []Counted
	Now     time.Time
	Next    string
}

func (rm *Room) operators(w http.ResponseWriter, r *http.Request) error {
	before := r.URL.Query().Get("before")
	if !plainID(before) {
		before = ""
	}
	list, err := All(r.Context(), rm.DB, before, perPage+1)
	if err != nil {
		return err
	}
	view := &operatorsView{Now: rm.Site.Now()}
	if len(list) > perPage {
		list = list[:perPage]
		view.Next = "/operator/notices?before=" + url.QueryEscape(list[perPage-1].ID)
	}
	view.Notices = list
	return rm.page.Show(w, r, http.StatusOK, "operators", "notice.operators_title", view)
}

// cardView is one notice as operators see it: before it is published, and after.
type cardView struct {
	page.View
	Written Counted
	State   State
	EN, JA  template.HTML
	Sending bool // letters are still being written
	Hidden  []hidden
	Submit  string // phrase of the button that saves; empty: nothing is asked
	Back    string // where one goes without saving
}

type hidden struct{ Name, Value string }

func (rm *Room) card(r *http.Request, c Counted) (view *cardView, err error) {
	view = &cardView{Written: c, State: c.At(rm.Site.Now())}
	view.Sending = c.ByMail && c.MailedAt.IsZero() && view.State == Showing
	if view.EN, err = prose.HTML(c.English.Body); err == nil {
		view.JA, err = prose.HTML(c.Japanese.Body)
	}
	return view, err
}

func (rm *Room) operatorsOne(w http.ResponseWriter, r *http.Request) error {
	c, err := rm.find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	view, err := rm.card(r, c)
	if err != nil {
		return err
	}
	for _, done := range []string{"published", "changed", "withdrawn"} {
		if r.URL.Query().Get("done") == done {
			view.Notice = rm.Site.Speak(r).T("notice.done_" + done)
		}
	}
	return rm.page.Show(w, r, http.StatusOK, "card", "notice.card_title", view)
}

// formView is the form of a notice, new or changed.
type formView struct {
	page.View
	Written      Notice // as typed so far
	Form         string // id that a new one will have: the same form sent twice is one notice
	Organization string // name, as typed
	Shows        page.When
	Ends         page.When
	Authorities  []page.Option
	New          bool
	Mailing      bool // letters have been written: what is changed does not reach them
}

func (rm *Room) showNew(w http.ResponseWriter, r *http.Request) error {
	view := &formView{New: true, Form: secret.ID(), Shows: page.When{Zone: rm.Site.House}, Ends: page.When{Zone: rm.Site.House}}
	return rm.form(w, r, http.StatusOK, view)
}

func (rm *Room) form(w http.ResponseWriter, r *http.Request, status int, view *formView) error {
	say := rm.Site.Speak(r)
	for _, a := range []account.Authority{"", account.PortalAdmin, account.GeneralUser} {
		view.Authorities = append(view.Authorities, page.Option{Value: string(a), Label: say.T("notice.authority_" + string(a)), Checked: a == view.Written.Audience.Authority})
	}
	title := "notice.change_title"
	if view.New {
		title = "notice.new_title"
	}
	return rm.page.Show(w, r, status, "form", title, view)
}

// typed reads the form of a notice. What is wrong with its shape is a fault; what
// is wrong with what it means is Check's to say.
func (rm *Room) typed(ctx context.Context, form *page.Form, n Notice, isNew bool) (*formView, error) {
	view := &formView{Written: n, New: isNew, Form: form.Text("form")}
	to := &view.Written
	to.English = Text{form.Text("title_en"), form.Lines("text_en")}
	to.Japanese = Text{form.Text("title_ja"), form.Lines("text_ja")}
	view.Shows, view.Ends = form.When("from", rm.Site.House), form.When("until", rm.Site.House)
	to.From, to.Until = time.Time{}, time.Time{}
	if form.Has("from") {
		to.From = form.Instant("from", rm.Site.House)
	}
	if form.Has("until") {
		to.Until = form.Instant("until", rm.Site.House)
	}
	to.AtSignin, to.ByMail = form.Has("at_signin"), form.Has("by_mail")
	if !isNew {
		return view, nil
	}
	to.Audience.Authority = account.Authority(form.Text("authority"))
	view.Organization = form.Text("organization")
	if view.Organization == "" {
		return view, nil
	}
	o, err := organization.ByName(ctx, rm.DB, view.Organization)
	switch {
	case errors.Is(err, store.ErrNone):
		form.Fault("organization", "notice.organization_unknown")
	case err != nil:
		return nil, err
	}
	if o.ID != "" {
		to.Organization, view.Organization = o.ID, o.Name
	}
	return view, nil
}

// preview shows what will be read, with everything that was typed in hidden fields.
func (rm *Room) preview(w http.ResponseWriter, r *http.Request, view *formView, form *page.Form, back string) error {
	card, err := rm.card(r, Counted{Notice: view.Written, Name: view.Organization})
	if err != nil {
		return err
	}
	card.Submit, card.Back = "notice.change_save", back
	if view.New {
		card.Submit = "notice.publish"
	}
	for _, name := range []string{"form", "title_en", "title_ja", "from", "from_which", "until", "until_which", "authority", "organization", "at_signin", "by_mail"} {
		if form.Has(name) {
			card.Hidden = append(card.Hidden, hidden{name, form.Text(name)})
		}
	}
	card.Hidden = append(card.Hidden, hidden{"text_en", view.Written.English.Body}, hidden{"text_ja", view.Written.Japanese.Body})
	return rm.page.Show(w, r, http.StatusOK, "card", "notice.preview_title", card)
}

// wrong adds what Check says to the form's faults.
func wrong(form *page.Form, list []Wrong) {
	for _, one := range list {
		form.Fault(one.Field, one.Phrase)
	}
}

func (rm *Room) postNew(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view, err := rm.typed(r.Context(), form, Notice{}, true)
	if err != nil {
		return err
	}
	if !plainID(view.Form) {
		view.Form = secret.ID()
	}
	check := view.Written
	if check.From.IsZero() {
		check.From = rm.Site.Now()
	}
	wrong(form, check.Check(rm.Site.Now()))
	act := form.Text("act")
	switch {
	case !form.OK() || act == "again":
		view.Faults = form.Faults()
		status := http.StatusUnprocessableEntity
		if act == "again" {
			status, view.Faults = http.StatusOK, nil
		}
		return rm.form(w, r, status, view)
	case act != "save":
		return rm.preview(w, r, view, form, "/operator/notices")
	}
	n := view.Written
	n.ID = view.Form
	err = rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error {
		_, err := d.Publish(ctx, tx, n)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrTaken) { // the same form, sent twice
		return rm.refused(w, r, view, form, err)
	}
	return page.See(w, "/operator/notices/"+n.ID+"?done=published")
}

// refused shows the form again with what the deciding transaction has found wrong.
func (rm *Room) refused(w http.ResponseWriter, r *http.Request, view *formView, form *page.Form, err error) error {
	var list Refusals
	if !errors.As(err, &list) {
		return err
	}
	wrong(form, list)
	view.Faults = form.Faults()
	return rm.form(w, r, http.StatusUnprocessableEntity, view)
}

// do does something as the operator of this request, in one transaction that first
// asks the gate once more.
func (rm *Room) do(r *http.Request, do func(context.Context, *store.Tx, Deed) error) error {
	v := session.Of(r.Context())
	return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		return do(ctx, tx, Deed{Keys: rm.Keys, By: v.Ref.ID, Actor: v.Actor(), Network: v.From, Changed: rm.Changed})
	})
}

func (rm *Room) showChange(w http.ResponseWriter, r *http.Request) error {
	c, err := rm.find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !c.Withdrawn.IsZero() {
		return errNone
	}
	view := &formView{Written: c.Notice, Organization: c.Name, Mailing: c.Mailed > 0,
		Shows: page.WhenAt(c.From, rm.Site.House), Ends: page.When{Zone: rm.Site.House}}
	if !c.Until.IsZero() {
		view.Ends = page.WhenAt(c.Until, rm.Site.House)
	}
	return rm.form(w, r, http.StatusOK, view)
}

func (rm *Room) postChange(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	c, err := rm.find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !c.Withdrawn.IsZero() {
		return errNone
	}
	view, err := rm.typed(r.Context(), form, c.Notice, false)
	if err != nil {
		return err
	}
	view.Organization, view.Mailing = c.Name, c.Mailed > 0
	if view.Written.From.IsZero() && form.OK() {
		view.Written.From = c.From
	}
	wrong(form, view.Written.Check(rm.Site.Now()))
	act := form.Text("act")
	switch {
	case act == "again":
		return rm.form(w, r, http.StatusOK, view)
	case !form.OK():
		view.Faults = form.Faults()
		return rm.form(w, r, http.StatusUnprocessableEntity, view)
	case act != "save":
		return rm.preview(w, r, view, form, "/operator/notices/"+c.ID)
	}
	err = rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error {
		if _, err := rm.find(ctx, tx, c.ID); err != nil {
			return err
		}
		return d.Change(ctx, tx, view.Written)
	})
	if errors.Is(err, store.ErrNone) {
		return errNone
	}
	if err != nil {
		return rm.refused(w, r, view, form, err)
	}
	return page.See(w, "/operator/notices/"+c.ID+"?done=changed")
}

func (rm *Room) showWithdraw(w http.ResponseWriter, r *http.Request) error {
	c, err := rm.find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !c.Withdrawn.IsZero() {
		return errNone
	}
	view, err := rm.card(r, c)
	if err != nil {
		return err
	}
	return rm.page.Show(w, r, http.StatusOK, "withdraw", "notice.withdraw_title", view)
}

func (rm *Room) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	id := r.PathValue("id")
	err := rm.do(r, func(ctx context.Context, tx *store.Tx, d Deed) error {
		c, err := rm.find(ctx, tx, id)
		if err != nil {
			return err
		}
		return d.Withdraw(ctx, tx, c.Notice)
	})
	if err != nil && !errors.Is(err, store.ErrNone) { // twice is once
		return err
	}
	return page.See(w, "/operator/notices/"+id+"?done=withdrawn")
}
