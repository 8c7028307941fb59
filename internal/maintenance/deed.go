package maintenance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Deed is somebody who plans windows, an operator at a page or the console: each
// deed decides by what stands in its own transaction, writes its record and tells
// the other operators.
type Deed struct {
	Keys    *secret.Keys
	Site    *page.Site
	By      string // as columns keep it: the operator's id, or the console
	Name    string // as others are told
	Actor   audit.Actor
	Network string
}

// Refusals are what is wrong with a window, all at once.
type Refusals []Wrong

// Error names the first.
func (r Refusals) Error() string { return "refused: " + r[0].Phrase }

// possible says as Refusals what is wrong with planning a window, and which stand
// beside it.
func possible(ctx context.Context, r store.Reader, now time.Time, w Window) (beside []Window, err error) {
	all, err := Windows(ctx, r)
	if err != nil {
		return nil, err
	}
	if wrong := Timetable(now, w, all); len(wrong) > 0 {
		return nil, Refusals(wrong)
	}
	return Beside(w, all), nil
}

// Plan saves a window with its list of operators; Refusals say why it may not be.
func (d Deed) Plan(ctx context.Context, tx *store.Tx, w Window) (Window, error) {
	if _, err := possible(ctx, tx, tx.Now(), w); err != nil {
		return Window{}, err
	}
	w, err := Plan(ctx, tx, w.Opens, w.Closes, d.By, w.Operators...)
	if err != nil {
		return Window{}, err
	}
	return w, d.note(ctx, tx, "planned", w)
}

// Cancel takes back a window that has not opened; store.ErrNone for any other.
func (d Deed) Cancel(ctx context.Context, tx *store.Tx, w Window) error {
	if err := Cancel(ctx, tx, w.ID, d.By); err != nil {
		return err
	}
	return d.note(ctx, tx, "cancelled", w)
}

// errUnlisted refuses to end a window whose list one is not on.
var errUnlisted = fault.New(fault.Refused, "maintenance.not_listed")

// Lift ends a window that is open now; store.ErrNone for any other. An operator
// must be on its list, the console need not.
func (d Deed) Lift(ctx context.Context, tx *store.Tx, w Window) error {
	if d.Actor.Kind == audit.KindOperator && !w.Lists(d.Actor.ID) {
		return errUnlisted
	}
	if err := Lift(ctx, tx, w.ID, d.By); err != nil {
		return err
	}
	return d.note(ctx, tx, "lifted", w)
}

// note writes the record of a deed and tells every other operator. w is the window
// as it was planned.
func (d Deed) note(ctx context.Context, tx *store.Tx, what string, w Window) error {
	staff, err := operator.All(ctx, tx)
	if err != nil {
		return err
	}
	detail := map[string]string{"opens": w.Opens.UTC().Format(time.RFC3339), "closes": w.Closes.UTC().Format(time.RFC3339),
		"operators": strings.Join(w.Operators, " ")}
	err = audit.Record(ctx, tx, d.Keys, audit.Entry{Chain: audit.Operators, Act: "maintenance:window:" + what,
		Actor: d.Actor, Subject: w.ID, Network: d.Network, Detail: detail})
	if err != nil {
		return err
	}
	for _, o := range staff {
		if o.ID == d.By {
			continue
		}
		if err := mail.Queue(ctx, tx, d.Keys, d.letter(o, what, w, named(w, staff), tx.Now())); err != nil {
			return err
		}
	}
	return nil
}

func (d Deed) letter(to operator.Operator, what string, w Window, who []operator.Operator, now time.Time) mail.Letter {
	say := d.Site.Speaker(to.Language, phrase.Location(to.Zone))
	names := say.T("maintenance.nobody")
	for i, o := range who {
		if i == 0 {
			names = ""
		}
		names += "\n- " + o.Name + " <" + o.Email + ">"
	}
	text := func(key string) string {
		return say.T("maintenance.letter_"+what+key, "name", to.Name, "by", d.Name, "portal", d.Site.Name, "when", say.Moment(now),
			"opens", say.Moment(w.Opens), "closes", say.End(w.Closes), "length", say.Length(w.Closes.Sub(w.Opens)), "who", names)
	}
	return mail.Letter{Organization: to.Ref().Organization, Holder: to.ID, Lane: mail.Notice, Kind: "window-" + what,
		To: to.Email, Language: to.Language, Subject: text("_subject"), Text: text("")}
}

// named are the operators on a window's list who still are operators.
func named(w Window, staff []operator.Operator) []operator.Operator {
	return slices.DeleteFunc(slices.Clone(staff), func(o operator.Operator) bool { return !w.Lists(o.ID) })
}

// Find reads a window by its id; store.ErrNone when there is none.
func Find(ctx context.Context, r store.Reader, id string) (Window, []Window, error) {
	all, err := Windows(ctx, r)
	if err != nil {
		return Window{}, nil, err
	}
	at := slices.IndexFunc(all, func(w Window) bool { return w.ID == id })
	if at < 0 {
		return Window{}, all, store.ErrNone
	}
	return all[at], all, nil
}

// isNone says that a window is not there any more as it was.
func isNone(err error) bool { return errors.Is(err, store.ErrNone) }
