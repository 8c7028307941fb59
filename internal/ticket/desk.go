package ticket

import (
	"context"
	"errors"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/config"
	"nidan/internal/fault"
	"nidan/internal/hours"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// HelpDesk does what is done with tickets, from a page, a mail or the contact form:
// each deed in the caller's transaction, with its record and its letters.
type HelpDesk struct {
	Keys    *secret.Keys
	Site    *page.Site
	Address string       // of the portal, with or without its scheme
	Hours   config.Hours // in which answers are due
	Replies *Replies     // nil: answers by mail are not read
}

// By is who does something. The zero By is somebody without a proved account.
type By struct {
	account.Ref
	Name    string
	Actor   audit.Actor
	Network string
}

// Visitor is the one who is signed in.
func Visitor(v *session.Visit) By {
	return By{Ref: v.Ref, Name: v.Person.Name, Actor: v.Actor(), Network: v.From}
}

// Asked is a ticket as it is asked for.
type Asked struct {
	By          By
	Email       string // of who has no account
	Language    string
	Category    string
	Service     string
	Kind        string
	Urgency     Urgency
	Summary     string
	Detail      string
	Contacts    []string // account ids of the author's organization
	Form        string   // one form makes one ticket, however often it is sent
	Attachments []string // ids, of those kept under this form
	Quiet       bool     // nobody is told that it was received
	ByMail      bool
}

// Refusals a person meets.
var (
	errUnknown = fault.New(fault.NotFound, "ticket.unknown")
	errClosed  = fault.New(fault.Invalid, "ticket.is_closed")
	// errChanged says that the thread went on since the form was shown: nothing was
	// done, and the form comes again with what is new.
	errChanged = errors.New("the ticket went on meanwhile")
)

// calendar is business time as it stands now.
func (d *HelpDesk) calendar(ctx context.Context, r store.Reader, now time.Time) (hours.Calendar, error) {
	special, err := hours.ReadSpecial(ctx, r, hours.DayOf(now, d.Site.House).Plus(-400))
	return hours.Calendar{Hours: d.Hours, Zone: d.Site.House, Special: special}, err
}

// Open makes a ticket; the same form again answers the one it made.
func (d *HelpDesk) Open(ctx context.Context, tx *store.Tx, n Asked) (Number, error) {
	if made, err := madeBy(ctx, tx, n.By.Ref, n.Form); !isNone(err) {
		return made, errors.Join(err, dropFiles(ctx, tx, n.By.Organization, n.Attachments))
	}
	service, ok := ServiceOf(n.Category, n.Service)
	if !ok || n.Summary == "" || n.Form == "" || n.By.IsOperator() {
		return 0, errors.New("ticket: not a ticket that can be opened")
	}
	cal, err := d.calendar(ctx, tx, tx.Now())
	if err != nil {
		return 0, err
	}
	t := Ticket{Audience: Audience{Organization: n.By.Organization, Shared: service.Shared, Author: n.By.ID}, State: Open,
		Author: Author{Ref: n.By.Ref, Name: n.By.Name, Email: n.Email}, AuthorKey: account.Key(n.Email), Language: n.Language,
		Category: n.Category, Service: n.Service, Kind: n.Kind, Urgency: n.Urgency, Summary: n.Summary,
		Due: cal.Add(tx.Now(), n.Urgency.Promise())}
	if t.Number, err = number(ctx, tx); err != nil {
		return 0, err
	}
	if err := insert(ctx, tx, t, n.Form, hours.DayOf(tx.Now(), d.Site.House).Number()); err != nil {
		return 0, err
	}
	return t.Number, d.begin(ctx, tx, t, n)
}

// begin writes what a new ticket consists of beside its row.
func (d *HelpDesk) begin(ctx context.Context, tx *store.Tx, t Ticket, n Asked) error {
	e := Entry{ID: secret.ID(), Kind: "question", By: n.By.Ref, ByName: n.By.Name, Text: n.Detail, ByMail: n.ByMail}
	if _, err := say(ctx, tx, t, e, n.Form); err != nil {
		return err
	}
	if err := index(ctx, tx, t.Number, t.Summary+"\n"+n.Detail); err != nil {
		return err
	}
	if t.Organization != "" {
		if _, err := read(ctx, tx, t, n.By.ID, false); err != nil {
			return err
		}
		if t.Shared {
			if _, err := read(ctx, tx, t, "", false); err != nil {
				return err
			}
		}
	}
	for _, id := range n.Contacts {
		if _, err := read(ctx, tx, t, id, true); err != nil {
			return err
		}
	}
	if err := claim(ctx, tx, t, e.ID, n.By.Ref, n.Form, n.Attachments); err != nil {
		return err
	}
	if err := d.note(ctx, tx, t, n.By, "opened"); err != nil {
		return err
	}
	c, err := find(ctx, tx, t.Number)
	if err != nil || n.Quiet {
		return err
	}
	return d.tell(ctx, tx, c, "received", account.Ref{}, "")
}

// note writes the one record of a deed, into the chain of the ticket's organization.
func (d *HelpDesk) note(ctx context.Context, tx *store.Tx, t Ticket, by By, what string, more ...string) error {
	detail := map[string]string{"category": t.Category, "service": t.Service}
	for i := 0; i+1 < len(more); i += 2 {
		detail[more[i]] = more[i+1]
	}
	chain := t.Organization
	if chain == "" {
		chain = audit.Operators
	}
	return audit.Record(ctx, tx, d.Keys, audit.Entry{Chain: chain, Act: "help:ticket:" + what, Actor: by.Actor,
		Subject: t.Number.String(), Network: by.Network, Detail: detail})
}

// Said is a contribution to a thread.
type Said struct {
	By          By
	Text        string
	Version     int64 // of the thread as its writer has seen it; zero: he has not, as by mail
	Form        string
	Attachments []string
	Proved      bool // by a signed letter that he answers to: somebody without an account who is the author
	ByMail      bool
}

// way is how it came, for the record.
func (s Said) way() []string {
	if s.ByMail {
		return []string{"by", "mail"}
	}
	return nil
}

// Comment adds what a customer says; it opens an answered ticket again.
func (d *HelpDesk) Comment(ctx context.Context, tx *store.Tx, n Number, s Said) error {
	return d.do(ctx, tx, n, Comment, s)
}

// Answer adds what the desk says; the ticket then waits for the customer.
func (d *HelpDesk) Answer(ctx context.Context, tx *store.Tx, n Number, s Said) error {
	return d.do(ctx, tx, n, Answer, s)
}

// Close ends a ticket; a text is the last word.
func (d *HelpDesk) Close(ctx context.Context, tx *store.Tx, n Number, s Said) error {
	return d.do(ctx, tx, n, Close, s)
}

// Note adds what operators write for each other.
func (d *HelpDesk) Note(ctx context.Context, tx *store.Tx, n Number, s Said) error {
	return d.do(ctx, tx, n, Note, s)
}

// Link says which account a ticket concerns, by its address in the canonical form: the
// record stands in the chain of that person's organization and names the ticket.
func (d *HelpDesk) Link(ctx context.Context, tx *store.Tx, c Case, by By, key string) error {
	ref, err := account.Holder(ctx, tx, key)
	if isNone(err) || err == nil && ref.IsOperator() {
		return fault.Field("person", "ticket.person_unknown")
	}
	if err != nil || ref == c.About && c.Linked {
		return err
	}
	if err := concern(ctx, tx, c.Ticket, ref); err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.Keys, audit.Entry{Chain: ref.Organization, Act: "account:ticket:linked", Actor: by.Actor,
		Subject: ref.ID, Network: by.Network, Detail: map[string]string{"ticket": c.Number.String()}})
}

