package people

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/session"
)

// perPage is how many people a page of the list shows: as many as can be given a
// pass in one form.
const perPage = 25

type listView struct {
	page.View
	People []Person
	Typed  string
	Shows  []page.Option
	Now    time.Time
	Me     string // the visitor's own id
	Next   string // address of the next page, or empty
	First  string // address of the first page, where this is another
	All    bool   // nothing is filtered
}

func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	v, query := session.Of(r.Context()), r.URL.Query()
	s := search{typed: clip(query.Get("q")), show: parseShow(query.Get("show")), after: clip(query.Get("after"))}
	found, err := list(r.Context(), rm.DB, v.Ref.Organization, s, perPage+1)
	if err != nil {
		return err
	}
	view := &listView{Typed: s.typed, Now: rm.Site.Now(), Me: v.Ref.ID, All: s.typed == "" && s.show == ShowAll}
	address := func(after string) string {
		values := url.Values{}
		for name, value := range map[string]string{"q": s.typed, "show": string(s.show), "after": after} {
			if value != "" {
				values.Set(name, value)
			}
		}
		if len(values) == 0 {
			return "/accounts"
		}
		return "/accounts?" + values.Encode()
	}
	if len(found) > perPage {
		found = found[:perPage]
		view.Next = address(found[perPage-1].ID)
	}
	if s.after != "" {
		view.First = address("")
	}
	say := rm.Site.Speak(r)
	for _, show := range []Show{ShowAll, ShowOpen, ShowEnrolled, ShowSuspended} {
		view.Shows = append(view.Shows, page.Option{Value: string(show), Label: say.T("people.show_" + string(show)), Checked: show == s.show})
	}
	view.People = found
	return rm.page.Show(w, r, http.StatusOK, "list", "people.title", view)
}

// clip makes what came by an address short and fit for the store.
func clip(text string) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, text))
	return string(runes[:min(len(runes), 100)])
}

type personView struct {
	page.View
	Person
	Passes []pass.Record
	Now    time.Time
	Self   bool
}

func (rm *Room) person(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.of(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	view := &personView{Person: p, Now: rm.Site.Now(), Self: self(r.Context(), p)}
	if view.Passes, err = pass.Of(r.Context(), rm.DB, p.Ref, 10); err != nil {
		return err
	}
	view.Notice = rm.done(r, p.Name, "totp", "mailotp", "mailed", "withdrawn", "same")
	return rm.page.Show(w, r, http.StatusOK, "person", "people.person_title", view)
}
