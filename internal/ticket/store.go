package ticket

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// number takes the next number of the portal.
func number(ctx context.Context, tx *store.Tx) (n Number, err error) {
	err = tx.QueryRow(ctx, `update ticket_counter set latest = latest + 1 where id = 1 returning latest`).Scan(&n)
	return n, err
}

// insert writes a ticket; store.ErrTaken when this form has made one already.
func insert(ctx context.Context, tx *store.Tx, t Ticket, form string, day int64) error {
	n, err := tx.Exec(ctx, `insert into ticket (number, organization_id, holder_id, author_name, author_email, author_key, language,
			category, service, kind, urgency, summary, form, state, version, opened_at, opened_day, changed_at, due_at,
			assigned_to, assigned_by, answered_by, closed_by, about_organization, about_holder)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'open', 1, $14, $15, $16, $17, '', '', '', '', '', '')
		on conflict (organization_id, holder_id, form) do nothing`,
		int64(t.Number), t.Organization, t.Author.ID, t.Author.Name, t.Author.Email, t.AuthorKey, t.Language,
		t.Category, t.Service, t.Kind, string(t.Urgency), t.Summary, form, store.Micros(tx.Now()), day, store.Micros(tx.Now()), t.due())
	if err == nil && n == 0 {
		return store.ErrTaken
	}
	if err != nil {
		return fmt.Errorf("ticket: %w", err)
	}
	return nil
}

// madeBy is the ticket that a form of somebody has made; store.ErrNone when none.
func madeBy(ctx context.Context, r store.Reader, author account.Ref, form string) (n Number, err error) {
	err = r.QueryRow(ctx, `select number from ticket where organization_id = $1 and holder_id = $2 and form = $3`,
		author.Organization, author.ID, form).Scan(&n)
	return n, err
}

const ticketText = `select t.number, t.organization_id, t.holder_id, t.author_name, t.author_email, t.author_key, t.language,
		t.category, t.service, t.kind, t.urgency, t.summary, t.state, t.version, t.opened_at, t.changed_at, t.due_at,
		t.assigned_to, coalesce(p.name, ''), t.answered_at, t.answered_by, t.closed_at, t.closed_by, t.about_organization, t.about_holder
	from ticket t left join operator p on p.id = t.assigned_to`

// nothingDue stands behind all that is due, where no hours are set.
var nothingDue = time.Unix(1<<40, 0).UTC()

// due is when a ticket is due as it is kept.
func (t Ticket) due() any {
	if t.State == Open && t.Due.IsZero() {
		return store.Micros(nothingDue)
	}
	return store.When(t.Due)
}

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner, more ...any) (t Ticket, err error) {
	var opened, changed, due, answered, closed store.Instant
	err = row.Scan(append([]any{&t.Number, &t.Organization, &t.Audience.Author, &t.Author.Name, &t.Author.Email, &t.AuthorKey, &t.Language,
		&t.Category, &t.Service, &t.Kind, &t.Urgency, &t.Summary, &t.State, &t.Version, &opened, &changed, &due,
		&t.AssignedTo, &t.AssignedName, &answered, &t.AnsweredBy, &closed, &t.ClosedBy, &t.About.Organization, &t.About.ID}, more...)...)
	t.Author.Ref = account.Ref{Organization: t.Organization, ID: t.Audience.Author}
	t.Opened, t.Changed, t.Answered, t.Closed = opened.Time, changed.Time, answered.Time, closed.Time
	if t.State == Open && due.Time.Before(nothingDue) {
		t.Due = due.Time
	}
	if s, ok := ServiceOf(t.Category, t.Service); ok {
		t.Shared = s.Shared
	}
	return t, err
}

// Person is somebody whom a ticket's letters reach.
type Person struct {
	account.Ref
	Name, Email string
	Language    phrase.Lang
	Zone        string
	Contact     bool // named by somebody; not so: the author
	Stands      bool // neither the account nor the organization is suspended
}

