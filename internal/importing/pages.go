package importing

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"strconv"

	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/route"
	"nidan/internal/session"
	"nidan/internal/store"
)

//go:embed pages
var pageFiles embed.FS

// Room is the operators' pages of imports.
type Room struct {
	*Desk
	page *page.Room
}

// New reads the room's pages.
func New(d *Desk) (*Room, error) {
	pages, err := d.Site.Room(pageFiles)
	return &Room{d, pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	deed := act.Gate(act.Import)
	return []route.Route{
		{Pattern: "GET /operator/import", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.list)},
		{Pattern: "POST /operator/import", Gate: deed, Serve: rm.Site.Serve(rm.upload)},
		{Pattern: "GET /operator/import/old-hashes", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.showOld)},
		{Pattern: "GET /operator/import/old-hashes.csv", Gate: deed, Serve: rm.Site.Serve(rm.oldHashes)},
		{Pattern: "GET /operator/import/{id}", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.show)},
		{Pattern: "POST /operator/import/{id}", Gate: deed, Serve: rm.Site.Serve(rm.decide)},
		{Pattern: "GET /operator/import/{id}/report.csv", Gate: deed, Serve: rm.Site.Serve(rm.report)},
	}
}

var errUnknown = fault.New(fault.NotFound, "importing.unknown")

// Bounds of the pages: runs and rows that are listed, and after how many seconds the
// page of a run at work is looked at again.
const (
	runsListed = 20
	rowsListed = 20
	reload     = 3
)

type listView struct {
	page.View
	Runs      []Run
	Columns   []string
	Languages []page.Option
	Zone      string
	Leave     bool
	Most      int
}

// N is a number as people read it.
func (v *listView) N(n int64) string { return phrase.Number(n) }

func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	return rm.showList(w, r, http.StatusOK, typed{zone: rm.Site.House.String()}, nil)
}

func (rm *Room) showList(w http.ResponseWriter, r *http.Request, status int, t typed, faults []*fault.Fault) (err error) {
	view := &listView{Columns: columnNames[:], Zone: t.zone, Leave: t.leave, Most: uploadMost >> 20}
	view.Faults = faults
	say := rm.Site.Speak(r)
	for _, value := range []string{"", "en", "ja"} {
		name := value
		if name == "" {
			name = "none"
		}
		view.Languages = append(view.Languages, page.Option{Value: value, Label: say.T("importing.language_" + name), Checked: t.language == value})
	}
	if view.Runs, err = latest(r.Context(), rm.DB, runsListed); err != nil {
		return err
	}
	return rm.page.Show(w, r, status, "list", "importing.title", view)
}

type runView struct {
	page.View
	Run
	Shares  []*Share
	More    int
	Refused []Line
	Differs []Line
}

// N is a number as people read it.
func (v *runView) N(n int64) string { return phrase.Number(n) }

// Reason says why a row was not added.
func (v *runView) Reason(l Line) string { return l.Why.Say(v.Say().T) }

// Why says why the run failed.
func (v *runView) Why() string { return v.Run.Failed().Say(v.Say().T) }

// Admins counts the Portal Admins among the added.
func (v *runView) Admins() (n int64) {
	for _, s := range v.Tally.Of {
		n += s.Admins
	}
	return n
}

// sharesShown is how many organizations the page of a run names.
const sharesShown = 50

func (rm *Room) show(w http.ResponseWriter, r *http.Request) error {
	return rm.showRun(w, r, http.StatusOK, nil)
}

func (rm *Room) showRun(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault) error {
	run, err := find(r.Context(), rm.DB, r.PathValue("id"))
	if errors.Is(err, store.ErrNone) || err == nil && run.State == Uploading {
		return errUnknown
	}
	if err != nil {
		return err
	}
	view := &runView{Run: run, Shares: run.Tally.Shares()}
	view.Faults = faults
	if run.Running() {
		view.LookAgain = reload
	}
	if len(view.Shares) > sharesShown {
		view.More, view.Shares = len(view.Shares)-sharesShown, view.Shares[:sharesShown]
	}
	lines, err := firstLines(r.Context(), rm.DB, run.ID, rowsListed)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Outcome == Refused.String() {
			view.Refused = append(view.Refused, l)
		} else {
			view.Differs = append(view.Differs, l)
		}
	}
	return rm.page.Show(w, r, status, "run", rm.Site.Speak(r).T("importing.run_title", "file", shown(run.Name)), view)
}

// decide confirms an import that was checked, or discards it.
func (rm *Room) decide(w http.ResponseWriter, r *http.Request) error {
	v, id := session.Of(r.Context()), r.PathValue("id")
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	to := Importing
	if form.Text("act") == "discard" {
		to = Discarded
	}
	err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		run, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := move(ctx, tx, id, Checked, to); err != nil {
			return errMeanwhile
		}
		who := Doer{By: v.Ref.ID, Actor: v.Actor(), Network: v.From}
		entry := started(run, who)
		if to == Discarded {
			entry.Act = "portal:import:discarded"
		} else if err := confirm(ctx, tx, id, v.Ref.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, rm.Keys, entry)
	})
	switch {
	case errors.Is(err, store.ErrNone):
		return errUnknown
	case errors.Is(err, errMeanwhile):
		return rm.showRun(w, r, http.StatusUnprocessableEntity, []*fault.Fault{errMeanwhile})
	case err != nil:
		return err
	}
	return page.See(w, "/operator/import/"+id)
}

var errMeanwhile = fault.New(fault.Invalid, "importing.meanwhile")

func (rm *Room) report(w http.ResponseWriter, r *http.Request) error {
	run, err := find(r.Context(), rm.DB, r.PathValue("id"))
	if errors.Is(err, store.ErrNone) || err == nil && run.State == Uploading {
		return errUnknown
	}
	if err != nil {
		return err
	}
	say := rm.Site.Speak(r)
	return page.CSV(w, "import-"+run.Asked.In(rm.Site.House).Format("20060102-1504")+".csv", Header(say), func(write func(cells ...string) error) error {
		return EachLine(r.Context(), rm.DB, run.ID, func(l Line) error { return write(l.Cells(say)...) })
	})
}

type oldView struct {
	page.View
	Old     []password.OldCount
	OldMore int
}

// N is a number as people read it.
func (v *oldView) N(n int64) string { return phrase.Number(n) }

// showOld counts who still has a hash of another system. It goes through all of them,
// and so stands on a page of its own.
func (rm *Room) showOld(w http.ResponseWriter, r *http.Request) error {
	counts, err := password.OldHashes(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view := &oldView{Old: counts}
	if len(counts) > sharesShown {
		view.OldMore, view.Old = len(counts)-sharesShown, counts[:sharesShown]
	}
	return rm.page.Show(w, r, http.StatusOK, "old", "importing.old", view)
}

func (rm *Room) oldHashes(w http.ResponseWriter, r *http.Request) error {
	say := rm.Site.Speak(r)
	header := []string{say.T("importing.organization"), say.T("importing.format"), say.T("importing.people")}
	return page.CSV(w, "old-hashes.csv", header, func(write func(cells ...string) error) error {
		counts, err := password.OldHashes(r.Context(), rm.DB)
		if err != nil {
			return err
		}
		for _, c := range counts {
			if err := write(c.Name, c.Format, strconv.FormatInt(c.N, 10)); err != nil {
				return err
			}
		}
		return nil
	})
}
