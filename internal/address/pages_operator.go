package address

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

const (
	listed     = 50  // corrections on the operators' list
	longestWhy = 200 // characters of a reason
)

type listView struct {
	page.View
	Waiting []Waiting
	Now     time.Time
}

func (rm *Room) list(w http.ResponseWriter, r *http.Request) (err error) {
	view := &listView{Now: rm.Site.Now()}
	if view.Waiting, err = corrections(r.Context(), rm.DB, listed); err != nil {
		return err
	}
	return rm.page.Show(w, r, http.StatusOK, "list", "address.list_title", view)
}

type correctionView struct {
	page.View
	Correction
	Rule   string // why the address is not corrected now; empty: the link may be sent
	Typed  string
	Reason string
	Named  string // the ticket, as typed
	Now    time.Time
}

// State is what has become of the change that is open in the store, or empty.
func (v *correctionView) State() State { return v.Change.State(v.Now) }

// correctionOf reads the case that an address names.
func correctionOf(ctx context.Context, r store.Reader, req *http.Request) (Correction, error) {
	ref := account.Ref{Organization: req.PathValue("organization"), ID: req.PathValue("id")}
	if !plainID(ref.Organization) || !plainID(ref.ID) {
		return Correction{}, errNobody
	}
	c, err := readCorrection(ctx, r, ref)
	if errors.Is(err, store.ErrNone) {
		return Correction{}, errNobody
	}
	return c, err
}

func (rm *Room) showCorrection(w http.ResponseWriter, r *http.Request) error {
	view := &correctionView{}
	for _, done := range []string{"told", "sent", "ended"} {
		if r.URL.Query().Get("done") == done {
			view.Notice = rm.Site.Speak(r).T("address.done_" + done)
		}
	}
	return rm.correction(w, r, http.StatusOK, view)
}

func (rm *Room) correction(w http.ResponseWriter, r *http.Request, status int, view *correctionView) (err error) {
	if view.Correction, err = correctionOf(r.Context(), rm.DB, r); err != nil {
		return err
	}
	view.Now = rm.Site.Now()
	view.Rule = string(MayCorrect(view.Now, view.facts(session.Of(r.Context()))))
	return rm.page.Show(w, r, status, "correction", "address.correction_title", view)
}

// postCorrection asks for a correction, sends its link or withdraws it, as the form says.
func (rm *Room) postCorrection(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &correctionView{}
	switch form.Text("act") {
	case "send":
		return rm.corrected(w, r, view, "sent", rm.settle(r, rm.maySend))
	case "withdraw":
		return rm.corrected(w, r, view, "ended", rm.settle(r, func(ctx context.Context, tx *store.Tx, v *session.Visit, c Correction) error {
			return rm.end(ctx, tx, v, c.Case)
		}))
	}
	c, err := correctionOf(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	view.Typed = typed(form, c.Account)
	ticket := grounds(form, view)
	if form.OK() {
		has, err := taken(r.Context(), rm.DB, account.Key(view.Typed))
		if err != nil {
			return err
		}
		if has { // operators find everybody by the address
			form.Fault("email", "address.taken_operator")
		}
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.correction(w, r, http.StatusUnprocessableEntity, view)
	}
	return rm.corrected(w, r, view, "told", rm.settle(r, func(ctx context.Context, tx *store.Tx, v *session.Visit, c Correction) error {
		switch why := MayCorrect(tx.Now(), c.facts(v)); why {
		case WhyAsk:
			return rm.askCorrection(ctx, tx, v, c, view.Typed, view.Reason, ticket)
		case "", WhyWaits, WhySigned, WhyOwner: // asked already: it ends by a withdrawal alone
			return store.ErrNone
		default:
			return fault.New(fault.Refused, string(why))
		}
	}))
}

// maySend sends the link, if the rule lets it now.
func (rm *Room) maySend(ctx context.Context, tx *store.Tx, v *session.Visit, c Correction) error {
	if why := MayCorrect(tx.Now(), c.facts(v)); why != "" {
		return fault.New(fault.Refused, string(why))
	}
	return rm.sendCorrection(ctx, tx, v, c)
}

// grounds reads why an address is corrected and against which ticket. Both are required.
func grounds(form *page.Form, view *correctionView) act.Ticket {
	view.Reason, view.Named = form.Need("why", "address.reason_missing"), form.Need("ticket", "address.ticket_missing")
	if utf8.RuneCountInString(view.Reason) > longestWhy {
		form.Fault("why", "page.field_long", "n", longestWhy)
	}
	ticket, ok := act.ParseTicket(view.Named)
	if view.Named != "" && !ok {
		form.Fault("ticket", "address.ticket_shape", "n", act.LongestTicket)
	}
	return ticket
}

// corrected answers what a deed came to.
func (rm *Room) corrected(w http.ResponseWriter, r *http.Request, view *correctionView, what string, err error) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.TooSoon {
		page.RetryAfter(w, rm.Site.Now(), f.Until)
		view.Faults = []*fault.Fault{fault.Field("", f.Phrase, "until", rm.Site.Speak(r).Zones.Clock(f.Until))}
		return rm.correction(w, r, http.StatusTooManyRequests, view)
	}
	return rm.done(w, r, what, err)
}

// settle runs do in one transaction that asks the gate again, reads the case anew and
// asks the table about it.
func (rm *Room) settle(r *http.Request, do func(ctx context.Context, tx *store.Tx, v *session.Visit, c Correction) error) error {
	v := session.Of(r.Context())
	return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		c, err := correctionOf(ctx, tx, r)
		if err != nil {
			return err
		}
		if err := may(act.CorrectAddress, v, tx.Now(), c.Case); err != nil {
			return err
		}
		return do(ctx, tx, v, c)
	})
}
