package notice

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/prose"
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

// Needs is what the room works with.
type Needs struct {
	DB      *store.DB
	Keys    *secret.Keys
	Site    *page.Site
	Log     *slog.Logger
	Board   *Board
	Changed func(ctx context.Context, tx *store.Tx) error   // tells every node that what is planned has changed
	Said    func(organization string, now time.Time) []Said // what the plans say by themselves
}

// countFor is how long a notice waits until it is written down that it was opened.
const countFor = time.Second

// Room is the pages of notices.
type Room struct {
	Needs
	page *page.Room
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Board == nil || n.Changed == nil || n.Said == nil {
		return nil, errors.New("notice: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /notices", Gate: route.SignedIn, Serve: rm.Site.Serve(rm.list)},
		{Pattern: "GET /notices/{id}", Gate: route.SignedIn, Serve: rm.Site.Serve(rm.one)},
		{Pattern: "GET /operator/notices", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.operators)},
		{Pattern: "GET /operator/notices/new", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showNew)},
		{Pattern: "POST /operator/notices/new", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postNew)},
		{Pattern: "GET /operator/notices/{id}", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.operatorsOne)},
		{Pattern: "GET /operator/notices/{id}/change", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showChange)},
		{Pattern: "POST /operator/notices/{id}/change", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postChange)},
		{Pattern: "GET /operator/notices/{id}/withdraw", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.showWithdraw)},
		{Pattern: "POST /operator/notices/{id}/withdraw", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.postWithdraw)},
	}
}

// errNone is told of a notice that is not there, is another's, or does not show: alike.
var errNone = fault.New(fault.NotFound, "notice.none")

// plainID says whether a text can be an id at all; no other reaches the store.
func plainID(id string) bool {
	return len(id) == 36 && strings.Trim(id, "0123456789abcdef-") == ""
}

// find reads the notice that an address names.
func (rm *Room) find(ctx context.Context, r store.Reader, id string) (Counted, error) {
	if !plainID(id) {
		return Counted{}, errNone
	}
	c, err := Find(ctx, r, id)
	if errors.Is(err, store.ErrNone) {
		return Counted{}, errNone
	}
	return c, err
}

// reader is who is signed in, as a reader.
func reader(v *session.Visit) Reader { return Reader{Ref: v.Ref, Authority: v.Person.Authority} }

// Line is one notice in a list of information.
type Line struct {
	Title, Text string // Text: a sentence, of what follows from a plan
	Link        string
	At          time.Time
}

// Lines are what a reader is told now, the newest first: what operators wrote, and
// what follows from the plans.
func (rm *Room) Lines(ctx context.Context, v *session.Visit, say page.Speaker) ([]Line, error) {
	now := rm.Site.Now()
	shown, err := rm.Board.Shown(ctx, v.Policy, reader(v), now)
	if err != nil {
		return nil, err
	}
	var list []Line
	for _, s := range rm.Said(v.Ref.Organization, now) {
		list = append(list, s.line(say))
	}
	for _, n := range shown {
		list = append(list, Line{Title: n.In(say.Lang).Title, Link: "/notices/" + n.ID, At: n.From})
	}
	return list, nil
}

// Posted is a notice as the sign-in page shows it.
type Posted struct {
	Title string
	Text  template.HTML
}

// Posted are the notices that stand on the sign-in page.
func (b *Board) Posted(ctx context.Context, version int64, say page.Speaker, now time.Time) (list []Posted, err error) {
	shown, err := b.Shown(ctx, version, Reader{}, now)
	if err != nil {
		return nil, err
	}
	for _, n := range shown {
		text, err := prose.HTML(n.In(say.Lang).Body)
		if err != nil {
			return nil, err
		}
		list = append(list, Posted{n.In(say.Lang).Title, text})
	}
	return list, nil
}

type listView struct {
	page.View
	Lines []Line
}

func (rm *Room) list(w http.ResponseWriter, r *http.Request) (err error) {
	view := &listView{}
	if view.Lines, err = rm.Lines(r.Context(), session.Of(r.Context()), rm.Site.Speak(r)); err != nil {
		return err
	}
	return rm.page.Show(w, r, http.StatusOK, "list", "notice.title", view)
}

type oneView struct {
	page.View
	From, Changed time.Time
	Text          template.HTML
}

// one shows a notice to whom it is for, and writes down that it was opened.
func (rm *Room) one(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	c, err := rm.find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	if c.At(rm.Site.Now()) != Showing || !c.For(reader(v)) {
		return errNone
	}
	words := c.In(rm.Site.Speak(r).Lang)
	view := &oneView{From: c.From, Changed: c.Changed}
	if view.Text, err = prose.HTML(words.Body); err != nil {
		return err
	}
	if !v.Operator() && r.Method == http.MethodGet {
		// Counting who has read is worth one write, and never a page that fails or waits.
		ctx, cancel := context.WithTimeout(r.Context(), countFor)
		defer cancel()
		if err := rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return read(ctx, tx, c.ID, v.Ref) }); err != nil {
			rm.Log.Warn("somebody who read a notice was not counted", "notice", c.ID, "error", err.Error())
		}
	}
	return rm.page.Show(w, r, http.StatusOK, "one", words.Title+" ", view)
}
