package record

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

type searchView struct {
	page.View
	Rows        []Named
	Acts        []page.Option
	Chain       string
	Actor       string
	Subject     string
	NetworkText string
	Zone        string
	From, Until page.When
	Next, First string
	Exports     []export
	All         bool // nothing is filtered
	said        func(string) string
}

type export struct{ Format, Address string }

// Said says an act to this page's reader.
func (v *searchView) Said(a string) string { return v.said(a) }

// asked reads what is searched for. The faults stand in the view.
func (rm *Room) asked(r *http.Request) (f Filter, view *searchView, err error) {
	form, err := page.Query(r)
	if err != nil {
		return Filter{}, nil, err
	}
	view = &searchView{Chain: form.Text("chain"), Actor: form.Text("actor"), Subject: form.Text("subject"), NetworkText: form.Text("network"),
		said: Say(rm.Site.Book(), rm.Site.Speak(r).Lang)}
	zone := rm.Site.House
	if zone == nil {
		zone = time.UTC
	}
	view.Zone = zone.String()
	if form.Has("zone") {
		view.Zone, zone = form.Text("zone"), form.Zone("zone")
	}
	if form.Has("from") {
		f.From = form.Instant("from", zone)
	}
	if form.Has("until") {
		f.Until = form.Instant("until", zone)
	}
	view.From, view.Until = form.When("from", zone), form.When("until", zone)
	chosen := form.Text("act")
	f.Acts = Matching(rm.acts, chosen)
	view.Acts = rm.options(r, chosen)
	if view.NetworkText != "" {
		text, ok := network(view.NetworkText)
		if f.Network = text; !ok {
			form.Fault("network", "record.network_shape")
		}
	}
	view.All = view.Chain+view.Actor+view.Subject+view.NetworkText+chosen == "" && !form.Has("from") && !form.Has("until")
	if view.Faults = form.Faults(); len(view.Faults) > 0 {
		return f, view, nil
	}
	return f, view, rm.whom(r, &f, view)
}

// whom puts ids for what was typed of people and organizations. What is asked for by
// an address that nobody has chooses nothing.
func (rm *Room) whom(r *http.Request, f *Filter, view *searchView) error {
	f.Actor, f.Subject, f.Chain = view.Actor, view.Subject, view.Chain
	ids := (plainID(view.Actor) || !isAddress(view.Actor)) && (plainID(view.Subject) || !isAddress(view.Subject))
	operators := strings.EqualFold(view.Chain, audit.Operators) || view.Chain == rm.Site.Speak(r).T("record.operators")
	if operators {
		f.Chain = audit.Operators
	}
	if ids && (view.Chain == "" || operators) {
		return nil
	}
	found, err := resolve(r.Context(), rm.DB, view.Actor, view.Subject, view.Chain)
	if err != nil {
		return err
	}
	if isAddress(view.Actor) {
		f.Actor, f.Nothing = found.actor, f.Nothing || found.actor == ""
	}
	if isAddress(view.Subject) {
		f.Subject, f.Nothing = found.subject, f.Nothing || found.subject == ""
	}
	if view.Chain != "" && !operators {
		f.Chain, f.Nothing = found.organization, f.Nothing || found.organization == ""
	}
	return nil
}

// options are the acts to choose among: all, all of a noun, or one.
func (rm *Room) options(r *http.Request, chosen string) []page.Option {
	say := rm.Site.Speak(r)
	said := Say(rm.Site.Book(), say.Lang)
	list := []page.Option{{Label: say.T("record.every_act"), Checked: chosen == ""}}
	for _, noun := range nouns(rm.acts) {
		list = append(list, page.Option{Value: noun, Label: say.T("record.every_of", "noun", say.T("record.noun_"+noun)), Checked: chosen == noun})
	}
	for _, a := range rm.acts {
		noun, _, _ := strings.Cut(a, ":")
		list = append(list, page.Option{Value: a, Label: say.T("record.noun_"+noun) + ": " + said(a), Checked: chosen == a})
	}
	return list
}

