package ticket

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// often is how many tickets an account may open: more than anybody asks by hand.
var often = limit.Rate{Burst: 20, Every: 3 * time.Minute}

// group are the services of one category, for choosing.
type group struct {
	Label   string
	Options []page.Option
}

type newView struct {
	page.View
	Form       string
	Categories []page.Option
	Services   []group
	Kinds      []page.Option
	Urgencies  []page.Option
	Summary    string
	Detail     string
	Contacts   string
	Files      []File
	Limits     string
}

// typedNew is a ticket as somebody types it.
type typedNew struct {
	category, service, kind, urgency, summary, detail, contacts string
}

func (rm *Room) showNew(w http.ResponseWriter, r *http.Request) error {
	if session.Of(r.Context()).Operator() {
		return page.See(w, "/operator/tickets")
	}
	query := r.URL.Query()
	return rm.showTyped(w, r, http.StatusOK, &newView{Form: secret.ID()},
		typedNew{category: query.Get("category"), service: query.Get("service"), kind: query.Get("kind")})
}

func (rm *Room) showTyped(w http.ResponseWriter, r *http.Request, status int, view *newView, t typedNew) error {
	say := rm.Site.Speak(r)
	option := func(name, value, chosen string) page.Option {
		return page.Option{Value: value, Label: say.T("ticket." + name + "_" + strings.ReplaceAll(value, "-", "_")), Checked: value == chosen}
	}
	view.Categories = []page.Option{{Label: say.T("ticket.choose")}}
	for _, name := range Categories() {
		view.Categories = append(view.Categories, option("category", name, t.category))
		of := group{Label: say.T("ticket.category_" + name)}
		for _, s := range Services {
			if s.Category == name {
				one := option("service", s.Name, t.service)
				one.Checked = one.Checked && (t.category == name || t.category == "")
				of.Options = append(of.Options, one)
			}
		}
		view.Services = append(view.Services, of)
	}
	view.Kinds = []page.Option{{Label: say.T("ticket.choose")}}
	for _, kind := range Kinds {
		view.Kinds = append(view.Kinds, option("kind", kind, t.kind))
	}
	for _, u := range Urgencies {
		view.Urgencies = append(view.Urgencies, option("urgency", string(u), t.urgency))
	}
	view.Summary, view.Detail, view.Contacts = t.summary, t.detail, t.contacts
	view.Limits = limits(say)
	page.Connect(w)
	return rm.page.Show(w, r, status, "new", "ticket.new_title", view)
}

// limits says what attachments may be.
func limits(say page.Speaker) string {
	return say.T("ticket.files_limits", "each", LargestFile>>20, "n", MostFiles, "all", MostBytes>>20)
}

func (rm *Room) postNew(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	if v.Operator() {
		return errUnknown
	}
	form, err := rm.readSent(w, r, v.Ref.Organization, v.Ref)
	if err != nil {
		return err
	}
	return rm.letGo(r.Context(), form, rm.makeNew(w, r, form))
}

// makeNew makes a ticket of a form, or shows it again with what is wrong.
func (rm *Room) makeNew(w http.ResponseWriter, r *http.Request, form sent) (err error) {
	v := session.Of(r.Context())
	t := readNew(form.Form)
	n := Asked{By: Visitor(v), Language: string(v.Person.Language), Category: t.category, Service: t.service, Kind: t.kind, Urgency: Urgency(t.urgency),
		Summary: t.summary, Detail: t.detail, Form: form.Token, Attachments: form.IDs}
	addresses := readAddresses(form.Form, "contacts", t.contacts)
	var made Number
	if form.OK() {
		made, err = rm.open(r, v, n, addresses, form.Form)
		if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
			form.Add(f)
		} else if err != nil {
			return err
		}
	}
	if !form.OK() {
		view := &newView{Form: form.Token}
		if view.Files, err = rm.waiting(r.Context(), form); err != nil {
			return err
		}
		view.Faults = form.Faults()
		t.summary, t.detail, t.contacts = form.Typed("summary"), form.Typed("detail"), form.Typed("contacts")
		return rm.showTyped(w, r, http.StatusUnprocessableEntity, view, t)
	}
	rm.Wake()
	return page.See(w, "/tickets/"+made.String()+"?done=created")
}

// open makes the ticket in one transaction.
func (rm *Room) open(r *http.Request, v *session.Visit, n Asked, addresses []string, form *page.Form) (made Number, err error) {
	err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if made, err = madeBy(ctx, tx, v.Ref, n.Form); !isNone(err) {
			// A second press of the button: what it brought is there already.
			return errors.Join(err, dropFiles(ctx, tx, v.Ref.Organization, n.Attachments))
		}
		if n.Contacts, err = contacts(ctx, tx, v.Ref, addresses); err != nil {
			return err
		}
		again, err := limit.Try(ctx, tx, limit.Key{Name: "ticket " + v.Ref.ID, Rate: often})
		if err != nil {
			return err
		}
		if !again.IsZero() {
			return fault.Wait(again, "ticket.often")
		}
		made, err = rm.Desk.Open(ctx, tx, n)
		return err
	})
	return made, err
}

// contacts are the accounts of an organization at some addresses, without the author.
func contacts(ctx context.Context, r store.Reader, author account.Ref, addresses []string) (ids []string, err error) {
	found, err := accountsAt(ctx, r, author.Organization, addresses)
	if err != nil {
		return nil, err
	}
	for _, key := range addresses {
		id, ok := found[key]
		if !ok {
			return nil, fault.Field("contacts", "ticket.contact_unknown", "address", key)
		}
		if id != author.ID {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// readNew reads a ticket from its form, with what is wrong about it, in the page's order.
func readNew(form *page.Form) (t typedNew) {
	t = typedNew{category: form.Text("category"), service: form.Text("service"), kind: form.Text("kind"), urgency: form.Text("urgency"),
		detail: form.Lines("detail"), contacts: form.Lines("contacts")}
	if !slices.Contains(Categories(), t.category) {
		form.Fault("category", "ticket.category_missing")
	}
	if _, ok := ServiceOf(t.category, t.service); !ok {
		form.Fault("service", "ticket.service_missing")
	}
	if !slices.Contains(Kinds, t.kind) {
		form.Fault("kind", "ticket.kind_missing")
	}
	t.summary = form.Need("summary", "ticket.summary_missing")
	if n := utf8.RuneCountInString(t.summary); n > LongSummary {
		form.Fault("summary", "page.field_long", "n", LongSummary)
	}
	if t.detail == "" && !form.Wrong("detail") {
		form.Fault("detail", "ticket.detail_missing")
	}
	if t.urgency == "" {
		t.urgency = string(Urgencies[0])
	}
	if !slices.Contains(Urgencies, Urgency(t.urgency)) {
		form.Fault("urgency", "ticket.urgency_missing")
	}
	return t
}

// readAddresses reads the addresses of contacts in their canonical form, each once; what
// is wrong stands beside their field.
func readAddresses(form *page.Form, field, text string) (keys []string) {
	for _, one := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \n,;、，；\u3000", c) }) {
		key := account.Key(one)
		if key == "" {
			form.Fault(field, "ticket.contact_address", "address", one)
			return nil
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if len(keys) > MostTold {
		form.Fault(field, "ticket.contacts_many", "n", MostTold)
	}
	return keys
}
