package ticket

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"nidan/internal/page"
	"nidan/internal/session"
)

// perPage is how many tickets a page of a list shows.
const perPage = 25

type listView struct {
	page.View
	Typed   string
	States  []page.Option
	Mine    bool
	Short   bool // what was typed is too short to be searched
	Tickets []Ticket
	All     bool // nothing is filtered
	First   string
	Next    string
	Few     bool // the search goes on behind what it has looked through
}

// asked reads a filter from an address; what is none is all.
func asked(query url.Values) Search {
	s := Search{Mine: query.Get("mine") == "yes"}
	if state := State(query.Get("state")); state == Open || state == Answered || state == Closed {
		s.State = state
	}
	s.After, _ = strconv.ParseInt(query.Get("after"), 10, 64)
	return s
}

// address is a page of a list with what it is asked for.
func address(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// list is a customer's tickets.
func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	v, query := session.Of(r.Context()), r.URL.Query()
	if v.Operator() {
		return page.See(w, "/operator/tickets")
	}
	s, view := asked(query), &listView{Typed: clip(query.Get("q"))}
	if n, ok := ParseNumber(view.Typed); ok {
		return page.See(w, "/tickets/"+n.String())
	}
	s.Pairs = Pairs(view.Typed, askedPairs)
	view.Short = view.Typed != "" && len(s.Pairs) == 0
	view.Mine, view.All = s.Mine, view.Typed == "" && s.State == "" && !s.Mine
	if !view.Short {
		found, err := own(r.Context(), rm.DB, v.Ref, s, perPage)
		if err != nil {
			return err
		}
		view.Tickets = found.Tickets
		mine := map[bool]string{true: "yes"}[s.Mine]
		if found.Next > 0 {
			view.Few = len(found.Tickets) < perPage
			view.Next = address("/tickets", "q", view.Typed, "state", string(s.State), "mine", mine, "after", strconv.FormatInt(found.Next, 10))
		}
		if s.After > 0 {
			view.First = address("/tickets", "q", view.Typed, "state", string(s.State), "mine", mine)
		}
	}
	say := rm.Site.Speak(r)
	view.States = []page.Option{{Label: say.T("ticket.state_all"), Checked: s.State == ""}}
	for _, state := range []State{Open, Answered, Closed} {
		view.States = append(view.States, page.Option{Value: string(state), Label: say.T("ticket.state_" + string(state)), Checked: s.State == state})
	}
	if query.Get("done") == "deleted" {
		view.Notice = say.T("ticket.done_deleted")
	}
	return rm.page.Show(w, r, http.StatusOK, "list", "ticket.title", view)
}

// clip makes what came by an address short and fit for the store.
func clip(text string) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "")))
	return strings.TrimSpace(string(runes[:min(len(runes), 100)]))
}
