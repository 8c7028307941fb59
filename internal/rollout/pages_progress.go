package rollout

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/route"
	"nidan/internal/session"
)

// progressRoutes are the pages on which the changeover is watched.
func (rm *Room) progressRoutes() []route.Route {
	return []route.Route{
		{Pattern: "GET /operator/rollouts/{id}/progress", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.showProgress)},
		{Pattern: "GET /operator/rollouts/{id}/organizations", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.showOrganizations)},
		{Pattern: "GET /operator/rollouts/{id}/organizations.csv", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.organizationsCSV)},
		{Pattern: "GET /operator/rollouts/{id}/days.csv", Gate: route.OperatorDoer, Serve: rm.Site.Serve(rm.daysCSV)},
		{Pattern: "GET /progress", Gate: route.AdminOnly, Serve: rm.Site.Serve(rm.showOwn)},
		{Pattern: "GET /progress/days.csv", Gate: route.AdminFresh, Serve: rm.Site.Serve(rm.ownDaysCSV)},
	}
}

// shelf is a node's copy of what was planned, with the version it was read at.
type shelf struct {
	version int64
	book    Book
}

// book is every rollout, from the copy where the gate of this very request saw the
// same version: so it costs no round trip, and is as new as the gate's own.
func (rm *Room) book(ctx context.Context) (Book, error) {
	version := session.Of(ctx).Policy
	if kept := rm.copy.Load(); kept != nil && version != 0 && kept.version == version {
		return kept.book, nil
	}
	book, err := ReadBook(ctx, rm.DB)
	if err == nil {
		rm.copy.Store(&shelf{version, book})
	}
	return book, err
}

// count is a node's copy of whom mail does not reach, by organization.
type count struct {
	at     time.Time
	people map[string]int64
}

// countLasts is for how long the copy is shown; Count renews it sooner.
const countLasts = 2 * time.Minute

// Count counts anew whom mail does not reach, for the pages of progress: beside the
// requests, since of a large portal it is no statement for a page.
func (rm *Room) Count(ctx context.Context) error {
	people, err := progress.Unreached(ctx, rm.DB)
	if err == nil {
		rm.counted.Store(&count{rm.Site.Now(), people})
	}
	return err
}

// unreached is whom mail does not reach, as counted last.
func (rm *Room) unreached(ctx context.Context) (map[string]int64, error) {
	kept := rm.counted.Load()
	if kept != nil {
		if age := rm.Site.Now().Sub(kept.at); age >= 0 && age < countLasts {
			return kept.people, nil
		}
	}
	if err := rm.Count(ctx); err != nil {
		return nil, err
	}
	return rm.counted.Load().people, nil
}

// slowest is how many organizations the page names.
const slowest = 20

// perPage is how many organizations or people a page of a list has.
const perPage = 100

// stage is a stage of the changeover, and how many came that far.
type stage struct {
	Name  string // the phrase of it
	N     int64
	Share string
}

// progressView shows how far a rollout has come; the fields of the page of an
// organization's own Portal Admins stand in ownView.
type progressView struct {
	page.View
	watched
	Phase    Phase
	Stages   []stage
	Forecast progress.Forecast
	Estimate progress.Estimate
	Enrolled []template.HTML // the plot, in each size
	Methods  []template.HTML
	Days     []progress.Day // what the table shows, in its order
	Weekly   bool
	Slowest  []standing
	Over     bool
}

// Planned says whether there is a rollout to speak of.
func (v *progressView) Planned() bool { return v.Plan.ID != "" }

// Own says whether this is the page of an organization's own Portal Admins.
func (v *progressView) Own() bool { return false }

// Base is the address that others of this rollout begin with.
func (v *progressView) Base() string { return "/operator/rollouts/" + v.Plan.ID }

// EndText says the end.
func (v *progressView) EndText() string { return v.View.End(v.Period().Ends) }

// Percent is a share of people.
func (v *progressView) Percent(n, of int64) string { return percent(n, of) }

// N writes a number.
func (v *progressView) N(n int64) string { return phrase.Number(n) }

// Day says when a day or a week of the table was.
func (v *progressView) Day(d progress.Day) string {
	zones := phrase.Zones{House: v.Zone}
	first, last := zones.Day(v.Lang, d.From), zones.Day(v.Lang, d.To.Add(-time.Nanosecond))
	if first == last {
		return first
	}
	return zones.ShortDay(v.Lang, d.From) + "–" + last
}

