package pass

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

const (
	listed     = 25  // of each list on the operators' page
	longestWhy = 200 // characters of a reason
)

// pattern is what a search looks for, as a like-pattern with ! before its signs.
func pattern(typed string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(typed) + "%"
}

type listView struct {
	page.View
	Typed    string
	Found    []Target
	Requests []Asked
	Recent   []Record
	Now      time.Time
}

// operators is the page of all: who is found, what waits, what was given.
func (rm *Room) operators(w http.ResponseWriter, r *http.Request) (err error) {
	view := &listView{Typed: clip(r.URL.Query().Get("q")), Now: rm.Site.Now()}
	// One list for each question, so that the page stays at three round trips.
	if typed := account.NameKey(view.Typed); typed != "" {
		if view.Found, err = search(r.Context(), rm.DB, typed, organization.NameKey(view.Typed), listed); err != nil {
			return err
		}
		return rm.page.Show(w, r, http.StatusOK, "operators", "pass.operators_title", view)
	}
	if view.Requests, err = requests(r.Context(), rm.DB, listed); err != nil {
		return err
	}
	if view.Recent, err = byOperators(r.Context(), rm.DB, listed); err != nil {
		return err
	}
	return rm.page.Show(w, r, http.StatusOK, "operators", "pass.operators_title", view)
}

// clip makes what came by an address short and fit for the store.
func clip(text string) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, text))
	return string(runes[:min(len(runes), 100)])
}

// errNobody is told of an account that is not there.
var errNobody = fault.New(fault.NotFound, "pass.nobody")

// caseOf reads the case that an address names.
func caseOf(ctx context.Context, r store.Reader, req *http.Request) (Case, error) {
	ref := account.Ref{Organization: req.PathValue("organization"), ID: req.PathValue("id")}
	for _, id := range []string{ref.Organization, ref.ID} {
		if len(id) != 36 || strings.Trim(id, "0123456789abcdef-") != "" {
			return Case{}, errNobody
		}
	}
	c, err := ReadCase(ctx, r, ref)
	if errors.Is(err, store.ErrNone) {
		return Case{}, errNobody
	}
	return c, err
}

type caseView struct {
	page.View
	Case
	Why    string // the phrase of why a pass is not given now; empty: it may be
	Back   bool
	Reason string
	Ticket string
	Ways   []page.Option
	Passes []Record
	Now    time.Time
	Code   string    // a pass was just given by hand
	Until  time.Time // of the pass just given
}

// Grouped is the code as it is handed over.
func (v *caseView) Grouped() string { return Grouped(v.Code) }

func (rm *Room) showCase(w http.ResponseWriter, r *http.Request) error {
	c, err := caseOf(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	view := &caseView{Back: r.URL.Query().Get("back") == string(account.TOTP)}
	if ticket, ok := act.ParseTicket(clip(r.URL.Query().Get("ticket"))); ok {
		view.Ticket = string(ticket) // from the ticket's page; it is typed all the same
	}
	for _, done := range []string{"asked", "mailed", "withdrawn", "ended"} {
		if r.URL.Query().Get("done") == done {
			view.Notice = rm.Site.Speak(r).T("pass.done_"+done, "name", c.Name)
		}
	}
	return rm.showing(w, r, http.StatusOK, c, view, ByHand)
}

func (rm *Room) showing(w http.ResponseWriter, r *http.Request, status int, c Case, view *caseView, way Way) error {
	say := rm.Site.Speak(r)
	view.Case, view.Now = c, rm.Site.Now()
	view.Back = view.Back && c.Method == account.MailOTP
	view.Why = string(c.MayGive(view.Now, session.Of(r.Context()), view.Back))
	view.Ways = []page.Option{
		{Value: string(ByHand), Label: say.T("pass.way_hand"), Hint: say.T("pass.way_hand_about"), Checked: way == ByHand},
		{Value: string(ByMail), Label: say.T("pass.way_mail"), Hint: say.T("pass.way_mail_about"), Checked: way == ByMail},
	}
	var err error
	if view.Passes, err = Of(r.Context(), rm.DB, c.Ref, 10); err != nil {
		return err
	}
	return rm.page.Show(w, r, status, "case", "pass.case_title", view)
}

// postCase asks for a pass, gives it, withdraws it or ends the request, as the form says.
func (rm *Room) postCase(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	switch form.Text("act") {
	case "ask":
		return rm.postAsk(w, r, form)
	case "end":
		return rm.endWith(w, r, "ended", rm.endRequest)
	case "withdraw":
		return rm.endWith(w, r, "withdrawn", func(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) error {
			return rm.desk.Withdraw(ctx, tx, v, c.Account)
		})
	}
	return rm.postGive(w, r, form)
}

// grounds reads why a pass is given and against which ticket. Both are required.
func grounds(form *page.Form, view *caseView) act.Ticket {
	view.Reason, view.Ticket = form.Need("why", "pass.why_missing"), form.Need("ticket", "pass.ticket_missing")
	if utf8.RuneCountInString(view.Reason) > longestWhy {
		form.Fault("why", "page.field_long", "n", longestWhy)
	}
	ticket, ok := act.ParseTicket(view.Ticket)
	if view.Ticket != "" && !ok {
		form.Fault("ticket", "pass.ticket_shape", "n", act.LongestTicket)
	}
	return ticket
}

// decide runs do in one transaction that asks the gate again and reads the case anew.
func (rm *Room) decide(r *http.Request, do func(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) error) error {
	v := session.Of(r.Context())
	return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		c, err := caseOf(ctx, tx, r)
		if err != nil {
			return err
		}
		return do(ctx, tx, v, c)
	})
}

