package ticket

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

type ticketView struct {
	page.View
	Case
	Entries   []Entry
	Desk      bool
	Me        account.Ref
	Form      string
	Text      string // typed and not sent
	Files     []File // kept and not sent
	Limits    string
	Contact   string // an address typed
	Person    string // an address typed
	Templates []page.Option
	News      int64 // the version that was seen before the form was sent; 0: nothing is new
	Left      time.Duration
	Late      bool
}

// Base is where the ticket's pages are, for whom they are shown to.
func (v *ticketView) Base() string {
	if v.Desk {
		return "/operator/tickets/" + v.Number.String()
	}
	return "/tickets/" + v.Number.String()
}

// Ends says whether a customer or an operator may still close it.
func (v *ticketView) Ends() bool { return v.State != Closed }

// AuthorMail is the address of the author: of an account what it is now.
func (v *ticketView) AuthorMail() string {
	if v.Author.Email != "" {
		return v.Author.Email
	}
	for _, p := range v.People {
		if !p.Contact {
			return p.Email
		}
	}
	return ""
}

// New says whether an entry came after what was seen, in order from the first.
func (v *ticketView) New(i int) bool {
	shown := int64(0)
	for _, e := range v.Entries[:i+1] {
		if e.Kind != "note" {
			shown++
		}
	}
	return v.News > 0 && v.Entries[i].Kind != "note" && shown > v.News
}

// see is a ticket as this visitor may see it; any other is like one that never was.
func (rm *Room) see(ctx context.Context, r store.Reader, req *http.Request) (Case, Who, error) {
	n, ok := ParseNumber(req.PathValue("id"))
	if !ok {
		return Case{}, Nobody, errUnknown
	}
	c, err := find(ctx, r, n)
	if isNone(err) {
		return Case{}, Nobody, errUnknown
	}
	if err != nil {
		return Case{}, Nobody, err
	}
	who := WhoIs(session.Of(req.Context()).Ref, c.Audience)
	if who == Nobody {
		return Case{}, Nobody, errUnknown
	}
	return c, who, nil
}