// Ahead is how many would not be enrolled at the end.
func (v *progressView) Ahead() int64 { return v.Course.Now.Accounts - v.Estimate.Enrolled }

// watch reads how far the rollout that the address names has come.
func (rm *Room) watch(r *http.Request) (*watched, error) {
	book, err := rm.book(r.Context())
	if err != nil {
		return nil, err
	}
	plan, ok := book.Find(r.PathValue("id"))
	if !ok {
		return nil, errUnknown
	}
	plan.Extended = book.Extended[[2]string{plan.ID, plan.Organization}]
	w := &watched{Plan: plan, At: rm.Site.Now(), Zone: plan.Location(rm.Site.House)}
	standings, err := progress.Each(r.Context(), rm.DB)
	if err != nil {
		return nil, err
	}
	but := []string{}
	if plan.Organization == "" {
		but = book.own(plan)
		w.Course.Hours, err = progress.ReadHours(r.Context(), rm.DB, but...)
	} else {
		w.Course, err = progress.ReadCourse(r.Context(), rm.DB, plan.Organization)
	}
	if err != nil {
		return nil, err
	}
	unreached, err := rm.unreached(r.Context())
	w.cover(standings, unreached, but)
	return w, err
}

func (rm *Room) showProgress(w http.ResponseWriter, r *http.Request) error {
	watched, err := rm.watch(r)
	if err != nil {
		return err
	}
	view := rm.progressView(r, *watched)
	slow, _ := sorted(watched.Organizations, "open")
	slow = slow[:min(len(slow), slowest)]
	view.Slowest = slices.DeleteFunc(slow, func(s standing) bool { return s.Open() == 0 })
	return rm.page.Show(w, r, http.StatusOK, "progress", rm.titled(r, "rollout.progress_title", Titled{watched.Plan, watched.Name}), view)
}

// progressView works out what the page says of figures.
func (rm *Room) progressView(r *http.Request, w watched) *progressView {
	now := w.Course.Now
	v := &progressView{watched: w, Phase: w.Plan.At(w.At)}
	v.Over = !w.At.Before(w.Period().Ends)
	for _, one := range []stage{{Name: "rollout.stage_told", N: now.Told}, {Name: "rollout.stage_signed", N: now.Signed},
		{Name: "rollout.stage_started", N: now.Started}, {Name: "rollout.stage_enrolled", N: now.Enrolled()}} {
		one.Share = percent(one.N, now.Accounts)
		v.Stages = append(v.Stages, one)
	}
	v.Forecast = w.Course.Forecast(w.Period(), w.At)
	v.Estimate = v.Forecast.AtEnd()
	days := w.Course.Days(w.Period(), w.At)
	if w.At.After(w.Plan.Opens) {
		v.Enrolled, v.Methods = rm.plots(r, w, days, v.Forecast)
	}
	if v.Weekly = len(days) > 31; v.Weekly {
		days = progress.Weeks(days)
	}
	v.Days = slices.Clone(days)
	slices.Reverse(v.Days)
	return v
}

type organizationsView struct {
	progressView
	Sort  string
	List  []standing
	First int
	Last  int
	After string // the next page's
}

// Sorting is how a column's heading says that the list is sorted by it.
func (v *organizationsView) Sorting(name string) string {
	for _, one := range sortings {
		switch {
		case one.Name != name:
		case v.Sort != name:
			return "none"
		case one.Falling:
			return "descending"
		default:
			return "ascending"
		}
	}
	return "none"
}

func (rm *Room) showOrganizations(w http.ResponseWriter, r *http.Request) error {
	watched, err := rm.watch(r)
	if err != nil {
		return err
	}
	view := &organizationsView{progressView: progressView{watched: *watched}}
	list, by := sorted(watched.Organizations, r.URL.Query().Get("sort"))
	from := 1 + slices.IndexFunc(list, func(s standing) bool { return s.Organization == r.URL.Query().Get("after") })
	to := min(from+perPage, len(list))
	view.Sort, view.List, view.First, view.Last = by, list[from:to], from+1, to
	if to < len(list) {
		view.After = list[to-1].Organization
	}
	return rm.page.Show(w, r, http.StatusOK, "progress_organizations",
		rm.titled(r, "rollout.organizations_title", Titled{watched.Plan, watched.Name}), view)
}

