package ticket

import (
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

// tally is what happened on one day, or of one category.
type tally struct {
	Name                     string
	Day                      hours.Day
	Opened, Answered, Closed int64
	Took                     time.Duration // in all
	Enrolled                 int64         // newly, in the whole portal
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

type figuresView struct {
	page.View
	Days     []tally // the latest first
	Category []tally
	All      tally
	Opened   []template.HTML
	Answers  []template.HTML
	Enrolled []template.HTML // the rollout's curve over the same days; empty: nobody enrolled in them
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

// figures are how many tickets were opened and closed on each day, how long the
// first answer took, and beside them how many people enrolled.
func (rm *Room) figures(w http.ResponseWriter, r *http.Request) error {
	first := hours.DayOf(rm.Site.Now(), rm.Site.House).Plus(1 - figured)
	list, err := counts(r.Context(), rm.DB, first.Number())
	if err != nil {
		return err
	}
	happened, err := progress.ReadHours(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view := &figuresView{}
	view.Days, view.Category, view.All = tallies(list, first, figured)
	enrolled := int64(0)
	for _, h := range happened {
		for i := range view.Days {
			if view.Days[i].Day == hours.DayOf(h.At, rm.Site.House) {
				view.Days[i].Enrolled += h.Enrolled()
				enrolled += h.Enrolled()
			}
		}
	}
	rm.draw(r, view, enrolled)
	reversed := make([]tally, 0, figured)
	for i := range view.Days {
		reversed = append(reversed, view.Days[len(view.Days)-1-i])
	}
	view.Days = reversed
	return rm.page.Show(w, r, http.StatusOK, "figures", "ticket.figures_title", view)
}

func (rm *Room) draw(r *http.Request, view *figuresView, enrolled int64) {
	say, days := rm.Site.Speak(r), view.Days
	frame := plot.Plot{From: 0, To: float64(len(days) - 1)}
	for i, d := range days {
		frame.X = append(frame.X, plot.Tick{At: float64(i), Name: phrase.Zones{House: rm.Site.House}.ShortDay(say.Lang, noon(d.Day, rm.Site.House))})
	}
	line := func(of func(tally) float64) (points []plot.Point, most int64) {
		for i, d := range days {
			points = append(points, plot.Point{X: float64(i), Y: of(d)})
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
	two := frame
	answers, most := line(func(t tally) float64 { return t.Mean().Hours() })
	two.ID, two.Title = "answers", say.T("ticket.plot_answers_title")
	two.Description = say.T("ticket.plot_answers_about", "mean", say.Length(view.All.Mean()))
	two.Lines = []plot.Line{{Points: answers, Look: plot.Known, Name: say.T("ticket.plot_answers")}}
	view.Answers = drawn(two, most)
	if enrolled == 0 {
		return
	}
	three, sum, curve := frame, int64(0), []plot.Point(nil)
	for i, d := range days {
		sum += d.Enrolled
		curve = append(curve, plot.Point{X: float64(i), Y: float64(sum)})
	}
	three.ID, three.Title = "enrolled", say.T("ticket.plot_enrolled_title")
	three.Description = say.T("ticket.plot_enrolled_about", "n", enrolled)
	three.Lines = []plot.Line{{Points: curve, Look: plot.Known, Name: say.T("ticket.plot_enrolled", "n", enrolled)}}
	view.Enrolled = drawn(three, enrolled)
}

// drawn is a plot in each size; app.css shows one of them.
func drawn(p plot.Plot, most int64) (list []template.HTML) {
	p.Most, p.Y = float64(max(most, 1)), plot.UpTo(max(most, 1), phrase.Number)
	for _, size := range []plot.Size{plot.Wide, plot.Narrow} {
		list = append(list, template.HTML(p.SVG(size))) // the plot escapes what it is given
	}
	return list
}