// show is a ticket with its thread. An operator who follows a customer's address is
// sent on to the desk's.
func (rm *Room) show(w http.ResponseWriter, r *http.Request) error {
	c, who, err := rm.see(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	view := &ticketView{Case: c, Desk: who == Desk, Form: secret.ID()}
	if view.Desk && r.URL.Path == "/tickets/"+r.PathValue("id") {
		return page.See(w, view.Base())
	}
	switch asked := r.URL.Query().Get("done"); asked {
	case "created", "comment", "close", "answer", "note", "tell", "untell", "assigned", "linked":
		view.Notice = rm.Site.Speak(r).T("ticket.done_"+asked, "ticket", c.Number.String())
	}
	return rm.showCase(w, r, http.StatusOK, view)
}

func (rm *Room) showCase(w http.ResponseWriter, r *http.Request, status int, view *ticketView) (err error) {
	view.Me = session.Of(r.Context()).Ref
	if view.Entries, err = thread(r.Context(), rm.DB, view.Ticket, view.Desk); err != nil {
		return err
	}
	page.Connect(w)
	say := rm.Site.Speak(r)
	view.Limits = limits(say)
	if view.Desk {
		cal, err := rm.calendar(r.Context())
		if err != nil {
			return err
		}
		now := rm.Site.Now()
		view.Late = !view.Due.IsZero() && now.After(view.Due)
		view.Left = cal.Between(now, view.Due).Abs().Round(time.Minute)
		list, err := templates(r.Context(), rm.DB)
		if err != nil {
			return err
		}
		view.Templates = templateOptions(list)
		if view.Person == "" && view.Guessed() {
			view.Person = view.AboutEmail
		}
		if view.Text == "" {
			view.Text = fromTemplate(list, r.URL.Query().Get("template"), view.Case)
		}
	}
	return rm.page.Show(w, r, status, "ticket", say.T("ticket.one_title", "ticket", view.Number.String(), "summary", view.Summary), view)
}

// post does what the form says: comment, answer, note, close, name a contact or take
// one back; operators also take the ticket, or link it to a person.
func (rm *Room) post(w http.ResponseWriter, r *http.Request) error {
	c, who, err := rm.see(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	form, err := rm.readSent(w, r, c.Organization, session.Of(r.Context()).Ref)
	if err != nil {
		return err
	}
	return rm.letGo(r.Context(), form, rm.postForm(w, r, form, c.Number, who))
}

func (rm *Room) postForm(w http.ResponseWriter, r *http.Request, form sent, n Number, who Who) (err error) {
	act := form.Text("act")
	switch {
	case act == "tell" || act == "untell":
		err = rm.postTell(r, form.Form, act)
	case who == Desk && act == "assign":
		err = rm.handOver(r, session.Of(r.Context()).Ref.ID)
		act = "assigned"
	case who == Desk && act == "link":
		err = rm.link(r, form.Form)
		act = "linked"
	default:
		act, err = rm.postSaid(r, form, n, who)
	}
	if form.OK() && err == nil {
		rm.Wake()
		return page.See(w, r.URL.Path+"?done="+act)
	}
	f := fault.Of(err)
	switch {
	case errors.Is(err, errChanged):
		form.Fault("", "ticket.went_on")
	case f != nil && f.Kind == fault.Invalid:
		form.Add(f)
	case err != nil:
		return err
	}
	return rm.again(w, r, form)
}

// again shows the ticket as it is now, with what was typed and what is new.
func (rm *Room) again(w http.ResponseWriter, r *http.Request, form sent) error {
	c, who, err := rm.see(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	view := &ticketView{Case: c, Desk: who == Desk, Form: form.Token,
		Text: form.Typed("text"), Contact: form.Typed("contact"), Person: form.Typed("person")}
	if c.State == Closed { // there is no form any more that could name them
		err = letGo(r.Context(), rm.DB, form.organization, form.IDs)
	} else {
		view.Files, err = rm.waiting(r.Context(), form)
	}
	if err != nil {
		return err
	}
	view.Faults = form.Faults()
	if seen := version(form.Form); seen > 0 && seen < c.Version {
		view.News = seen
	}
	return rm.showCase(w, r, http.StatusUnprocessableEntity, view)
}

// version is how far the thread went that the writer of a form has seen; what is
// none is before everything, and never the present one.
func version(form *page.Form) int64 {
	n, err := strconv.ParseInt(form.Typed("version"), 10, 64)
	if err != nil || n <= 0 {
		return -1
	}
	return n
}

// postSaid adds to the thread, or closes the ticket.
func (rm *Room) postSaid(r *http.Request, form sent, n Number, who Who) (done string, err error) {
	act := Act(form.Text("act"))
	if who == Customer && act != Close {
		act = Comment
	}
	if who == Desk && act != Close && act != Note {
		act = Answer
	}
	text := form.Lines("text")
	if text == "" && act != Close && !form.Wrong("text") {
		form.Fault("text", "ticket.text_missing")
	}
	if act == Note && len(form.IDs) > 0 {
		form.Fault("attachment", "ticket.note_files")
	}
	if !form.OK() {
		return "", nil
	}
	v := session.Of(r.Context())
	said := Said{By: Visitor(v), Text: text, Version: version(form.Form), Form: form.Token, Attachments: form.IDs}
	return string(act), rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if who == Customer {
			again, err := limit.Try(ctx, tx, limit.Key{Name: "ticket comment " + v.Ref.ID, Rate: talkative})
			if err != nil {
				return err
			}
			if !again.IsZero() {
				return fault.Wait(again, "ticket.often")
			}
		}
		return rm.Desk.do(ctx, tx, n, act, said)
	})
}

// talkative is how often a customer may add to threads: each tells others by mail.
var talkative = limit.Rate{Burst: 30, Every: time.Minute}

// deed runs do in one transaction that asks the gate again and reads the ticket anew.
func (rm *Room) deed(r *http.Request, do func(ctx context.Context, tx *store.Tx, c Case, who Who, by By) error) error {
	v := session.Of(r.Context())
	return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		c, who, err := rm.see(ctx, tx, r)
		if err != nil {
			return err
		}
		return do(ctx, tx, c, who, Visitor(v))
	})
}

