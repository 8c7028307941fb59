package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"nidan/internal/progress"
)

// watched is how far a rollout has come: of everybody it covers.
type watched struct {
	Plan          Plan
	Name          string // of the organization; empty: the whole portal
	Course        progress.Course
	Organizations []standing
	Unreached     int64
	At            time.Time
	Zone          *time.Location
}

// standing is an organization with its figures, and how many of its people who are
// not enrolled mail does not reach.
type standing struct {
	progress.Standing
	Unreached int64
}

// own are the organizations that a portal's rollout does not cover, since one of
// their own replaced it.
func (b Book) own(p Plan) (list []string) {
	for _, other := range b.Plans {
		if other.Organization != "" && !slices.Contains(list, other.Organization) && !covers(b.Plans, p, other.Organization) {
			list = append(list, other.Organization)
		}
	}
	return list
}

// cover keeps the organizations that the plan covers, and adds up their figures.
func (w *watched) cover(standings []progress.Standing, unreached map[string]int64, but []string) {
	w.Course.Now = progress.Figures{}
	for _, s := range standings {
		if w.Plan.Organization != "" && s.Organization != w.Plan.Organization || slices.Contains(but, s.Organization) {
			continue
		}
		w.Organizations = append(w.Organizations, standing{s, unreached[s.Organization]})
		w.Course.Now = w.Course.Now.Plus(s.Figures)
		w.Unreached += unreached[s.Organization]
		if w.Plan.Organization != "" {
			w.Name = s.Name
		}
	}
}

// Period is the plan's, in the zone it is announced in.
func (w *watched) Period() progress.Period {
	return progress.Period{Opens: w.Plan.Opens, Ends: OwnEnd(w.Plan, time.Time{}), Zone: w.Zone}
}

// sortings are by what organizations can be listed; the first is the usual one.
var sortings = []struct {
	Name    string
	Falling bool
	compare func(a, b standing) int
}{
	{"open", true, func(a, b standing) int { return cmp.Compare(b.Open(), a.Open()) }},
	{"share", false, func(a, b standing) int { return cmp.Compare(share(a.Figures), share(b.Figures)) }},
	{"name", false, func(standing, standing) int { return 0 }},
	{"accounts", true, func(a, b standing) int { return cmp.Compare(b.Accounts, a.Accounts) }},
	{"unreached", true, func(a, b standing) int { return cmp.Compare(b.Unreached, a.Unreached) }},
}

// share is which part is enrolled; of nobody, all.
func share(f progress.Figures) float64 {
	if f.Accounts == 0 {
		return 1
	}
	return float64(f.Enrolled()) / float64(f.Accounts)
}

// sorted are organizations by one of the sortings, then by name; a sorting that
// there is not is the usual one, and so is none.
func sorted(list []standing, by string) ([]standing, string) {
	sorting := sortings[0]
	for _, one := range sortings {
		if one.Name == by {
			sorting = one
		}
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b standing) int {
		return cmp.Or(sorting.compare(a, b), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Organization, b.Organization))
	})
	return list, sorting.Name
}

// percent is a share for people: never 0% of somebody, nor 100% while one lacks.
func percent(n, of int64) string {
	switch {
	case of <= 0:
		return "–"
	case n > 0 && n*200 < of:
		return "<1%"
	case n < of && (of-n)*200 <= of:
		return ">99%"
	}
	return fmt.Sprintf("%d%%", (n*200+of)/(2*of))
}