func (rm *Room) search(w http.ResponseWriter, r *http.Request) error {
	f, view, err := rm.asked(r)
	if err != nil {
		return err
	}
	status, query := http.StatusUnprocessableEntity, r.URL.Query()
	if len(view.Faults) == 0 {
		status = http.StatusOK
		before := parsed(query.Get("before"))
		if view.Rows, err = Newest(r.Context(), rm.DB, f, before, perPage+1); err != nil {
			return err
		}
		if len(view.Rows) > perPage {
			view.Rows = view.Rows[:perPage]
			view.Next = address("/operator/audit", query, "before", view.Rows[perPage-1].place().written())
		}
		if !before.At.IsZero() {
			view.First = address("/operator/audit", query, "before", "")
		}
		for _, one := range Formats {
			view.Exports = append(view.Exports, export{string(one), address("/operator/audit/export", query, "before", "", "format", string(one))})
		}
	}
	return rm.page.Show(w, r, status, "search", "record.title", view)
}

// export answers with all that is filtered, as a file. That it was taken is recorded
// before the first of it leaves.
func (rm *Room) export(w http.ResponseWriter, r *http.Request) error {
	f, view, err := rm.asked(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	format := Format(query.Get("format"))
	if !format.known() || len(view.Faults) > 0 {
		return page.See(w, address("/operator/audit", query, "format", ""))
	}
	until, err := rm.taken(r.Context(), act.ExportRecord, audit.Entry{Chain: audit.Operators, Act: "record:rows:exported", Subject: first(f.Chain, "-"),
		Detail: map[string]string{"format": string(format), "filter": address("", query, "format", "", "before", "")}})
	if err != nil {
		return err
	}
	if f.Until.IsZero() || f.Until.After(until) {
		f.Until = until
	}
	lang := rm.Site.Speak(r).Lang
	if format == CEF {
		lang = phrase.English // machines read it
	}
	name := "record-" + until.UTC().Format("20060102-150405") + "." + string(format)
	return page.File(w, name, format.media(), func(out io.Writer) error {
		return Export(r.Context(), rm.DB, f, format, Say(rm.Site.Book(), lang), out)
	})
}

type rowView struct {
	page.View
	Named
	Place    audit.Place
	said     func(string) string
	Previous string
	Digest   string
	Before   int64
	After    int64
}

// Said says an act to this page's reader.
func (v *rowView) Said(a string) string { return v.said(a) }

// Whole says whether nothing is wrong with the row and its two neighbours.
func (v *rowView) Whole() bool { return v.Place.Intact && v.Place.Follows && v.Place.Continued }

var errNoRow = fault.New(fault.NotFound, "record.no_row")

func (rm *Room) row(w http.ResponseWriter, r *http.Request) error {
	chain := r.PathValue("chain")
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil || seq < 1 || !chainText(chain) || chain == "" {
		return errNoRow
	}
	place, err := audit.Look(r.Context(), rm.DB, rm.Keys, chain, seq)
	if errors.Is(err, store.ErrNone) {
		return errNoRow
	}
	if err != nil {
		return err
	}
	rows, err := Newest(r.Context(), rm.DB, Filter{Chain: chain, Seq: seq}, Place{}, 1)
	if err != nil {
		return err
	}
	if len(rows) == 0 { // trimmed between the two
		return errNoRow
	}
	view := &rowView{Named: rows[0], Place: place, said: Say(rm.Site.Book(), rm.Site.Speak(r).Lang),
		Previous: hex.EncodeToString(place.Previous), Digest: hex.EncodeToString(place.Row.Digest)}
	if !place.First {
		view.Before = seq - 1
	}
	if !place.Last {
		view.After = seq + 1
	}
	return rm.page.Show(w, r, http.StatusOK, "row", "record.row_title", view)
}