// Case is a ticket with its people: the author's account, where it still is, and
// the contacts.
type Case struct {
	Ticket
	OrganizationName string
	People           []Person
	AboutName        string // of the account that it concerns, or whose address its author typed
	AboutEmail       string
	AboutWhere       string // its organization
	AboutAdmin       bool
	Linked           bool      // an operator said whom it concerns
	PassGiven        time.Time // the latest pass given to it against this ticket
}

// Guessed says whether the account is found by the typed address alone.
func (c Case) Guessed() bool { return !c.Linked && c.Author.ID == "" }

// Find is a ticket by its number, for who may see all of them; store.ErrNone when
// there is none.
func Find(ctx context.Context, r store.Reader, n Number) (Case, error) { return find(ctx, r, n) }

// find is a ticket by its number, whosever it is: WhoIs decides by what it learns.
// store.ErrNone when there is none.
func find(ctx context.Context, r store.Reader, n Number) (c Case, err error) {
	rows, err := r.Query(ctx, `select t.number, t.organization_id, t.holder_id, t.author_name, t.author_email, t.author_key, t.language,
			t.category, t.service, t.kind, t.urgency, t.summary, t.state, t.version, t.opened_at, t.changed_at, t.due_at,
			t.assigned_to, coalesce(p.name, ''), t.answered_at, t.answered_by, t.closed_at, t.closed_by,
			coalesce(b.organization_id, ''), coalesce(b.id, ''),
			coalesce(o.name, ''), coalesce(b.name, ''), coalesce(b.email, ''), coalesce(q.name, ''), coalesce(b.authority = 'portal_admin', false),
			t.about_holder <> '',
			(select max(g.created_at) from pass g where g.organization_id = b.organization_id and g.holder_id = b.id
				and g.ticket = 'T-' || cast(t.number as text)),
			coalesce(r.contact, false), coalesce(a.id, ''), coalesce(a.name, ''), coalesce(a.email, ''), coalesce(a.language, ''), coalesce(a.time_zone, ''),
			a.suspended_at is null and o.suspended_at is null
		from ticket t
			left join operator p on p.id = t.assigned_to
			left join organization o on o.id = t.organization_id
			left join address k on t.about_holder = '' and k.address_key = t.author_key
			left join account b on b.organization_id = coalesce(k.organization_id, case when t.about_holder = '' then t.organization_id else t.about_organization end)
				and b.id = coalesce(k.holder_id, case when t.about_holder = '' then t.holder_id else t.about_holder end)
			left join organization q on q.id = b.organization_id
			left join ticket_reader r on r.number = t.number and r.holder_id <> ''
			left join account a on a.organization_id = r.organization_id and a.id = r.holder_id
		where t.number = $1 order by a.name, a.id`, int64(n))
	if err != nil {
		return Case{}, fmt.Errorf("ticket: %w", err)
	}
	defer rows.Close()
	err = store.ErrNone
	for rows.Next() {
		var p Person
		var language string
		var given store.Instant
		people := c.People
		var one Case
		one.Ticket, err = scan(rows, &one.OrganizationName, &one.AboutName, &one.AboutEmail, &one.AboutWhere, &one.AboutAdmin, &one.Linked, &given,
			&p.Contact, &p.ID, &p.Name, &p.Email, &language, &p.Zone, &p.Stands)
		if err != nil {
			return Case{}, fmt.Errorf("ticket: %w", err)
		}
		one.PassGiven = given.Time
		c, c.People = one, people
		if p.ID == "" {
			continue // the reader's account is gone, or there is none
		}
		p.Organization = c.Organization
		p.Language, _ = phrase.Parse(language)
		c.People = append(c.People, p)
	}
	for _, p := range c.People {
		if p.Contact {
			c.Contacts = append(c.Contacts, p.ID)
		}
	}
	if err == nil {
		err = rows.Err()
	}
	return c, err
}

// read adds somebody who sees a ticket; the empty holder is everybody of the
// organization. Who sees it already does so as before.
func read(ctx context.Context, tx *store.Tx, t Ticket, holder string, contact bool) (added bool, err error) {
	n, err := tx.Exec(ctx, `insert into ticket_reader (organization_id, holder_id, number, state, contact) values ($1, $2, $3, $4, $5)
		on conflict (organization_id, holder_id, number) do nothing`, t.Organization, holder, int64(t.Number), string(t.State), contact)
	return n > 0, err
}

