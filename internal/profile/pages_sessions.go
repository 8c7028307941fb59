package profile

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type sessionsView struct {
	page.View
	List   []entry
	Others int
}

// entry is one open session as it is shown.
type entry struct {
	session.Session
	Browser Browser
	Where   string // the network it was begun from
	This    bool
}

func (m *Room) showSessions(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	open, err := session.List(r.Context(), m.DB, v.Ref, m.Site.Now())
	if err != nil {
		return err
	}
	view := &sessionsView{}
	for _, s := range open {
		one := entry{Session: s, Browser: Read(s.Agent), Where: strings.TrimSuffix(s.Network, "/32"), This: s.ID == v.Session.ID}
		if !one.This {
			view.Others++
		}
		view.List = append(view.List, one)
	}
	view.Notice = m.done(r, "one", "others")
	return m.page.Show(w, r, http.StatusOK, "sessions", "profile.sessions_title", view)
}

func (m *Room) postSessions(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	v := session.Of(r.Context())
	end, done := m.endOne(form.Text("session")), "one"
	if form.Text("act") == "others" {
		end, done = m.endOthers, "others"
	}
	err = m.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		return end(ctx, tx, v)
	})
	if errors.Is(err, store.ErrNone) {
		return fault.New(fault.NotFound, "profile.no_session")
	}
	if err != nil {
		return err
	}
	return page.See(w, "/sessions?done="+done)
}

// endOne ends one session of the visitor. One that is unknown, somebody else's or
// over already is answered alike.
func (m *Room) endOne(id string) func(context.Context, *store.Tx, *session.Visit) error {
	return func(ctx context.Context, tx *store.Tx, v *session.Visit) error {
		if err := session.End(ctx, tx, v.Ref, id, "ended by its owner"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, m.Keys, v.Entry("account:session:ended", map[string]string{"session": id}))
	}
}

func (m *Room) endOthers(ctx context.Context, tx *store.Tx, v *session.Visit) error {
	n, err := session.EndAll(ctx, tx, v.Ref, v.Session.ID, "ended by its owner")
	if err != nil || n == 0 {
		return err
	}
	return audit.Record(ctx, tx, m.Keys, v.Entry("account:session:ended",
		map[string]string{"session": "all others", "count": strconv.FormatInt(n, 10)}))
}
