package address

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type changeView struct {
	page.View
	Case
	Typed  string
	Latest []Change // a Portal Admin's page: what became of earlier ones
	Now    time.Time
}

// State is what has become of the change that is open in the store, or empty.
func (v *changeView) State() State { return v.Change.State(v.Now) }

// Reissue says that a starting guide, if there was one, went with the old address.
func (v *changeView) Reissue() bool {
	return !v.Enrolled && len(v.Latest) > 0 && v.Latest[0].State(v.Now) == IsUsed
}

// typed reads the new address from a form.
func typed(form *page.Form, now account.Account) string {
	email := form.Need("email", "address.email_missing")
	switch key := account.Key(email); {
	case email == "":
	case key == "" || mail.Addressable(account.Written(email)) != nil:
		form.Fault("email", "address.email_shape")
	case key == now.EmailKey:
		form.Fault("email", "address.email_same")
	}
	return email
}

// plainID says whether a text can be an id at all; no other reaches the store.
func plainID(id string) bool {
	return len(id) == 36 && strings.Trim(id, "0123456789abcdef-") == ""
}

// known finds the account a page is about; one that is not there is nobody.
func known(c Case, err error) (Case, error) {
	if errors.Is(err, store.ErrNone) {
		return Case{}, errNobody
	}
	return c, err
}

// own is the visitor's own account, as recorded now.
func own(ctx context.Context, r store.Reader, _ *http.Request) (Case, error) {
	v := session.Of(ctx)
	if v.Operator() {
		return Case{}, fault.New(fault.Refused, "address.not_operators")
	}
	return known(find(ctx, r, v.Ref))
}

// person is somebody of the visitor's own organization.
func person(ctx context.Context, r store.Reader, req *http.Request) (Case, error) {
	v := session.Of(ctx)
	if !plainID(req.PathValue("id")) || v.Operator() || v.Ref.Organization == "" {
		return Case{}, errNobody
	}
	return known(find(ctx, r, account.Ref{Organization: v.Ref.Organization, ID: req.PathValue("id")}))
}

// changes is one of the two pages where a change is asked for without a wait.
type changes struct {
	name, title string
	of          func(ctx context.Context, r store.Reader, req *http.Request) (Case, error)
	act         act.Act // asked of the table; empty: the gate and the own account are all
}

var (
	ownPage    = changes{name: "own", title: "address.own_title", of: own}
	personPage = changes{name: "person", title: "address.person_title", of: person, act: act.ChangeAddress}
)

func (p changes) may(v *session.Visit, now time.Time, c Case) error {
	if p.act == "" {
		return nil
	}
	return may(p.act, v, now, c)
}

func (rm *Room) showOwn(w http.ResponseWriter, r *http.Request) error { return rm.show(w, r, ownPage) }
func (rm *Room) postOwn(w http.ResponseWriter, r *http.Request) error { return rm.post(w, r, ownPage) }
func (rm *Room) postPerson(w http.ResponseWriter, r *http.Request) error {
	return rm.post(w, r, personPage)
}

// showPerson leads whoever opens it for himself to his own page.
func (rm *Room) showPerson(w http.ResponseWriter, r *http.Request) error {
	if r.PathValue("id") == session.Of(r.Context()).Ref.ID {
		return page.See(w, "/profile/address")
	}
	return rm.show(w, r, personPage)
}

func (rm *Room) show(w http.ResponseWriter, r *http.Request, p changes) error {
	c, err := p.of(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	if err := p.may(session.Of(r.Context()), rm.Site.Now(), c); err != nil {
		return err
	}
	view := &changeView{}
	for _, done := range []string{"asked", "withdrawn"} {
		if r.URL.Query().Get("done") == done {
			view.Notice = rm.Site.Speak(r).T("address.done_" + done)
		}
	}
	return rm.showing(w, r, http.StatusOK, p, c, view)
}

func (rm *Room) showing(w http.ResponseWriter, r *http.Request, status int, p changes, c Case, view *changeView) (err error) {
	view.Case, view.Now = c, rm.Site.Now()
	if p.act != "" {
		if view.Latest, err = of(r.Context(), rm.DB, c.Ref, 10); err != nil {
			return err
		}
	}
	return rm.page.Show(w, r, status, p.name, p.title, view)
}

// post asks for a change or withdraws the open one, as the form says.
func (rm *Room) post(w http.ResponseWriter, r *http.Request, p changes) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	if form.Text("act") == "withdraw" {
		return rm.done(w, r, "withdrawn", rm.decide(r, p, rm.end))
	}
	c, err := p.of(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	view := &changeView{Typed: typed(form, c.Account)}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.showing(w, r, http.StatusUnprocessableEntity, p, c, view)
	}
	err = rm.decide(r, p, func(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) error {
		if !c.Stands {
			return fault.New(fault.Refused, "address.why_suspended")
		}
		if account.Key(view.Typed) == c.EmailKey { // it moved there meanwhile
			return store.ErrNone
		}
		return rm.ask(ctx, tx, v, c, view.Typed)
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.TooSoon {
		page.RetryAfter(w, rm.Site.Now(), f.Until)
		view.Faults = []*fault.Fault{fault.Field("", f.Phrase, "until", rm.Site.Speak(r).Zones.Clock(f.Until))}
		return rm.showing(w, r, http.StatusTooManyRequests, p, c, view)
	}
	return rm.done(w, r, "asked", err)
}

// showWithdraw asks the owner back before the open change ends.
func (rm *Room) showWithdraw(w http.ResponseWriter, r *http.Request) error {
	c, err := own(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	if now := rm.Site.Now(); !c.Change.Open(now) {
		return page.See(w, "/profile")
	}
	return rm.showing(w, r, http.StatusOK, changes{name: "withdraw", title: "address.withdraw_title"}, c, &changeView{})
}

func (rm *Room) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	err := rm.decide(r, ownPage, rm.end)
	if errors.Is(err, store.ErrNone) {
		return page.See(w, "/profile")
	}
	if err != nil {
		return err
	}
	rm.Wake()
	return page.See(w, "/profile?done=address")
}

// done leads back to the page; what was over already is answered alike, without a word.
func (rm *Room) done(w http.ResponseWriter, r *http.Request, what string, err error) error {
	if errors.Is(err, store.ErrNone) {
		return page.See(w, r.URL.Path)
	}
	if err != nil {
		return err
	}
	rm.Wake()
	return page.See(w, r.URL.Path+"?done="+what)
}

// decide runs do in one transaction that asks the gate again, reads the account anew
// and asks the table about it.
func (rm *Room) decide(r *http.Request, p changes, do func(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) error) error {
	v := session.Of(r.Context())
	return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		c, err := p.of(ctx, tx, r)
		if err != nil {
			return err
		}
		if err := p.may(v, tx.Now(), c); err != nil {
			return err
		}
		return do(ctx, tx, v, c)
	})
}