// unread removes a contact.
func unread(ctx context.Context, tx *store.Tx, t Ticket, holder string) (removed bool, err error) {
	n, err := tx.Exec(ctx, `delete from ticket_reader where organization_id = $1 and holder_id = $2 and number = $3 and contact`,
		t.Organization, holder, int64(t.Number))
	return n > 0, err
}

// accountsAt are the accounts of an organization at some addresses, in their
// canonical form, by that.
func accountsAt(ctx context.Context, r store.Reader, organization string, keys []string) (map[string]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := []any{organization}
	for _, key := range keys {
		args = append(args, key)
	}
	rows, err := r.Query(ctx, `select email_key, id from account where organization_id = $1 and email_key in (`+list(2, len(keys))+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var key, id string
		if err := rows.Scan(&key, &id); err != nil {
			return nil, err
		}
		found[key] = id
	}
	return found, rows.Err()
}

// list is $2, $3, … for so many parameters from one on.
func list(from, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("$%d", from+i)
	}
	return strings.Join(names, ", ")
}

// Entry is one contribution to a thread.
type Entry struct {
	ID     string
	Kind   string // question, comment, answer, note, closed
	By     account.Ref
	ByName string
	Text   string
	At     time.Time
	ByMail bool // nobody was signed in: who it is of is what the mail says
	Files  []File
}

// say writes an entry; false when this form has written one already.
func say(ctx context.Context, tx *store.Tx, t Ticket, e Entry, form string) (bool, error) {
	n, err := tx.Exec(ctx, `insert into ticket_entry (id, organization_id, number, kind, by_organization, by_holder, by_name, text, form, at, by_mail)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (number, by_holder, form) do nothing`,
		e.ID, t.Organization, int64(t.Number), e.Kind, e.By.Organization, e.By.ID, e.ByName, e.Text, form, store.Micros(tx.Now()), e.ByMail)
	if err != nil {
		return false, fmt.Errorf("ticket entry: %w", err)
	}
	return n > 0, nil
}

// said says whether a form of somebody has written an entry of a ticket.
func said(ctx context.Context, r store.Reader, n Number, holder, form string) (found bool, err error) {
	err = r.QueryRow(ctx, `select count(*) > 0 from ticket_entry where organization_id = (select organization_id from ticket where number = $1)
		and number = $2 and by_holder = $3 and form = $4`, int64(n), int64(n), holder, form).Scan(&found)
	return found, err
}

