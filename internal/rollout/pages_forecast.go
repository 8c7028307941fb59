package rollout

import (
	"net/http"
	"strconv"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/progress"
)

// listedAtMost is how many organizations a first page names.
const listedAtMost = 50

// outcomeView shows a dry run; with Act, as the last page before something is done.
type outcomeView struct {
	page.View
	Plan    Titled
	Out     Outcome
	Struck  []Struck // the first of them
	Act     string   // "plan", "change" or "withdraw"; empty: only looked at
	Post    string   // where the form goes
	Hidden  []typed
	Was     Plan // change: as it stands
	Zone    string
	Told    []remindedAt
	Typed   string // the instant asked about
	Passed  bool   // the end is behind
	Another bool   // another end than the planned one was asked about
}

type typed struct{ Name, Value string }

// EndText says the end that was asked about.
func (v *outcomeView) EndText() string { return v.End(v.Out.At) }

// Said is the outcome in one breath.
func (v *outcomeView) Said() string {
	return v.Out.Sentence(v.Say(), v.Act == "withdraw")
}

// Organization is the name of an organization among the struck.
func (v *outcomeView) Organization(id string) string {
	for _, s := range v.Out.Struck {
		if s.Organization == id {
			return s.Name
		}
	}
	return ""
}

// Sentence says an outcome in one breath: of an end, or of a withdrawal now.
func (o Outcome) Sentence(say page.Speaker, withdrawn bool) string {
	key := "rollout.if_end"
	if withdrawn {
		key = "rollout.if_withdrawn"
	}
	switch {
	case o.People == 0 && withdrawn:
		return say.T("rollout.if_withdrawn_nobody")
	case o.People == 0:
		return say.T("rollout.if_nobody", "end", say.End(o.At))
	}
	headless := say.T("rollout.headless_none")
	if o.Headless > 0 {
		headless = say.T("rollout.headless_some", "n", o.Headless)
	}
	return say.T(key, "end", say.End(o.At), "people", say.T("rollout.people", "n", o.People),
		"organizations", say.T("rollout.organizations", "n", len(o.Struck)), "headless", headless)
}

// outcome makes the view of a dry run: of an end, or of a withdrawal (no end).
func (rm *Room) outcome(r *http.Request, plan Titled, end time.Time) (*outcomeView, error) {
	book, err := rm.upToDate(r)
	if err != nil {
		return nil, err
	}
	now := rm.Site.Now()
	run := NewWithdrawal(now, book, plan.Plan)
	if !end.IsZero() {
		run = NewDryRun(now, book, plan.Plan, end)
	}
	out, err := Foresee(r.Context(), rm.DB, run, nil)
	if err != nil {
		return nil, err
	}
	return &outcomeView{Plan: plan, Out: out, Struck: out.Struck[:min(len(out.Struck), listedAtMost)],
		Zone: plan.Location(rm.Site.House).String(), Told: rm.reminders(plan.Plan, now), Passed: !end.IsZero() && !end.After(now)}, nil
}

// upToDate reads the rollouts after what was noted of people is added up: a dry run
// is of now, not of some seconds ago.
func (rm *Room) upToDate(r *http.Request) (Book, error) {
	if _, err := progress.Fold(r.Context(), rm.DB); err != nil {
		return Book{}, err
	}
	return ReadBook(r.Context(), rm.DB)
}

func (rm *Room) forecast(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rm.find(r)
	if err != nil {
		return err
	}
	end, wrong := rm.asked(r, plan)
	view, err := rm.outcome(r, plan, end)
	if err != nil {
		return err
	}
	view.Typed, view.Another = r.URL.Query().Get("at"), !end.Equal(plan.Ends)
	status := http.StatusOK
	if wrong != nil {
		view.Faults, status = wrong, http.StatusUnprocessableEntity
	}
	return rm.page.Show(w, r, status, "outcome", rm.titled(r, "rollout.forecast_title", plan), view)
}

// asked is the end that was asked about, the plan's own where none was; what cannot
// be read, or lies before the opening, is a fault.
func (rm *Room) asked(r *http.Request, plan Titled) (end time.Time, wrong []*fault.Fault) {
	form, err := page.Query(r)
	if err != nil || !form.Has("at") {
		return plan.Ends, nil
	}
	at := form.Instant("at", plan.Location(rm.Site.House))
	if form.OK() && !at.After(plan.Opens) {
		form.Fault("at", "rollout.at_unreadable")
	}
	if !form.OK() {
		return plan.Ends, form.Faults()
	}
	return at, nil
}

func (rm *Room) forecastPeople(w http.ResponseWriter, r *http.Request) error {
	plan, _, err := rm.find(r)
	if err != nil {
		return err
	}
	book, err := rm.upToDate(r)
	if err != nil {
		return err
	}
	standings, err := Standings(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	names := map[string]Standing{}
	for _, s := range standings {
		names[s.Organization] = s
	}
	end, _ := rm.asked(r, plan)
	header := []string{"organization", "name", "email", "authority", "method", "fate", "mail_reaches", "able_portal_admins", "end"}
	return page.CSV(w, "forecast-people.csv", header, func(line func(...string) error) error {
		_, err := Foresee(r.Context(), rm.DB, NewDryRun(rm.Site.Now(), book, plan.Plan, end), func(o Open, fate Fate) error {
			if fate == NotConcerned {
				return nil
			}
			org := names[o.Organization]
			return line(org.Name, o.Name, o.Email, string(o.Authority), string(o.Method), fate.String(),
				strconv.FormatBool(!o.Undeliverable), strconv.Itoa(org.Able), end.UTC().Format(time.RFC3339))
		})
		return err
	})
}

// String names a fate for programs.
func (f Fate) String() string {
	return [...]string{"not_concerned", "locked_out", "asked_by_mail", "later", "already"}[f]
}