// postTell names a contact, who from then on sees the ticket and is told, or takes
// one back. Twice changes nothing.
func (rm *Room) postTell(r *http.Request, form *page.Form, act string) error {
	keys := readAddresses(form, "contact", form.Need("contact", "ticket.contact_missing"))
	if !form.OK() {
		return nil
	}
	return rm.deed(r, func(ctx context.Context, tx *store.Tx, c Case, who Who, by By) error {
		if _, ok := Next(c.State, Tell, who); !ok {
			return errClosed
		}
		if c.Organization == "" {
			return fault.Field("contact", "ticket.contact_stranger")
		}
		found, err := accountsAt(ctx, tx, c.Organization, keys)
		if err != nil {
			return err
		}
		for _, key := range keys {
			id, ok := found[key]
			if !ok {
				return fault.Field("contact", "ticket.contact_unknown", "address", key)
			}
			if act == "tell" {
				if slices.Contains(c.Contacts, id) {
					continue
				}
				if len(c.Contacts) >= MostTold {
					return fault.Field("contact", "ticket.contacts_many", "n", MostTold)
				}
				if id != c.Author.ID {
					c.Contacts = append(c.Contacts, id)
				}
			}
			if err := rm.tellOne(ctx, tx, c, by, id, act); err != nil {
				return err
			}
		}
		return nil
	})
}

func (rm *Room) tellOne(ctx context.Context, tx *store.Tx, c Case, by By, id, act string) error {
	change, what := func() (bool, error) { return read(ctx, tx, c.Ticket, id, true) }, "told"
	if act == "untell" {
		change, what = func() (bool, error) { return unread(ctx, tx, c.Ticket, id) }, "untold"
	}
	if changed, err := change(); err != nil || !changed {
		return err
	}
	if err := rm.Desk.note(ctx, tx, c.Ticket, by, what, "account", id); err != nil {
		return err
	}
	if act == "untell" {
		return nil
	}
	p, err := account.Find(ctx, tx, account.Ref{Organization: c.Organization, ID: id})
	if err != nil || !p.Suspended.IsZero() {
		return err
	}
	return rm.Desk.letter(ctx, tx, c, "told", Person{Ref: p.Ref, Name: p.Name, Email: p.Email, Language: p.Language, Zone: p.Zone}, "")
}

// file hands an attachment over, a piece at a time, as something to keep and never
// to show: whatever it is, no browser runs it here.
func (rm *Room) file(w http.ResponseWriter, r *http.Request) error {
	c, who, err := rm.see(r.Context(), rm.DB, r)
	if err != nil {
		return err
	}
	f, err := fileOf(r.Context(), rm.DB, c.Ticket, r.PathValue("file"), who == Desk)
	if isNone(err) {
		return errUnknown
	}
	if err != nil {
		return err
	}
	first, err := piece(r.Context(), rm.DB, c.Organization, f.ID, 0)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", f.Media)
	h.Set("Content-Length", strconv.FormatInt(f.Size, 10))
	h.Set("Content-Disposition", disposition(f.Name))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	for seq, bytes := 1, first; ; seq++ {
		page.Patience(w)
		if _, err := w.Write(bytes); err != nil {
			return nil // the client hung up
		}
		bytes, err = piece(r.Context(), rm.DB, c.Organization, f.ID, seq)
		if isNone(err) {
			return nil
		}
		if err != nil {
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		}
	}
}