func (rm *Room) organizationsCSV(w http.ResponseWriter, r *http.Request) error {
	watched, err := rm.watch(r)
	if err != nil {
		return err
	}
	list, _ := sorted(watched.Organizations, r.URL.Query().Get("sort"))
	header := []string{"organization", "accounts", "told", "signed_in", "started", "enrolled", "totp", "mailotp", "not_enrolled", "mail_fails"}
	return page.CSV(w, "organizations.csv", header, func(line func(...string) error) error {
		for _, s := range list {
			if err := line(append([]string{s.Name}, numbers(s.Accounts, s.Told, s.Signed, s.Started, s.Enrolled(), s.TOTP, s.MailOTP, s.Open(), s.Unreached)...)...); err != nil {
				return err
			}
		}
		return nil
	})
}

func numbers(list ...int64) (texts []string) {
	for _, n := range list {
		texts = append(texts, strconv.FormatInt(n, 10))
	}
	return texts
}

func (rm *Room) daysCSV(w http.ResponseWriter, r *http.Request) error {
	watched, err := rm.watch(r)
	if err != nil {
		return err
	}
	return writeDays(w, *watched)
}

// writeDays writes every day of the period until now.
func writeDays(w http.ResponseWriter, of watched) error {
	header := []string{"from", "to", "told", "signed_in", "started", "enrolled", "totp", "mailotp", "enrolled_in_all"}
	return page.CSV(w, "days.csv", header, func(line func(...string) error) error {
		for _, d := range of.Course.Days(of.Period(), of.At) {
			cells := []string{d.From.In(of.Zone).Format(time.RFC3339), d.To.In(of.Zone).Format(time.RFC3339)}
			cells = append(cells, numbers(d.Told, d.Signed, d.Started, d.Enrolled(), d.TOTP, d.MailOTP, d.Sum.Enrolled())...)
			if err := line(cells...); err != nil {
				return err
			}
		}
		return nil
	})
}

// ownView is the page of an organization's own Portal Admins.
type ownView struct {
	progressView
	People []laggard
	After  string // the next page's
	Later  bool   // not the first page
	Remind bool   // people can be reminded from here
}

// Own says that it is.
func (v *ownView) Own() bool { return true }

// Base is where it stands.
func (v *ownView) Base() string { return "/progress" }

// own is the course of the visitor's own organization in the rollout it lives by.
func (rm *Room) own(r *http.Request) (w watched, planned bool, err error) {
	organization := session.Of(r.Context()).Ref.Organization
	book, err := rm.book(r.Context())
	if err != nil {
		return watched{}, false, err
	}
	w = watched{At: rm.Site.Now()}
	w.Plan, planned = book.In(organization, w.At)
	w.Zone = w.Plan.Location(rm.Site.House)
	w.Course, err = progress.ReadCourse(r.Context(), rm.DB, organization)
	return w, planned, err
}

func (rm *Room) showOwn(w http.ResponseWriter, r *http.Request) error {
	of, planned, err := rm.own(r)
	if err != nil {
		return err
	}
	view := &ownView{progressView: progressView{watched: of}}
	if planned {
		view.progressView = *rm.progressView(r, of)
	}
	after := r.URL.Query().Get("after")
	view.People, err = laggards(r.Context(), rm.DB, session.Of(r.Context()).Ref.Organization, after, perPage+1)
	if err != nil {
		return err
	}
	if len(view.People) > perPage {
		view.People = view.People[:perPage]
		view.After = view.People[perPage-1].ID
	}
	view.Later = after != ""
	view.Remind = planned && !of.At.Before(of.Plan.Opens) && of.At.Before(OwnEnd(of.Plan, time.Time{}))
	if n, err := strconv.Atoi(r.URL.Query().Get("reminded")); err == nil && n >= 0 {
		view.Notice = reminded(rm.Site.Speak(r), n)
	}
	return rm.page.Show(w, r, http.StatusOK, "progress", "rollout.own_title", view)
}

// reminded says how many people were written to.
func reminded(say page.Speaker, n int) string {
	if n == 0 {
		return say.T("rollout.reminded_nobody")
	}
	return say.T("rollout.reminded", "n", n)
}

func (rm *Room) ownDaysCSV(w http.ResponseWriter, r *http.Request) error {
	of, planned, err := rm.own(r)
	if err == nil && !planned {
		err = fault.New(fault.NotFound, "rollout.unknown")
	}
	if err != nil {
		return err
	}
	return writeDays(w, of)
}
