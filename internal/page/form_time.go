package page

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"nidan/internal/fault"
	"nidan/internal/phrase"
)

// An instant is typed in one field of text. A browser's own date field shows the
// order of the machine's language, knows no 24:00 and takes no paste; two fields
// take no paste either. One line of text does what people have in hand: a line of
// a mail, of a page of this portal, of a program.

// When is an instant in a form: what was typed, and what it means. The part
// "instant" shows it.
type When struct {
	Typed string
	Zone  *time.Location // of what was typed
	At    time.Time      // what it means; zero while that is not certain
	Twice []time.Time    // both meanings of a time that exists twice
	Which string         // "first" or "second" of them, or empty
}

// WhenAt is a known instant in a form, as it would be typed.
func WhenAt(at time.Time, zone *time.Location) When {
	w := When{Typed: at.In(zone).Format("2006-01-02 15:04"), Zone: zone, At: at}
	if typed, ok := phrase.ReadTime(w.Typed, zone); !ok || len(typed.Instants) != 1 || !typed.Instants[0].Equal(at) {
		w.Typed = at.In(zone).Format(time.RFC3339) // seconds, or an hour that comes twice
	}
	return w
}

// Instant is a date and time typed in a zone, in UTC. A field that is empty, that
// nobody can read, or a time that does not exist there becomes a fault beside the
// field. A time that exists twice is asked back by a choice beneath it, field_which;
// the instant is zero until that is answered. zone is nil where that was typed too,
// and wrong.
func (f *Form) Instant(field string, zone *time.Location) time.Time {
	w := f.When(field, zone)
	if strings.TrimSpace(f.values.Get(field)) == "" {
		f.Fault(field, "page.time_missing")
		return time.Time{}
	}
	if zone == nil { // it has a fault of its own
		return time.Time{}
	}
	typed, ok := phrase.ReadTime(w.Typed, zone)
	switch {
	case !ok:
		f.Fault(field, "page.time_unread")
	case len(typed.Instants) == 0:
		f.Fault(field, "page.time_never", "before", wall(typed.Before, zone), "after", wall(typed.After, zone))
	case w.At.IsZero():
		f.Fault(field+"_which", "page.time_twice")
	}
	return w.At
}

// wall is a time of a zone as it can be typed.
func wall(at time.Time, zone *time.Location) string {
	return at.In(zone).Format("2006-01-02 15:04 MST")
}

// When is what stands in the field of an instant, for showing it again. It records
// no fault.
func (f *Form) When(field string, zone *time.Location) When {
	w := When{Typed: f.shown(field), Zone: zone}
	if zone == nil {
		return w
	}
	typed, ok := phrase.ReadTime(w.Typed, zone)
	switch {
	case !ok:
	case len(typed.Instants) == 1:
		w.At = typed.Instants[0]
	case len(typed.Instants) > 1:
		w.Twice = []time.Time{typed.Instants[0], typed.Instants[len(typed.Instants)-1]}
		switch w.Which = f.values.Get(field + "_which"); w.Which {
		case "first":
			w.At = w.Twice[0]
		case "second":
			w.At = w.Twice[1]
		default:
			w.Which = ""
		}
	}
	return w
}

// Zone is a time zone typed or chosen by its IANA name; what is none becomes a
// fault beside the field, and nil. The part "zone" shows it.
func (f *Form) Zone(field string) *time.Location {
	typed := f.shown(field)
	zone, ok := phrase.Zone(typed)
	switch {
	case typed == "":
		f.Fault(field, "page.zone_missing")
		return nil
	case !ok:
		f.Fault(field, "page.zone_unknown")
		return nil
	}
	return zone
}

// shown is the text of a field, without faults: what is too long is nothing.
func (f *Form) shown(field string) string {
	if utf8.RuneCountInString(f.values.Get(field)) > longField {
		return ""
	}
	quiet := Form{values: url.Values{field: {f.values.Get(field)}}}
	return quiet.Text(field)
}

// Query reads a form that only asks: what it carries stands in the address, which
// can be kept and shared, and nothing is done by it.
func Query(r *http.Request) (*Form, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, plain{http.StatusBadRequest, errBroken}
	}
	delete(values, "lang") // the frame's own
	return whole(values)
}

// OfferedZones are the zones offered for choosing.
func (v *View) OfferedZones() []string { return phrase.Offered }

// In says an instant in a zone, with UTC beside it, in a template.
func (v *View) In(zone *time.Location, t time.Time) string {
	return phrase.Zones{House: zone}.Moment(v.Lang, t)
}

// OwnZone reads the field "zone" of a form that only asks: in which zone a reader
// wants the times too. The part "own-zone" is that form. An answer to a request
// that is handed on says them there; text is what was typed.
func OwnZone(r *http.Request, form *Form) (asked *http.Request, text string, faults []*fault.Fault) {
	if strings.TrimSpace(form.values.Get("zone")) == "" {
		return r, "", nil
	}
	text = form.shown("zone")
	zone := form.Zone("zone")
	if zone == nil {
		return r, text, form.Faults()
	}
	return WithReader(r, zone), zone.String(), nil
}
