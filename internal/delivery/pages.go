package delivery

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/page"
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
	DB   *store.DB
	Keys *secret.Keys
	Site *page.Site
	Wake func() // tells the post that letters wait
}

// Room is the operators' pages of the mail.
type Room struct {
	Needs
	page *page.Room
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Wake == nil {
		return nil, errors.New("delivery: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /operator/mail", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.outbox)},
		{Pattern: "POST /operator/mail", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.retry)},
		{Pattern: "GET /operator/mail/undeliverable", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.undeliverable)},
		{Pattern: "GET /operator/mail/undeliverable.csv", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.table)},
	}
}

type outboxView struct {
	page.View
	Loads       []mail.Load
	Parked      []mail.Parked
	More        bool // there are parked letters beyond those shown
	Retriable   bool // one of them can be tried again
	Unreachable int64
}

func (rm *Room) outbox(w http.ResponseWriter, r *http.Request) error {
	now := rm.Site.Now()
	loads, unreachable, err := mail.Loads(r.Context(), rm.DB, now.Add(-recently), now)
	if err != nil {
		return err
	}
	parked, err := mail.ParkedLetters(r.Context(), rm.DB, now, parkedAtOnce+1)
	if err != nil {
		return err
	}
	view := &outboxView{Loads: loads, Parked: parked[:min(len(parked), parkedAtOnce)], More: len(parked) > parkedAtOnce, Unreachable: unreachable}
	for _, p := range view.Parked {
		view.Retriable = view.Retriable || p.Retriable
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("retried")); err == nil && n >= 0 {
		view.Notice = rm.Site.Speak(r).T("delivery.retried", "n", n)
	}
	return rm.page.Show(w, r, http.StatusOK, "outbox", "delivery.title", view)
}

// errGone is a letter that is not parked any more, or was a code that has expired.
var errGone = fault.New(fault.NotFound, "delivery.gone")

// retry gives one parked letter, or all of them, to the post again.
func (rm *Room) retry(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	letter := form.Text("letter")
	v, n := session.Of(r.Context()), int64(0)
	err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if n, err = again(ctx, tx, letter); err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: audit.Operators, Act: "mail:letter:retried", Actor: v.Actor(),
			Subject: letter, Network: v.From, Detail: map[string]string{"letters": strconv.FormatInt(n, 10)}})
	})
	if err != nil {
		return err
	}
	if letter != "" && n == 0 {
		return errGone
	}
	rm.Wake()
	return page.See(w, "/operator/mail?retried="+strconv.FormatInt(n, 10))
}

func again(ctx context.Context, tx *store.Tx, letter string) (int64, error) {
	if letter == "" {
		return mail.Retry(ctx, tx)
	}
	one, err := mail.RetryOne(ctx, tx, letter)
	if one {
		return 1, err
	}
	return 0, err
}

type undeliverableView struct {
	page.View
	List  []mail.Undeliverable
	First bool   // this is not the first page
	Next  string // address of the next; empty: there is none
}

func (rm *Room) undeliverable(w http.ResponseWriter, r *http.Request) error {
	from := parsed(r.URL.Query().Get("after"))
	list, err := mail.Undeliverables(r.Context(), rm.DB, "", from, listedAtOnce+1)
	if err != nil {
		return err
	}
	view := &undeliverableView{List: list, First: from != mail.Mark{}}
	if len(list) > listedAtOnce {
		view.List = list[:listedAtOnce]
		view.Next = "/operator/mail/undeliverable?" + url.Values{"after": {written(list[listedAtOnce-1].After())}}.Encode()
	}
	return rm.page.Show(w, r, http.StatusOK, "undeliverable", "delivery.undeliverable_title", view)
}

// table is the whole list, for a spreadsheet: times in UTC, names of columns that
// do not change with the language.
func (rm *Room) table(w http.ResponseWriter, r *http.Request) error {
	header := []string{"organization", "name", "email", "source", "status", "words", "since", "latest", "mails"}
	return page.CSV(w, "undeliverable.csv", header, func(line func(...string) error) error {
		from := mail.Mark{}
		for {
			list, err := mail.Undeliverables(r.Context(), rm.DB, "", from, csvAtOnce)
			if err != nil {
				return err
			}
			for _, u := range list {
				if err := line(u.OrganizationName, u.Name, u.Recipient, string(u.Source), u.Status, u.Words,
					u.Since.Format(time.RFC3339), u.Latest.Format(time.RFC3339), strconv.FormatInt(u.Mails, 10)); err != nil {
					return err
				}
			}
			if len(list) < csvAtOnce {
				return nil
			}
			from = list[len(list)-1].After()
		}
	})
}
