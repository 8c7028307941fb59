package people

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"nidan/internal/act"
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
	Shown  Show
	Shows  []page.Option
	Now    time.Time
	Me     string // the visitor's own id
	Next   string // address of the next page, or empty
	First  string // address of the first page, where this is another
	Acts   bool   // two steps: what else can be done is offered
	Setup  bool   // by one step, in the period
	Opens  time.Time
}

// Waiting says, of the list of those who are locked, that a row waits after wrong codes.
func (l *listView) Waiting(p Person) bool { return l.Shown == ShowLocked && !p.Stopped && !p.Void }

func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	v, query := session.Of(r.Context()), r.URL.Query()
	if err := refusal(act.May(act.SeePeople, v.Who(rm.Site.Now()), act.Whom{Ref: v.Ref, Authority: v.Person.Authority})); err != nil {
		return err
	}
	s := search{typed: clip(query.Get("q"), longestSearch), show: parseShow(query.Get("show")), after: parseMark(clip(query.Get("after"), longestMark))}
	found, err := list(r.Context(), rm.DB, v.Ref.Organization, s, rm.Site.Now(), perPage+1)
	if err != nil {
		return err
	}
	view := &listView{Typed: s.typed, Shown: s.show, Now: rm.Site.Now(), Me: v.Ref.ID, Acts: v.TwoStep, Setup: v.Setup, Opens: v.Opens}
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
		view.Next = address(mark{found[perPage-1].NameKey, found[perPage-1].ID}.String())
	}
	if s.after != (mark{}) {
		view.First = address("")
	}
	say := rm.Site.Speak(r)
	for _, show := range shows {
		view.Shows = append(view.Shows, page.Option{Value: string(show), Label: say.T("people.show_" + string(show)), Checked: show == s.show})
	}
	view.People = found
	view.Notice = rm.done(r, "", "delete")
	return rm.page.Show(w, r, http.StatusOK, "list", "people.title", view)
}

// Bounds of what comes by an address, in characters.
const (
	longestSearch = 100
	longestMark   = 400
)

// clip makes what came by an address short and fit for the store.
func clip(text string, longest int) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, text))
	return string(runes[:min(len(runes), longest)])
}

type personView struct {
	page.View
	Person
	Passes []pass.Record
	Now    time.Time
	Self   bool
	Acts   bool // two steps: what else can be done is offered
	Setup  bool // by one step, in the period
	Opens  time.Time
	May    map[string]bool // deeds and forms, by the name of their page
	Waits  time.Time       // no code is looked at until then; zero: it is
}

func (rm *Room) person(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.about(r, act.SeePeople, false)
	if err != nil {
		return err
	}
	v, now := session.Of(r.Context()), rm.Site.Now()
	view := &personView{Person: p, Now: now, Self: self(r.Context(), p), Acts: v.TwoStep, Setup: v.Setup, Opens: v.Opens,
		May: rm.offered(r, p), Waits: p.Ledger.Again(now)}
	if view.Passes, err = pass.Of(r.Context(), rm.DB, p.Ref, 10); err != nil {
		return err
	}
	view.Notice = rm.done(r, p.Name, "totp", "mailotp", "mailed", "withdrawn", "same", "added", "edited", "unchanged", "declined",
		"suspend", "return", "guide", "unlock")
	return rm.page.Show(w, r, http.StatusOK, "person", "people.person_title", view)
}

// offered are the acts at hand: those that the table allows, if need be after a fresh
// proof. Whether he is the last able one is told by the page of the act.
func (rm *Room) offered(r *http.Request, p Person) map[string]bool {
	who := session.Of(r.Context()).Who(rm.Site.Now())
	whom := act.Whom{Ref: p.Ref, Authority: p.Authority, Suspended: !p.Suspended.IsZero(), Enrolled: p.Enrolled(), EverEnrolled: p.Ever}
	who.FreshCode, who.FreshPassword = who.Standing == act.TwoSteps, who.Standing == act.OneStep // what is missing is asked there
	may := map[string]bool{}
	for name, a := range map[string]act.Act{"edit": act.EditPerson, "address": act.ChangeAddress, "method": act.ChangeMethod, "pass": act.GivePass} {
		may[name] = act.May(a, who, whom) == act.Allowed
	}
	for _, d := range []deed{suspending, lifting, deleting, guiding, unlocking} {
		may[d.name] = act.May(d.act, who, whom) == act.Allowed
	}
	stands := p.Suspended.IsZero()
	may["suspend"], may["return"] = may["suspend"] && stands, may["return"] && !stands
	return may
}