// thread are a ticket's entries, the oldest first, with their attachments; without
// the notes for who is not of the desk.
func thread(ctx context.Context, r store.Reader, t Ticket, notes bool) (entries []Entry, err error) {
	rows, err := r.Query(ctx, `select e.id, e.kind, e.by_organization, e.by_holder, e.by_name, e.text, e.at, e.by_mail,
			coalesce(f.id, ''), coalesce(f.name, ''), coalesce(f.media, ''), coalesce(f.size, 0)
		from ticket_entry e left join attachment f on f.number = e.number and f.entry_id = e.id
		where e.organization_id = $1 and e.number = $2 and (e.kind <> 'note' or $3) order by e.id, f.id`,
		t.Organization, int64(t.Number), notes)
	if err != nil {
		return nil, fmt.Errorf("ticket thread: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var f File
		var at store.Instant
		if err := rows.Scan(&e.ID, &e.Kind, &e.By.Organization, &e.By.ID, &e.ByName, &e.Text, &at, &e.ByMail, &f.ID, &f.Name, &f.Media, &f.Size); err != nil {
			return nil, err
		}
		e.At = at.Time
		if len(entries) == 0 || entries[len(entries)-1].ID != e.ID {
			entries = append(entries, e)
		}
		if f.ID != "" {
			last := &entries[len(entries)-1]
			last.Files = append(last.Files, f)
		}
	}
	return entries, rows.Err()
}

// move writes where a ticket stands now, if its thread is still as version says;
// store.ErrNone when it went on meanwhile.
func move(ctx context.Context, tx *store.Tx, t Ticket, version int64, days days) error {
	n, err := tx.Exec(ctx, `update ticket set state = $1, version = version + 1, changed_at = $2, due_at = $3,
			answered_at = $4, answered_by = $5, answered_day = coalesce(answered_day, $6), answer_took = coalesce(answer_took, $7),
			closed_at = $8, closed_by = $9, closed_day = $10
		where organization_id = $11 and number = $12 and version = $13`,
		string(t.State), store.Micros(tx.Now()), t.due(), store.When(t.Answered), t.AnsweredBy, days.answered, days.took,
		store.When(t.Closed), t.ClosedBy, days.closed, t.Organization, int64(t.Number), version)
	if err != nil {
		return fmt.Errorf("ticket: %w", err)
	}
	if n == 0 {
		return store.ErrNone
	}
	_, err = tx.Exec(ctx, `update ticket_reader set state = $1 where organization_id = $2 and number = $3 and state <> $4`,
		string(t.State), t.Organization, int64(t.Number), string(t.State))
	return err
}

// days are what statistics count by: each null where nothing of it happened.
type days struct{ answered, took, closed any }

// index notes the pairs of a text, each once, in one statement: they are cut out of
// one value, since engines differ in how they take many.
func index(ctx context.Context, tx *store.Tx, n Number, text string) error {
	pairs := Pairs(text, mostPairs)
	if len(pairs) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `insert into ticket_pair (pair, number)
		with recursive each (i) as (select 0 union all select i + 1 from each where i + 1 < $1)
		select substr(cast($2 as text), 1 + 2 * i, 2), cast($3 as bigint) from each where true on conflict (pair, number) do nothing`,
		len(pairs), strings.Join(pairs, ""), int64(n))
	if err != nil {
		return fmt.Errorf("ticket search: %w", err)
	}
	return nil
}

// assign hands a ticket to an operator, if it is still with whom it was.
func assign(ctx context.Context, tx *store.Tx, t Ticket, to, by string) error {
	n, err := tx.Exec(ctx, `update ticket set assigned_to = $1, assigned_at = $2, assigned_by = $3
		where organization_id = $4 and number = $5 and assigned_to = $6`, to, store.Micros(tx.Now()), by, t.Organization, int64(t.Number), t.AssignedTo)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// concern links a ticket to the account that it is about.
func concern(ctx context.Context, tx *store.Tx, t Ticket, about account.Ref) error {
	_, err := tx.Exec(ctx, `update ticket set about_organization = $1, about_holder = $2 where organization_id = $3 and number = $4`,
		about.Organization, about.ID, t.Organization, int64(t.Number))
	return err
}

// remove deletes a ticket with all that belongs to it.
func remove(ctx context.Context, tx *store.Tx, t Ticket, entries []Entry) error {
	for _, e := range entries {
		pairs := Pairs(e.Text, mostPairs)
		if e.Kind == "question" {
			pairs = append(pairs, Pairs(t.Summary, mostPairs)...)
		}
		if len(pairs) == 0 {
			continue
		}
		// By the key's first column: a list of one ticket's pairs is kept nowhere.
		_, err := tx.Exec(ctx, `delete from ticket_pair where number = $1 and pair in (
				with recursive each (i) as (select 0 union all select i + 1 from each where i + 1 < $2)
				select substr(cast($3 as text), 1 + 2 * i, 2) from each)`, int64(t.Number), len(pairs), strings.Join(pairs, ""))
		if err != nil {
			return fmt.Errorf("ticket search: %w", err)
		}
	}
	n, err := tx.Exec(ctx, `delete from ticket where organization_id = $1 and number = $2`, t.Organization, int64(t.Number))
	if err == nil && n == 0 {
		return store.ErrNone
	}
	return err
}

// isNone says that a row was not there.
func isNone(err error) bool { return errors.Is(err, store.ErrNone) }
