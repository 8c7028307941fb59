package password

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// mostListed is how many passwords that wait a page shows. It is more than wait at any
// time; whatever is answered makes room for the next.
const mostListed = 100

// errNobodyWaits is told of an id that is unknown, of another organization, or for
// which nothing waits (any more), alike.
var errNobodyWaits = fault.New(fault.NotFound, string(WhyGone))

type waitingView struct {
	page.View
	List  []Waiting
	Me    account.Ref
	Whole bool // an operator's: of the whole portal
}

// Link leads to the page where one is answered.
func (v *waitingView) Link(w Waiting) string {
	if v.Whole {
		return "/operator/resets/" + w.Organization + "/" + w.ID
	}
	return "/accounts/" + w.ID + "/reset"
}

func (m *Room) showWaiting(w http.ResponseWriter, r *http.Request) (err error) {
	v := session.Of(r.Context())
	view := &waitingView{Me: v.Ref, Whole: v.Operator()}
	if view.Whole {
		view.List, err = waitingAdmins(r.Context(), m.DB, m.Site.Now(), mostListed)
	} else {
		view.List, err = waiting(r.Context(), m.DB, v.Ref.Organization, m.Site.Now(), mostListed)
	}
	if err != nil {
		return err
	}
	for _, done := range []string{"approved", "refused"} { // the address only chooses among our own sentences
		if r.URL.Query().Get("done") == done {
			view.Notice = m.Site.Speak(r).T("password.answer_done_" + done)
		}
	}
	return m.page.Show(w, r, http.StatusOK, "waiting", "password.waiting_title", view)
}

type answerView struct {
	page.View
	Waiting
	Whole   bool
	Why     Why // why a yes is not open; empty: it is
	Options []page.Option
	Ticket  string
}

// waitingOn finds what an address names, among what the visitor may know of.
func (m *Room) waitingOn(ctx context.Context, r store.Reader, req *http.Request, now time.Time) (Waiting, error) {
	v := session.Of(req.Context())
	ref := account.Ref{Organization: v.Ref.Organization, ID: req.PathValue("id")}
	if v.Operator() {
		ref.Organization = req.PathValue("organization")
	}
	for _, id := range []string{ref.Organization, ref.ID} {
		if len(id) != 36 || strings.Trim(id, "0123456789abcdef-") != "" {
			return Waiting{}, errNobodyWaits
		}
	}
	w, err := waitingOf(ctx, r, ref, now)
	if errors.Is(err, store.ErrNone) {
		return Waiting{}, errNobodyWaits
	}
	return w, err
}

// barred is what the table of acts refuses, as a fault; nil when it does not.
func barred(answer act.Answer) error {
	switch {
	case answer == act.Allowed:
		return nil
	case answer == act.Hidden:
		return errNobodyWaits
	case answer.Why() != "":
		return fault.New(fault.Refused, answer.Why())
	}
	return fault.New(fault.Refused, "session.refused")
}

// showAnswer is the page that asks before anything is done: it names the person and
// what either answer leads to.
func (m *Room) showAnswer(w http.ResponseWriter, r *http.Request) error {
	now := m.Site.Now()
	waits, err := m.waitingOn(r.Context(), m.DB, r, now)
	if err != nil {
		return err
	}
	return m.answering(w, r, http.StatusOK, now, waits, &answerView{}, "")
}

func (m *Room) answering(w http.ResponseWriter, r *http.Request, status int, now time.Time, waits Waiting, view *answerView, chosen Reply) error {
	v := session.Of(r.Context())
	who := v.Who(now)
	if err := barred(waits.may(who)); err != nil {
		return err
	}
	view.Waiting, view.Whole = waits, v.Operator()
	view.Why = MayAnswer(now, who, waits, waits.Aside.ID, Yes)
	say := m.Site.Speak(r)
	for _, reply := range []Reply{Yes, No} {
		if reply == Yes && view.Why != "" {
			continue
		}
		view.Options = append(view.Options, page.Option{Value: string(reply), Checked: chosen == reply,
			Label: say.T("password.answer_" + string(reply)), Hint: say.T("password.answer_"+string(reply)+"_about", "name", waits.Name)})
	}
	return m.page.Show(w, r, status, "answer", "password.answer_title", view)
}

// postAnswer approves or refuses, as the form says. Operators name a ticket.
func (m *Room) postAnswer(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	v := session.Of(r.Context())
	reply, view := Reply(form.Need("answer", string(WhyNoSuch))), &answerView{}
	if reply != "" && reply != Yes && reply != No {
		form.Fault("answer", string(WhyNoSuch))
	}
	var ticket act.Ticket
	if v.Operator() {
		view.Ticket = form.Need("ticket", "password.ticket_missing")
		var ok bool
		if ticket, ok = act.ParseTicket(view.Ticket); view.Ticket != "" && !ok {
			form.Fault("ticket", "password.ticket_shape", "n", act.LongestTicket)
		}
	}
	if !form.OK() {
		now := m.Site.Now()
		waits, err := m.waitingOn(r.Context(), m.DB, r, now)
		if err != nil {
			return err
		}
		view.Faults = form.Faults()
		return m.answering(w, r, http.StatusUnprocessableEntity, now, waits, view, reply)
	}
	err = m.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		return m.answerWaiting(ctx, tx, r, form.Text("reset"), reply, ticket)
	})
	if err != nil {
		return err
	}
	m.Wake()
	to := "/accounts/resets?done="
	if v.Operator() {
		to = "/operator/resets?done="
	}
	return page.See(w, to+map[Reply]string{Yes: "approved", No: "refused"}[reply])
}

// answerWaiting is the one end of a yes and a no: the rule is asked with what is
// recorded now, one conditional write decides, the record names who and the ticket,
// and the owner and the other Portal Admins are told.
func (m *Room) answerWaiting(ctx context.Context, tx *store.Tx, r *http.Request, id string, reply Reply, ticket act.Ticket) error {
	v := session.Of(r.Context())
	if err := v.Still(ctx, tx); err != nil {
		return err
	}
	waits, err := m.waitingOn(ctx, tx, r, tx.Now())
	if err != nil {
		return err
	}
	who := v.Who(tx.Now())
	switch why := MayAnswer(tx.Now(), who, waits, id, reply); why {
	case "":
	case WhyAct:
		return barred(waits.may(who))
	default:
		return fault.New(fault.Refused, string(why))
	}
	done, verb := func() error { return refuse(ctx, tx, waits.Ref, v.Ref.ID) }, "account:reset:refused"
	if reply == Yes {
		done, verb = func() error { return approve(ctx, tx, waits.Ref, id, v.Ref.ID) }, "account:reset:approved"
	}
	if err := done(); errors.Is(err, store.ErrNone) {
		return errNobodyWaits
	} else if err != nil {
		return err
	}
	detail := map[string]string{"reset": id}
	if ticket != "" {
		detail["ticket"] = string(ticket)
	}
	err = audit.Record(ctx, tx, m.Keys, audit.Entry{Chain: waits.Organization, Act: verb, Actor: v.Actor(), Subject: waits.ID,
		Network: v.From, Detail: detail})
	if err != nil {
		return err
	}
	return m.answerLetters(ctx, tx, v, waits, reply)
}
