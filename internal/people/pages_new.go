package people

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
)

// formView is a person to fill in: a new one, or one as recorded.
type formView struct {
	page.View
	typed
	New         bool
	Self        bool
	MayKeep     bool   // a Portal Admin with MailOTP, who would keep it as a General User
	MethodAsked string // new: the method chosen
	Languages   []page.Option
	Authorities []page.Option
	Methods     []page.Option
}

func (rm *Room) showNew(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	t := typed{Account: account.Account{Authority: account.GeneralUser, Language: v.Person.Language, Zone: v.Person.Zone}}
	return rm.form(w, r, http.StatusOK, &formView{typed: t, New: true, MethodAsked: string(account.TOTP)}, nil)
}

// form shows the form of a new or a recorded person.
func (rm *Room) form(w http.ResponseWriter, r *http.Request, status int, view *formView, faults []*fault.Fault) error {
	say := rm.Site.Speak(r)
	for _, lang := range phrase.Langs {
		view.Languages = append(view.Languages, page.Option{Value: string(lang), Label: say.T("people.language_" + string(lang)), Checked: lang == view.Language})
	}
	for _, a := range []account.Authority{account.GeneralUser, account.PortalAdmin} {
		view.Authorities = append(view.Authorities, page.Option{Value: string(a), Label: say.T("people." + string(a)),
			Hint: say.T("people." + string(a) + "_about"), Checked: a == view.Authority})
	}
	for _, m := range []account.Method{account.TOTP, account.MailOTP} {
		view.Methods = append(view.Methods, page.Option{Value: string(m), Label: say.T("people." + string(m)),
			Hint: say.T("people." + string(m) + "_about"), Checked: string(m) == view.MethodAsked})
	}
	view.Faults = faults
	title := "people.edit_title"
	if view.New {
		title = "people.new_title"
	}
	return rm.page.Show(w, r, status, "form", title, view)
}

func (rm *Room) postNew(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	t := read(form, true)
	method := account.Method(form.Need("method", "people.method_missing"))
	if method != "" && method != account.TOTP && method != account.MailOTP {
		form.Fault("method", "people.method_missing")
	}
	view := &formView{typed: t, New: true, MethodAsked: string(method)}
	if !form.OK() {
		return rm.form(w, r, http.StatusUnprocessableEntity, view, form.Faults())
	}
	id, added, err := rm.add(r.Context(), t, method)
	if errors.Is(err, store.ErrTaken) { // somebody else was faster: now it can be seen who
		id, added, err = rm.add(r.Context(), t, method)
	}
	if f := fault.Of(err); f != nil && f.Field != "" {
		return rm.form(w, r, http.StatusUnprocessableEntity, view, []*fault.Fault{f})
	}
	if err != nil {
		return err
	}
	if added {
		rm.Wake()
	}
	return page.See(w, "/accounts/"+id+"?done=added")
}

// again is how long the same form sent once more leads to whom it has added.
const again = 10 * time.Minute

// add adds a person with a starting guide. The same form sent twice adds once.
func (rm *Room) add(ctx context.Context, t typed, method account.Method) (id string, added bool, err error) {
	v := session.Of(ctx)
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		id, added = "", false
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if err := refusal(act.May(act.AddPerson, v.Who(tx.Now()), act.Whom{})); err != nil {
			return err
		}
		switch has, err := account.Holder(ctx, tx, t.EmailKey); {
		case err == nil:
			id, err = rm.sent(ctx, tx, v, has, t)
			return err
		case !errors.Is(err, store.ErrNone):
			return err
		}
		a := t.applied(account.Account{Ref: account.Ref{Organization: v.Ref.Organization}, Email: t.Email})
		if a.Authority == account.PortalAdmin {
			a.Preset = method
		}
		if a, err = account.Add(ctx, tx, rm.Keys, a, v.Ref.ID); err != nil {
			return err
		}
		if method == account.MailOTP && a.Authority == account.GeneralUser {
			if why := account.Govern(actor(v), a.Ref, method, false); why != "" {
				return fault.New(fault.Refused, "people.only_admins")
			}
			if err := account.Assign(ctx, tx, a.Ref, method, v.Ref.ID); err != nil {
				return err
			}
		}
		err := audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: a.Organization, Act: "account:person:added", Actor: v.Actor(), Subject: a.ID, Network: v.From,
			Detail: map[string]string{"name": a.Name, "email": a.Email, "authority": string(a.Authority), "method": string(method)}})
		if err != nil {
			return err
		}
		id, added = a.ID, true
		_, err = rm.Passes.Guide(ctx, tx, v, a)
		return err
	})
	return id, added, err
}

// sent is the person whom the same visitor has just added by the same form. Of any
// other address in use it says that alone, wherever in the portal that is.
func (rm *Room) sent(ctx context.Context, tx *store.Tx, v *session.Visit, has account.Ref, t typed) (id string, err error) {
	taken := fault.Field("email", "people.email_taken")
	if has.Organization != v.Ref.Organization {
		return "", taken
	}
	there, err := account.Find(ctx, tx, has)
	if err != nil {
		return "", err
	}
	by, at, err := account.Began(ctx, tx, has)
	if err != nil {
		return "", err
	}
	if by != v.Ref.ID || tx.Now().Sub(at) > again || len(differs(there, t.applied(there))) > 0 {
		return "", taken
	}
	return has.ID, nil
}