func (rm *Room) postAsk(w http.ResponseWriter, r *http.Request, form *page.Form) error {
	view := &caseView{}
	ticket := grounds(form, view)
	if !form.OK() {
		return rm.wrong(w, r, form, view, ByHand)
	}
	err := rm.decide(r, func(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) error {
		switch why := c.MayGive(tx.Now(), v, true); why {
		case WhyTellThem:
			return rm.desk.Ask(ctx, tx, v, c, view.Reason, ticket)
		case "", WhyWaits, WhySigned: // asked already, or there is nobody to ask any more
			return nil
		default:
			return fault.New(fault.Refused, string(why))
		}
	})
	if err != nil {
		return err
	}
	rm.Wake()
	return page.See(w, r.URL.Path+"?done=asked")
}

func (rm *Room) wrong(w http.ResponseWriter, r *http.Request, form *page.Form, view *caseView, way Way) error {
	c, err := caseOf(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	view.Faults = form.Faults()
	return rm.showing(w, r, http.StatusUnprocessableEntity, c, view, way)
}

func (rm *Room) postGive(w http.ResponseWriter, r *http.Request, form *page.Form) error {
	view := &caseView{Back: form.Text("back") == string(account.TOTP)}
	way := Way(form.Need("way", "pass.way_missing"))
	if way != "" && way != ByMail && way != ByHand {
		form.Fault("way", "pass.way_missing")
	}
	ticket := grounds(form, view)
	if !form.OK() {
		return rm.wrong(w, r, form, view, way)
	}
	var handed Handed
	err := rm.decide(r, func(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) (err error) {
		back := view.Back && c.Method == account.MailOTP
		if why := c.MayGive(tx.Now(), v, back); why != "" {
			return fault.New(fault.Refused, string(why))
		}
		handed, err = rm.desk.GiveByOperator(ctx, tx, v, c, Order{Why: view.Reason, Ticket: ticket, Way: way, BackToTOTP: back})
		return err
	})
	if err != nil {
		return err
	}
	rm.Wake()
	if way == ByMail {
		return page.See(w, r.URL.Path+"?done=mailed")
	}
	// Shown on the answer to this very request: nothing keeps the code for a second.
	c, err := caseOf(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	view = &caseView{Case: c, Code: handed.Code, Until: handed.Expires}
	return rm.page.Show(w, r, http.StatusOK, "handed", "pass.handed_title", view)
}

// endWith ends a request or a pass; what is over already is answered alike.
func (rm *Room) endWith(w http.ResponseWriter, r *http.Request, done string, end func(context.Context, *store.Tx, *session.Visit, Case) error) error {
	err := rm.decide(r, end)
	if errors.Is(err, store.ErrNone) {
		return page.See(w, r.URL.Path)
	}
	if err != nil {
		return err
	}
	rm.Wake()
	return page.See(w, r.URL.Path+"?done="+done)
}

func (rm *Room) endRequest(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) error {
	if err := closeAsked(ctx, tx, c.Ref, v.Ref.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, rm.Keys, entry(v, c.Ref, "account:pass:unasked", map[string]string{"ticket": string(c.Request.Ticket)}))
}
