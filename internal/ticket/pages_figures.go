package ticket

import (
	"context"
	"html/template"
	"math"
	"net/http"
	"time"

	"nidan/internal/hours"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/plot"
	"nidan/internal/progress"
)

// figured is how many days the figures are of.
const figured = 56

// Course is how a rollout has come along, which tickets are shown beside.
type Course struct {
	Rollout     string // its id
	Own         bool   // of one organization, not of the portal
	Opens, Ends time.Time
	Hours       []progress.Hour // in order: what happened in each, to whom it covers
}

// Beside is the rollout that ran at any time since an instant; false: none did.
type Beside func(ctx context.Context, since time.Time) (c Course, ok bool, err error)

// tally is what happened on one day, or of one category.
type tally struct {
	Name                     string
	Day                      hours.Day
	Opened, Answered, Closed int64
	Took                     time.Duration // in all
	Enrolled                 int64         // newly, in the rollout
	Sum                      int64         // enrolled at the day's end
}

// Mean is the business time to the first answer, on average; 0: none was given.
func (t tally) Mean() time.Duration {
	if t.Answered == 0 {
		return 0
	}
	return (t.Took / time.Duration(t.Answered)).Round(time.Minute)
}

func (t *tally) add(c Count) {
	switch c.What {
	case "opened":
		t.Opened += c.N
	case "answered":
		t.Answered += c.N
		t.Took += c.Took
	case "closed":
		t.Closed += c.N
	}
}

// tallies puts counts together by day, each day of so many once, and by category.
func tallies(counts []Count, first hours.Day, days int) (byDay, byCategory []tally, all tally) {
	place := map[int64]int{}
	for n := range days {
		place[first.Plus(n).Number()] = n
		byDay = append(byDay, tally{Day: first.Plus(n)})
	}
	for _, name := range Categories() {
		byCategory = append(byCategory, tally{Name: name})
	}
	for _, c := range counts {
		if n, ok := place[c.Day]; ok {
			byDay[n].add(c)
		}
		for i := range byCategory {
			if byCategory[i].Name == c.Category {
				byCategory[i].add(c)
			}
		}
		all.add(c)
	}
	return byDay, byCategory, all
}

// enroll says of each day who enrolled on it, and who had at its end, until the
// rollout's own: what came before these days counts in the sum.
func enroll(days []tally, c Course, zone *time.Location) {
	sum, i := int64(0), 0
	for _, h := range c.Hours {
		if !h.At.Before(c.Ends) {
			break
		}
		day := hours.DayOf(h.At, zone)
		for i < len(days) && days[i].Day.Number() < day.Number() {
			days[i].Sum = sum
			i++
		}
		sum += h.Enrolled()
		if i < len(days) && days[i].Day == day {
			days[i].Enrolled += h.Enrolled()
		}
	}
	for ; i < len(days); i++ {
		days[i].Sum = sum
	}
}

type figuresView struct {
	page.View
	Course     Course
	Ran        bool    // a rollout ran in these days
	Days       []tally // the latest first
	Category   []tally
	All        tally
	Opened     []template.HTML
	Answers    []template.HTML
	Enrolled   []template.HTML // the rollout's curve over the same days
	Categories template.HTML
}

// N says a number.
func (v *figuresView) N(n int64) string { return phrase.Number(n) }

// On says a day.
func (v *figuresView) On(d hours.Day) string {
	return v.Zones.ShortDay(v.Lang, noon(d, v.Site.House))
}

func noon(d hours.Day, zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, zone)
}

// figures are how many tickets were opened and closed on each day, beside them the
// rollout's curve, how long the first answer took, and what they were about.
func (rm *Room) figures(w http.ResponseWriter, r *http.Request) error {
	first := hours.DayOf(rm.Site.Now(), rm.Site.House).Plus(1 - figured)
	list, err := counts(r.Context(), rm.DB, first.Number())
	if err != nil {
		return err
	}
	view := &figuresView{}
	view.Days, view.Category, view.All = tallies(list, first, figured)
	if rm.Beside != nil {
		since := time.Date(first.Year, first.Month, first.Day, 0, 0, 0, 0, rm.Site.House)
		if view.Course, view.Ran, err = rm.Beside(r.Context(), since); err != nil {
			return err
		}
	}
	enroll(view.Days, view.Course, rm.Site.House)
	rm.draw(r, view)
	reversed := make([]tally, 0, figured)
	for i := range view.Days {
		reversed = append(reversed, view.Days[len(view.Days)-1-i])
	}
	view.Days = reversed
	return rm.page.Show(w, r, http.StatusOK, "figures", "ticket.figures_title", view)
}

