package address

import (
	"context"
	"errors"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type linkView struct {
	page.View
	Case
	Own  bool // the owner is signed in here, with two steps
	Done bool
}

// Old is the address until now, as shown to somebody who has not proved to own it.
func (v *linkView) Old() string { return account.Mask(v.Email) }

// showLink shows what the link is for. It spends nothing: programs that look into
// mails open every link. Once used it says so, as long as it would have lived.
func (rm *Room) showLink(w http.ResponseWriter, r *http.Request) error {
	return rm.link(w, r, http.StatusOK, nil)
}

func (rm *Room) link(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault) error {
	c, err := byToken(r.Context(), rm.DB, r.PathValue("token"))
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	v, now := session.Of(r.Context()), rm.Site.Now()
	view := &linkView{Case: c, Own: v.TwoStep && v.Ref == c.Ref}
	view.Faults = faults
	switch state := c.Change.State(now); {
	case state == IsSent:
		return rm.page.Show(w, r, status, "link", "address.link_title", view)
	case state == IsUsed && now.Before(c.Change.Expires):
		return rm.page.Show(w, r, http.StatusOK, "done", "address.changed_title", view)
	}
	return rm.page.Show(w, r, http.StatusNotFound, "dead", "address.dead_title", &struct{ page.View }{})
}

// postLink is the answer of the new mailbox: the address changes here.
func (rm *Room) postLink(w http.ResponseWriter, r *http.Request) error {
	if _, err := page.Read(r); err != nil {
		return err
	}
	v, token := session.Of(r.Context()), r.PathValue("token")
	c, err := byToken(r.Context(), rm.DB, token)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	if c.Change.State(rm.Site.Now()) != IsSent { // nobody takes a turn at writing without a link
		return rm.link(w, r, http.StatusOK, nil)
	}
	var cookie string
	err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		cookie, err = rm.move(ctx, tx, v, token)
		return err
	})
	switch f := fault.Of(err); {
	case f != nil && (f.Kind == fault.Taken || f.Kind == fault.Refused):
		return rm.link(w, r, page.Status(f.Kind), []*fault.Fault{fault.Field("", f.Phrase)})
	case errors.Is(err, store.ErrNone):
		return rm.link(w, r, http.StatusOK, nil) // used meanwhile, or dead
	case err != nil:
		return err
	}
	rm.Wake()
	if cookie != "" {
		session.Give(w, rm.Site, cookie)
	}
	return page.See(w, r.URL.Path)
}
