package reminder

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"strconv"
	"time"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/rollout"
	"nidan/internal/route"
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
	*Rounds
	Site    *page.Site
	BaseURL string // the portal's, without a slash at its end
}

// Room is the pages of the letters of a rollout.
type Room struct {
	Needs
	page *page.Room
}

// New reads the room's pages, and completes the rounds with who writes the letters.
func New(n Needs) (*Room, error) {
	if n.Rounds == nil || n.DB == nil || n.Keys == nil || n.Site == nil {
		return nil, errors.New("reminder: something is missing that the room needs")
	}
	n.Desk = &Desk{Site: n.Site, Address: page.Typed(n.BaseURL)}
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /operator/rollouts/{id}/reminders", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.reminders)},
		{Pattern: "GET /operator/rollouts/{id}/reminders/announcement", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.announcement)},
		{Pattern: "POST /operator/rollouts/{id}/reminders/announcement", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.announce)},
		{Pattern: "POST /progress/remind", Gate: route.AdminOnly, Serve: rm.Site.Serve(rm.remind)},
	}
}

type remindersView struct {
	page.View
	Plan   rollout.Plan
	Scope  string // the organization's name; empty: the whole portal
	Series []int
	Rounds []row
	Coming []coming
	Open   bool // the announcement can still be sent
}

// row is a round as the page shows it.
type row struct {
	round
	Label string
	For   string // the organization's name, where the round is for its extension
}

// coming is a date still ahead.
type coming struct {
	Label string
	Due   time.Time
}

func (rm *Room) reminders(w http.ResponseWriter, r *http.Request) error {
	c, scope, err := rm.calendar(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	rounds, err := rounds(r.Context(), rm.DB, c.Plan().ID)
	if err != nil {
		return err
	}
	now, say := rm.Site.Now(), rm.Site.Speak(r)
	view := &remindersView{Plan: c.Plan(), Scope: scope, Series: c.Plan().Reminders.Days(), Open: !c.withdrawn() && now.Before(c.OwnEnd())}
	for _, one := range rounds {
		if one.What == Announcement {
			c.Announced = one.Started
		}
		one.Label = label(say, one.What)
		view.Rounds = append(view.Rounds, one)
	}
	for _, d := range c.Dates() {
		if d.Due.After(now) {
			view.Coming = append(view.Coming, coming{label(say, d.What), d.Due})
		}
	}
	if r.URL.Query().Get("done") == "announced" {
		view.Notice = say.T("reminder.announced")
	}
	return rm.page.Show(w, r, http.StatusOK, "reminders", "reminder.title", view)
}

func label(say page.Speaker, what What) string {
	kind, n := what.Kind()
	return say.T("reminder.what_"+string(kind), "n", n)
}

// calendar is that of a plan's own people; NotFound where there is no such plan.
func (rm *Room) calendar(ctx context.Context, r store.Reader, id string) (Calendar, string, error) {
	c, scope, err := calendar(ctx, r, id)
	if errors.Is(err, store.ErrNone) {
		err = fault.New(fault.NotFound, "reminder.no_rollout")
	}
	c.House = rm.Site.House
	return c, scope, err
}

type announcementView struct {
	page.View
	Plan   rollout.Plan
	Scope  string
	People int
	Refuse string // phrase of why it cannot be sent; empty: it can
}

func (rm *Room) announcement(w http.ResponseWriter, r *http.Request) error {
	c, scope, err := rm.calendar(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	view := &announcementView{Plan: c.Plan(), Scope: scope, Refuse: refuses(c, rm.Site.Now())}
	if view.Refuse == "" {
		if view.People, err = rm.count(r.Context(), c.Plan()); err != nil {
			return err
		}
	}
	return rm.page.Show(w, r, http.StatusOK, "announcement", "reminder.announce_title", view)
}

// refuses is why the announcement cannot be sent at now.
func refuses(c Calendar, now time.Time) string {
	switch {
	case c.withdrawn():
		return "reminder.withdrawn"
	case !now.Before(c.OwnEnd()):
		return "reminder.over"
	}
	return ""
}

// count is how many people a rollout's letters concern now.
func (rm *Room) count(ctx context.Context, plan rollout.Plan) (n int, err error) {
	book, err := rollout.ReadBook(ctx, rm.DB)
	if err != nil {
		return 0, err
	}
	now := rm.Site.Now()
	err = rollout.EachOpen(ctx, rm.DB, func(o rollout.Open) error {
		if _, _, ok := concerned(book, plan.ID, o, now); ok {
			n++
		}
		return nil
	})
	return n, err
}

// announce has the announcement sent. It only writes that it is to be: the next
// Run sends it, and goes on with it should this node die.
func (rm *Room) announce(w http.ResponseWriter, r *http.Request) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	v, id := session.Of(r.Context()), r.PathValue("id")
	err := rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		c, _, err := rm.calendar(ctx, tx, id)
		if err != nil {
			return err
		}
		if why := refuses(c, tx.Now()); why != "" {
			return fault.New(fault.Refused, why)
		}
		there, err := begin(ctx, tx, round{Plan: id, What: Announcement, Due: tx.Now(), AskedBy: v.Ref.ID})
		if err != nil {
			return err
		}
		if err := reopen(ctx, tx, there, v.Ref.ID); err != nil {
			return err
		}
		entry := v.Entry("rollout:announcement:mailed", map[string]string{"version": strconv.FormatInt(c.Plan().Version, 10)})
		entry.Subject = id
		return audit.Record(ctx, tx, rm.Keys, entry)
	})
	if err != nil {
		return err
	}
	return page.See(w, "/operator/rollouts/"+id+"/reminders?done=announced")
}
