package announcement

import (
	"context"
	"embed"
	"net/http"
	"sync/atomic"

	"nidan/internal/fault"
	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/store"
)

//go:embed pages
var pageFiles embed.FS

// Needs is what the room works with.
type Needs struct {
	DB      *store.DB
	Site    *page.Site
	BaseURL string // the portal's address, without a slash at its end
}

// Room is the announcement's pages.
type Room struct {
	Needs
	pages *page.Room
	copy  atomic.Pointer[kept]
}

// kept is what was planned at a version of the policy. The page is asked for by
// everybody at once when a window closes the portal, and by nobody's session.
type kept struct {
	version int64
	Record
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, pages: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /announcement", Gate: route.Always, Serve: rm.Site.Serve(rm.show)},
		{Pattern: "GET /announcement.ics", Gate: route.Always, Serve: rm.Site.Serve(rm.calendar)},
	}
}

// DeskOf is whom readers of a portal can ask.
func DeskOf(s *page.Site) Desk {
	return Desk{Portal: s.Name, Contact: s.Contact, Hours: s.Hours, House: s.House}
}

// Facts are what everybody is told now.
func (rm *Room) Facts(ctx context.Context) (Facts, error) {
	rec, err := rm.record(ctx)
	return rec.Facts(DeskOf(rm.Site), "", rm.Site.Now()), err
}

// record is what was planned, read anew when the policy's version differs. The
// version is read first: a change in between makes the copy look old, never new.
func (rm *Room) record(ctx context.Context) (Record, error) {
	version, err := maintenance.Version(ctx, rm.DB)
	if err != nil {
		return Record{}, err
	}
	if k := rm.copy.Load(); k != nil && k.version == version {
		return k.Record, nil
	}
	rec, err := Read(ctx, rm.DB, "")
	if err == nil {
		rm.copy.Store(&kept{version, rec})
	}
	return rec, err
}

type announcementView struct {
	page.View
	Parts    []part
	Calendar bool
}

// part is a section as the page shows it: facts under their labels stand together.
type part struct {
	ID, Title string
	Blocks    []block
}

// block is lines of one kind: facts, a list of links, or one paragraph.
type block struct {
	Kind  string
	Lines []Line
}

func kind(l Line) string {
	switch {
	case l.Label != "":
		return "facts"
	case l.Text == "":
		return "links"
	}
	return "text"
}

func parts(sections []Section) (list []part) {
	for _, s := range sections {
		p := part{ID: s.ID, Title: s.Title}
		for _, l := range s.Lines {
			k, n := kind(l), len(p.Blocks)
			if n == 0 || p.Blocks[n-1].Kind != k {
				p.Blocks, n = append(p.Blocks, block{Kind: k}), n+1
			}
			p.Blocks[n-1].Lines = append(p.Blocks[n-1].Lines, l)
		}
		list = append(list, p)
	}
	return list
}

func (rm *Room) show(w http.ResponseWriter, r *http.Request) error {
	f, err := rm.Facts(r.Context())
	if err != nil {
		return err
	}
	view := &announcementView{Parts: parts(Sections(rm.Site.Speak(r), f)), Calendar: f.State != None}
	return rm.pages.Show(w, r, http.StatusOK, "announcement", "announcement.title", view)
}

var errNonePlanned = fault.New(fault.NotFound, "announcement.none_planned")

func (rm *Room) calendar(w http.ResponseWriter, r *http.Request) error {
	f, err := rm.Facts(r.Context())
	if err != nil {
		return err
	}
	if f.State == None {
		return errNonePlanned // a calendar has at least one entry (RFC 5545 §3.6)
	}
	// A file that many fetch is not one person's: his own zone stays out of it.
	say := rm.Site.Speaker(page.Lang(r), nil)
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `inline; filename="announcement.ics"`)
	h.Set("Content-Language", string(say.Lang))
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Language, Cookie")
	_, _ = w.Write(Calendar(say, f, rm.BaseURL)) // the client may have hung up
	return nil
}
