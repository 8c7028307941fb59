package people

import (
	"context"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type requestView struct {
	page.View
	Person
	Options []page.Option
}

// showRequest asks what becomes of a MailOTP that an import asked for.
func (rm *Room) showRequest(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.about(r, act.ChangeMethod, false)
	if err != nil {
		return err
	}
	if !p.Asks() {
		return page.See(w, place(p))
	}
	return rm.request(w, r, http.StatusOK, p, nil)
}

func (rm *Room) request(w http.ResponseWriter, r *http.Request, status int, p Person, faults []*fault.Fault) error {
	view, say := &requestView{Person: p}, rm.Site.Speak(r)
	for _, answer := range []string{"grant", "decline"} {
		view.Options = append(view.Options, page.Option{Value: answer, Label: say.T("people.request_" + answer), Hint: say.T("people.request_" + answer + "_about")})
	}
	view.Faults = faults
	return rm.page.Show(w, r, status, "request", "people.request_title", view)
}

func (rm *Room) postRequest(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	p, err := rm.about(r, act.ChangeMethod, false)
	if err != nil {
		return err
	}
	answer := form.Need("answer", "people.request_missing")
	if answer != "" && answer != "grant" && answer != "decline" {
		form.Fault("answer", "people.request_missing")
	}
	switch {
	case !p.Asks():
		return page.See(w, place(p)) // decided meanwhile
	case !form.OK():
		return rm.request(w, r, http.StatusUnprocessableEntity, p, form.Faults())
	case answer == "grant":
		_, err = rm.change(r.Context(), p.ID, account.MailOTP)
	default:
		err = rm.decline(r.Context(), p)
	}
	if err != nil {
		return err
	}
	rm.Wake()
	if answer == "grant" {
		return page.See(w, place(p)+"?done=mailotp")
	}
	return page.See(w, place(p)+"?done=declined")
}

// decline ends a request; the method stays as it is.
func (rm *Room) decline(ctx context.Context, p Person) error {
	v := session.Of(ctx)
	return rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		now, err := rm.of(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := may(ctx, tx, tx.Now(), act.ChangeMethod, now, false); err != nil {
			return err
		}
		if !now.Asks() {
			return nil
		}
		if err := account.Answered(ctx, tx, now.Ref); err != nil {
			return err
		}
		return rm.tell(ctx, tx, v, now, "account:mailotp:declined", "declined", nil)
	})
}
