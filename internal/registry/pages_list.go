package registry

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/store"
)

// perPage is how many organizations, or Portal Admins, a page shows.
const perPage = 25

type listView struct {
	page.View
	Organizations []Listed
	Typed         string
	Shows         []page.Option
	ByAddress     bool // a mail address was typed
	Person        Person
	Next, First   string // addresses of pages, or empty
	All           bool   // nothing is filtered
}

// list is the register: all, some by name, or whoever signs in with an address.
func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	view := &listView{Typed: clip(query.Get("q"))}
	show, after := parseShow(query.Get("show")), query.Get("after")
	say := rm.Site.Speak(r)
	for _, one := range shows {
		view.Shows = append(view.Shows, page.Option{Value: string(one), Label: say.T("registry.show_" + string(one)), Checked: one == show})
	}
	var err error
	if key := account.Key(view.Typed); key != "" && strings.Contains(key, "@") {
		view.ByAddress = true
		if view.Person, err = byAddress(r.Context(), rm.DB, key); err != nil && !errors.Is(err, store.ErrNone) {
			return err
		}
		return rm.page.Show(w, r, http.StatusOK, "list", "registry.title", view)
	}
	if !plainID(after) {
		after = ""
	}
	view.All = view.Typed == "" && show == ShowAll
	found, err := List(r.Context(), rm.DB, Search{Typed: organization.NameKey(view.Typed), Show: show, After: after}, perPage+1)
	if err != nil {
		return err
	}
	address := func(after string) string {
		values := url.Values{}
		for name, value := range map[string]string{"q": view.Typed, "show": string(show), "after": after} {
			if value != "" {
				values.Set(name, value)
			}
		}
		return strings.TrimSuffix("/operator/organizations?"+values.Encode(), "?")
	}
	if len(found) > perPage {
		found = found[:perPage]
		view.Next = address(found[perPage-1].ID)
	}
	if after != "" {
		view.First = address("")
	}
	view.Organizations = found
	return rm.page.Show(w, r, http.StatusOK, "list", "registry.title", view)
}