// frame is what all plots over the days have in common: the days, and where in them
// the rollout opened and ended.
func (v *figuresView) frame(say page.Speaker, house *time.Location) plot.Plot {
	frame := plot.Plot{From: 0, To: float64(len(v.Days)), Margin: []string{say.T("ticket.plot_opened"), say.T("ticket.plot_closed"),
		say.T("ticket.plot_enrolled", "n", v.Days[len(v.Days)-1].Sum), say.T("ticket.plot_answers")}} // all have one width
	for i, d := range v.Days {
		frame.X = append(frame.X, plot.Tick{At: middle(i), Name: phrase.Zones{House: house}.ShortDay(say.Lang, noon(d.Day, house))})
	}
	if !v.Ran {
		return frame
	}
	for _, one := range []plot.Rule{{At: v.at(v.Course.Opens, house), Name: say.T("ticket.plot_opening"), Look: plot.Known},
		{At: v.at(v.Course.Ends, house), Name: say.T("ticket.plot_end"), Look: plot.Ends}} {
		if one.At >= frame.From && one.At <= frame.To {
			frame.Rules = append(frame.Rules, one)
		}
	}
	return frame
}

// middle is where a day stands, of those that are drawn from 0 on.
func middle(day int) float64 { return float64(day) + 0.5 }

// at is where an instant stands.
func (v *figuresView) at(t time.Time, house *time.Location) float64 {
	first := v.Days[0].Day
	return t.Sub(time.Date(first.Year, first.Month, first.Day, 0, 0, 0, 0, house)).Hours() / 24
}

func (rm *Room) draw(r *http.Request, view *figuresView) {
	say, days := rm.Site.Speak(r), view.Days
	frame := view.frame(say, rm.Site.House)
	line := func(of func(tally) float64) (points []plot.Point, most int64) {
		for i, d := range days {
			points = append(points, plot.Point{X: middle(i), Y: of(d)})
			most = max(most, int64(math.Ceil(of(d))))
		}
		return points, most
	}
	one := frame
	opened, most := line(func(t tally) float64 { return float64(t.Opened) })
	closed, mostClosed := line(func(t tally) float64 { return float64(t.Closed) })
	one.ID, one.Title = "opened", say.T("ticket.plot_opened_title")
	one.Description = say.T("ticket.plot_opened_about", "opened", view.All.Opened, "closed", view.All.Closed, "days", len(days))
	one.Lines = []plot.Line{{Points: opened, Look: plot.Known, Name: say.T("ticket.plot_opened")}, {Points: closed, Look: plot.Other, Name: say.T("ticket.plot_closed")}}
	view.Opened = drawn(one, max(most, mostClosed))
	if view.Ran {
		two := frame
		last := days[len(days)-1].Sum
		began := days[0].Sum - days[0].Enrolled
		sums := []plot.Point{{X: 0, Y: float64(began)}}
		for i, d := range days {
			sums = append(sums, plot.Point{X: float64(i + 1), Y: float64(d.Sum)})
		}
		two.ID, two.Title = "enrolled", say.T("ticket.plot_enrolled_title")
		two.Description = say.T("ticket.plot_enrolled_about", "from", began, "to", last)
		two.Lines = []plot.Line{{Points: sums, Look: plot.Known, Name: say.T("ticket.plot_enrolled", "n", last)}}
		view.Enrolled = drawn(two, last)
	}
	three := frame
	var answers []plot.Point
	longest := int64(0)
	for i, d := range days {
		if d.Answered > 0 { // no answer took no time
			answers = append(answers, plot.Point{X: middle(i), Y: d.Mean().Hours()})
			longest = max(longest, int64(math.Ceil(d.Mean().Hours())))
		}
	}
	three.ID, three.Title = "answers", say.T("ticket.plot_answers_title")
	three.Description = say.T("ticket.plot_answers_none")
	if view.All.Answered > 0 {
		three.Description = say.T("ticket.plot_answers_about", "mean", say.Length(view.All.Mean()))
	}
	three.Lines = []plot.Line{{Points: answers, Look: plot.Known, Name: say.T("ticket.plot_answers")}}
	view.Answers = drawn(three, longest)
	bars := plot.Bars{ID: "categories", Title: say.T("ticket.by_category"), Description: say.T("ticket.plot_categories_about")}
	for _, c := range view.Category {
		bars.Rows = append(bars.Rows, plot.Row{Name: say.T("ticket.category_" + c.Name), Bars: []plot.Bar{
			{Amount: float64(c.Opened), Look: plot.Known, Name: say.T("ticket.bar_opened", "n", c.Opened)},
			{Amount: float64(c.Closed), Look: plot.Other, Name: say.T("ticket.bar_closed", "n", c.Closed)}}})
	}
	view.Categories = template.HTML(bars.SVG()) // the plot escapes what it is given
}

// drawn is a plot in each size; app.css shows one of them.
func drawn(p plot.Plot, most int64) (list []template.HTML) {
	p.Most, p.Y = float64(max(most, 1)), plot.UpTo(max(most, 1), phrase.Number)
	for _, size := range []plot.Size{plot.Wide, plot.Narrow} {
		list = append(list, template.HTML(p.SVG(size))) // the plot escapes what it is given
	}
	return list
}