// do does an act on a ticket, once for each form.
func (d *HelpDesk) do(ctx context.Context, tx *store.Tx, n Number, a Act, s Said) error {
	c, who, err := d.before(ctx, tx, n, s)
	if err != nil {
		return err
	}
	e := Entry{ID: secret.ID(), Kind: kindOf[a], By: s.By.Ref, ByName: s.By.Name, Text: s.Text, ByMail: s.ByMail}
	if fresh, err := say(ctx, tx, c.Ticket, e, s.Form); err != nil {
		return err
	} else if !fresh { // this form was sent before, and all of it is done
		return dropFiles(ctx, tx, c.Organization, s.Attachments)
	}
	next, ok := Next(c.State, a, who)
	switch {
	case s.Version != 0 && s.Version != c.Version && a != Note:
		return errChanged
	case !ok && c.State == Closed:
		return errClosed
	case !ok:
		return errUnknown
	}
	if a == Note {
		return d.note(ctx, tx, c.Ticket, s.By, "noted")
	}
	if err := d.moved(ctx, tx, &c.Ticket, a, next, s.By); err != nil {
		return err
	}
	if err := index(ctx, tx, n, s.Text); err != nil {
		return err
	}
	if err := claim(ctx, tx, c.Ticket, e.ID, s.By.Ref, s.Form, s.Attachments); err != nil {
		return err
	}
	if err := d.note(ctx, tx, c.Ticket, s.By, pastOf[a], s.way()...); err != nil {
		return err
	}
	return d.tell(ctx, tx, c, pastOf[a], s.By.Ref, s.Text)
}

// kindOf is the entry that an act writes, and pastOf what records and letters call it.
var (
	kindOf = map[Act]string{Comment: "comment", Answer: "answer", Note: "note", Close: "closed"}
	pastOf = map[Act]string{Comment: "commented", Answer: "answered", Close: "closed"}
)

// before is a ticket as it stands before an act, and as what somebody acts; a ticket
// he does not see is like one that never was.
func (d *HelpDesk) before(ctx context.Context, tx *store.Tx, n Number, s Said) (Case, Who, error) {
	c, err := find(ctx, tx, n)
	if isNone(err) {
		return Case{}, Nobody, errUnknown
	}
	if err != nil {
		return Case{}, Nobody, err
	}
	who := WhoIs(s.By.Ref, c.Audience)
	if s.Proved && c.Organization == "" && s.By.ID == "" {
		who = Customer
	}
	if who == Nobody {
		return Case{}, Nobody, errUnknown
	}
	return c, who, nil
}

// moved brings a ticket into its next state, with what is due then.
func (d *HelpDesk) moved(ctx context.Context, tx *store.Tx, t *Ticket, a Act, next State, by By) error {
	now := tx.Now()
	cal, err := d.calendar(ctx, tx, now)
	if err != nil {
		return err
	}
	day, count := hours.DayOf(now, d.Site.House).Number(), days{}
	switch {
	case a == Comment && t.State == Answered:
		t.Due = cal.Add(now, t.Urgency.Promise())
	case a == Answer:
		t.Due = time.Time{}
		if t.Answered.IsZero() {
			t.Answered, t.AnsweredBy = now, by.ID
			count.answered, count.took = day, int64(cal.Between(t.Opened, now)/time.Microsecond)
		}
		if t.AssignedTo == "" {
			if err := assign(ctx, tx, *t, by.ID, by.ID); err != nil {
				return err
			}
		}
	case a == Close:
		t.Due, t.Closed, t.ClosedBy, count.closed = time.Time{}, now, by.Name, day
	}
	t.State = next
	if err := move(ctx, tx, *t, t.Version, count); isNone(err) {
		return errChanged
	} else if err != nil {
		return err
	}
	return nil
}
