package ticket

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// disposition is the header of a file to keep.
func disposition(name string) string {
	if text := mime.FormatMediaType("attachment", map[string]string{"filename": name}); text != "" {
		return text
	}
	return "attachment"
}

// row is a ticket as the queue shows it, with the business time that is left.
type row struct {
	Ticket
	Left time.Duration
	Late bool
}

type queueView struct {
	page.View
	Show  string
	Shows []page.Option
	Typed string
	Short bool
	Few   bool
	Rows  []row
	First string
	Next  string
}

// shows are the parts of the queue.
var shows = []string{"open", "mine", "unassigned", "answered", "closed"}

// queue is what operators work at.
func (rm *Room) queue(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	view := &queueView{Show: shows[0], Typed: clip(query.Get("q"))}
	if n, ok := ParseNumber(view.Typed); ok {
		return page.See(w, "/operator/tickets/"+n.String())
	}
	say := rm.Site.Speak(r)
	for _, one := range shows {
		if query.Get("show") == one {
			view.Show = one
		}
	}
	for _, one := range shows {
		view.Shows = append(view.Shows, page.Option{Value: one, Label: say.T("ticket.show_" + one), Checked: one == view.Show})
	}
	if query.Get("done") == "deleted" {
		view.Notice = say.T("ticket.done_deleted")
	}
	var tickets []Ticket
	var err error
	if view.Typed != "" {
		tickets, err = rm.searched(r, view)
	} else {
		tickets, err = rm.queued(r, view)
	}
	if err != nil {
		return err
	}
	cal, err := rm.calendar(r.Context())
	if err != nil {
		return err
	}
	now := rm.Site.Now()
	for _, t := range tickets {
		one := row{Ticket: t}
		if !t.Due.IsZero() {
			one.Late, one.Left = now.After(t.Due), cal.Between(now, t.Due).Abs().Round(time.Minute)
		}
		view.Rows = append(view.Rows, one)
	}
	return rm.page.Show(w, r, http.StatusOK, "queue", "ticket.queue_title", view)
}

func (rm *Room) searched(r *http.Request, view *queueView) ([]Ticket, error) {
	s := asked(r.URL.Query())
	s.Pairs = Pairs(view.Typed, askedPairs)
	if view.Short = len(s.Pairs) == 0; view.Short {
		return nil, nil
	}
	p, err := found(r.Context(), rm.DB, s, perPage)
	if p.Next > 0 {
		view.Few = len(p.Tickets) < perPage
		view.Next = address("/operator/tickets", "q", view.Typed, "after", strconv.FormatInt(p.Next, 10))
	}
	if s.After > 0 {
		view.First = address("/operator/tickets", "q", view.Typed)
	}
	return p.Tickets, err
}

func (rm *Room) queued(r *http.Request, view *queueView) ([]Ticket, error) {
	query := r.URL.Query()
	q := Queue{Show: view.Show, Me: session.Of(r.Context()).Ref.ID}
	after, _ := strconv.ParseInt(query.Get("after"), 10, 64)
	due, _ := strconv.ParseInt(query.Get("due"), 10, 64)
	q.After = Place{Due: store.Time(due), Number: Number(after)}
	tickets, err := queue(r.Context(), rm.DB, q, perPage)
	if after > 0 {
		view.First = address("/operator/tickets", "show", view.Show)
	}
	if len(tickets) == perPage {
		last := tickets[perPage-1]
		due := ""
		if micros, ok := last.due().(int64); ok {
			due = strconv.FormatInt(micros, 10)
		}
		view.Next = address("/operator/tickets", "show", view.Show, "after", strconv.FormatInt(int64(last.Number), 10), "due", due)
	}
	return tickets, err
}

// handOver gives a ticket to an operator; the empty id is to nobody.
func (rm *Room) handOver(r *http.Request, to string) error {
	return rm.deed(r, func(ctx context.Context, tx *store.Tx, c Case, _ Who, by By) error {
		if c.AssignedTo == to {
			return nil
		}
		if to != "" {
			if o, err := operator.Get(ctx, tx, to); isNone(err) || err == nil && !o.Removed.IsZero() {
				return fault.Field("to", "ticket.assign_missing")
			} else if err != nil {
				return err
			}
		}
		if err := assign(ctx, tx, c.Ticket, to, by.ID); err != nil {
			return err
		}
		return rm.Desk.note(ctx, tx, c.Ticket, by, "assigned", "from", c.AssignedTo, "to", to)
	})
}

type assignView struct {
	page.View
	Ticket
	Operators []page.Option
}

func (rm *Room) showAssign(w http.ResponseWriter, r *http.Request) error {
	return rm.assigning(w, r, http.StatusOK, nil)
}

func (rm *Room) assigning(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault) error {
	c, _, err := rm.see(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	staff, err := operator.All(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view := &assignView{Ticket: c.Ticket}
	view.Operators = []page.Option{{Value: "", Label: rm.Site.Speak(r).T("ticket.nobody"), Checked: c.AssignedTo == ""}}
	for _, o := range staff {
		view.Operators = append(view.Operators, page.Option{Value: o.ID, Label: o.Name, Checked: o.ID == c.AssignedTo})
	}
	view.Faults = faults
	return rm.page.Show(w, r, status, "assign", "ticket.assign_title", view)
}

func (rm *Room) postAssign(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	err = rm.handOver(r, form.Text("to"))
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
		return rm.assigning(w, r, http.StatusUnprocessableEntity, []*fault.Fault{f})
	}
	if err != nil {
		return err
	}
	return page.See(w, "/operator/tickets/"+r.PathValue("id")+"?done=assigned")
}

// link says whom a ticket concerns, by the address.
func (rm *Room) link(r *http.Request, form *page.Form) error {
	key := account.Key(form.Need("person", "ticket.person_missing"))
	if form.OK() && key == "" {
		form.Fault("person", "ticket.person_unknown")
	}
	if !form.OK() {
		return nil
	}
	return rm.deed(r, func(ctx context.Context, tx *store.Tx, c Case, _ Who, by By) error {
		return rm.Desk.Link(ctx, tx, c, by, key)
	})
}

type deleteView struct {
	page.View
	Ticket
	Entries int
	Files   int
}

// showDelete asks whether a ticket is to go with all that belongs to it.
func (rm *Room) showDelete(w http.ResponseWriter, r *http.Request) error {
	c, _, err := rm.see(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	entries, err := thread(r.Context(), rm.DB, c.Ticket, true)
	if err != nil {
		return err
	}
	view := &deleteView{Ticket: c.Ticket, Entries: len(entries)}
	for _, e := range entries {
		view.Files += len(e.Files)
	}
	return rm.page.Show(w, r, http.StatusOK, "delete", rm.Site.Speak(r).T("ticket.delete_title", "ticket", c.Number.String()), view)
}

func (rm *Room) postDelete(w http.ResponseWriter, r *http.Request) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	err := rm.deed(r, func(ctx context.Context, tx *store.Tx, c Case, _ Who, by By) error {
		entries, err := thread(ctx, tx, c.Ticket, true)
		if err != nil {
			return err
		}
		if err := remove(ctx, tx, c.Ticket, entries); err != nil {
			return err
		}
		return rm.Desk.note(ctx, tx, c.Ticket, by, "deleted")
	})
	if err != nil {
		return err
	}
	return page.See(w, "/operator/tickets?done=deleted")
}
