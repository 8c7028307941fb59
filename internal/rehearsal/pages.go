package rehearsal

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"nidan/internal/audit"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Needs is what the room is built from.
type Needs struct {
	DB        *store.DB
	Keys      *secret.Keys
	Site      *page.Site
	Log       *slog.Logger
	PerSecond int // how many letters of mailings the post sends a second; 0: not known
}

// Room is the page of rehearsals, and the work beside it.
type Room struct {
	Needs
	page  *page.Room
	swept bool // this node has removed what others left behind
}

// New reads the room's page.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /operator/rollouts/{id}/rehearsal", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.show)},
		{Pattern: "POST /operator/rollouts/{id}/rehearsal", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.start)},
	}
}

// reload is after how many seconds the page of a rehearsal under way is looked at again.
const reload = 3

type rehearsalView struct {
	page.View
	Plan    rollout.Titled
	Refuse  string // phrase of why there is nothing to rehearse; empty: there is
	Running *row
	Chosen  *row
	Report  *Report
	Changed bool // the rollout is not the one that was rehearsed any more
	Rows    []row
}

// N is a number as people read it.
func (v *rehearsalView) N(n int) string { return phrase.Number(int64(n)) }

// OutcomeText says the outcome at the end in one breath.
func (v *rehearsalView) OutcomeText() string { return v.Report.Outcome.Sentence(v.Say(), false) }

// EndText says the end that was rehearsed.
func (v *rehearsalView) EndText() string { return v.End(v.Report.Ends) }

// Organization is the name of an organization among the struck; empty beyond the
// first page.
func (v *rehearsalView) Organization(id string) string {
	i := slices.IndexFunc(v.Report.Outcome.Struck, func(s rollout.Struck) bool { return s.Organization == id })
	if i < 0 {
		return ""
	}
	return v.Report.Outcome.Struck[i].Name
}

// Finding says a finding.
func (v *rehearsalView) Finding(f Finding) string { return f.Said(v.Say()) }

// Mark says what happens at an instant.
func (v *rehearsalView) Mark(m Mark) string { return m.Said(v.Say()) }

// Letter says what a letter is about.
func (v *rehearsalView) Letter(s Sent) string {
	return v.Say().T("reminder.what_"+s.What, "n", s.Days)
}

// reason is how many the rule refuses for one reason: now, at the end and at the last.
type reason struct {
	Why              string
	First, End, Last int
}

// Reasons are those for which anybody would be refused.
func (v *rehearsalView) Reasons() (list []reason) {
	first, end, last := v.Report.doors()
	for _, one := range []struct {
		key string
		of  func(Doors) int
	}{
		{"ended", func(d Doors) int { return d.Ended }},
		{"no_grace", func(d Doors) int { return d.NoGrace }},
		{"no_rollout", func(d Doors) int { return d.NoRollout }},
		{"suspended", func(d Doors) int { return d.Suspended }},
		{"no_password", func(d Doors) int { return d.NoPassword }},
	} {
		r := reason{v.Say().T("rehearsal.why_" + one.key), one.of(first), one.of(end), one.of(last)}
		if r.First+r.End+r.Last > 0 {
			list = append(list, r)
		}
	}
	return list
}

// Took says how long it took.
func (v *rehearsalView) Took() string {
	if took := v.Report.Took; took >= 2*time.Minute {
		return v.Say().T("rehearsal.minutes", "n", int(took.Round(time.Minute)/time.Minute))
	}
	return v.Say().T("rehearsal.seconds", "n", int(max(v.Report.Took.Round(time.Second), time.Second)/time.Second))
}

// Any says whether a column has anything to tell.
func (v *rehearsalView) Any(column string) bool {
	return slices.ContainsFunc(v.Report.Instants, func(i Instant) bool {
		if column == "closed" {
			return i.Doors.Closed > 0
		}
		return i.Doors.Reset > 0
	})
}

// Said is a finding in words.
func (f Finding) Said(say page.Speaker) string {
	return say.T("rehearsal.found_"+string(f.Kind), "n", f.N, "from", say.Moment(f.From), "to", say.End(f.To),
		"takes", say.Length(max(f.To.Sub(f.From), time.Minute)))
}

// Said is what happens at an instant, in words.
func (m Mark) Said(say page.Speaker) string { return say.T("rehearsal.at_"+string(m.What), "n", m.N) }

func (rm *Room) show(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rollout.History(r.Context(), rm.DB, r.PathValue("id"))
	if errors.Is(err, store.ErrNone) {
		return errUnknown
	}
	if err != nil {
		return err
	}
	chosen := r.URL.Query().Get("of")
	rows, err := latest(r.Context(), rm.DB, plan.ID, chosen)
	if err != nil {
		return err
	}
	view := &rehearsalView{Plan: plan, Rows: rows}
	switch {
	case !plan.Withdrawn.IsZero():
		view.Refuse = "rehearsal.withdrawn"
	case !rm.Site.Now().Before(plan.Ends):
		view.Refuse = "rehearsal.over"
	}
	for i := range rows {
		switch one := &rows[i]; {
		case one.Running():
			view.Running, view.LookAgain = one, reload
		case one.Report != nil:
			view.Chosen, view.Report = one, one.Report
			view.Changed = one.Report.Version != plan.Version
		}
	}
	say := rm.Site.Speak(r)
	scope := plan.Scope
	if scope == "" {
		scope = say.T("rollout.portal")
	}
	return rm.page.Show(w, r, http.StatusOK, "rehearsal", say.T("rehearsal.title", "scope", scope), view)
}

// start asks for a rehearsal; where one goes on already, its page is the answer.
func (rm *Room) start(w http.ResponseWriter, r *http.Request) error {
	v, id := session.Of(r.Context()), r.PathValue("id")
	err := rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		book, err := rollout.ReadBook(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := rehearsable(book, id, tx.Now()); err != nil {
			return err
		}
		if begun, err := begin(ctx, tx, id, v.Ref.ID); err != nil || !begun {
			return err
		}
		return audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: audit.Operators, Act: "rollout:rehearsal:asked", Actor: v.Actor(),
			Subject: id, Network: v.From})
	})
	if err != nil {
		return err
	}
	return page.See(w, "/operator/rollouts/"+id+"/rehearsal")
}
