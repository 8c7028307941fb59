package rollout

import (
	"html/template"
	"net/http"
	"time"

	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/plot"
	"nidan/internal/progress"
)

// aheadSteps is in how many pieces the foreseen line is drawn.
const aheadSteps = 16

// plots draws who is enrolled over the period with the forecast, and the same by method.
func (rm *Room) plots(r *http.Request, w watched, days []progress.Day, f progress.Forecast) (enrolled, methods []template.HTML) {
	say := rm.Site.Speak(r)
	frame := w.frame(say)
	all := frame
	all.ID, all.Title = "enrolled", say.T("rollout.plot_enrolled_title")
	all.Most, all.Y = top(w.Course.Now.Accounts)
	known := line(days, w, progress.Figures.Enrolled)
	now := w.Course.Now.Enrolled()
	all.Lines = []plot.Line{{Points: known, Look: plot.Known, Name: say.T("rollout.plot_enrolled", "n", now)}}
	all.Description = say.T("rollout.plot_enrolled_about", "n", now, "all", w.Course.Now.Accounts)
	if f.Lack == "" {
		ahead := plot.Line{Look: plot.Ahead}
		for i := range aheadSteps + 1 {
			at := f.Now.Add(f.Ends.Sub(f.Now) * time.Duration(i) / aheadSteps)
			e := f.At(at)
			ahead.Points = append(ahead.Points, plot.Point{X: seconds(at), Y: float64(e.Enrolled)})
			all.Band = append(all.Band, plot.Span{X: seconds(at), Low: float64(e.Low), High: float64(e.High)})
		}
		e := f.AtEnd()
		ahead.Name = say.T("rollout.plot_ahead", "n", e.Enrolled)
		ahead.Below = say.T("rollout.plot_ahead_range", "low", e.Low, "high", e.High)
		all.Lines = append(all.Lines, ahead)
		all.Description += gap(say) + say.T("rollout.plot_ahead_about", "n", e.Enrolled, "low", e.Low, "high", e.High)
	}
	by := frame
	by.ID, by.Title = "methods", say.T("rollout.plot_methods_title")
	apps, mailed := w.Course.Now.TOTP, w.Course.Now.MailOTP
	by.Most, by.Y = top(max(apps, mailed))
	by.Lines = []plot.Line{
		{Points: line(days, w, func(f progress.Figures) int64 { return f.TOTP }), Look: plot.Known, Name: say.T("rollout.plot_totp", "n", apps)},
		{Points: line(days, w, func(f progress.Figures) int64 { return f.MailOTP }), Look: plot.Other, Name: say.T("rollout.plot_mailotp", "n", mailed)},
	}
	by.Description = say.T("rollout.plot_methods_about", "totp", apps, "mailotp", mailed)
	return drawn(all), drawn(by)
}

// frame is what all plots of a period have in common: its days, and its instants.
func (w *watched) frame(say page.Speaker) plot.Plot {
	p, zones := w.Period(), phrase.Zones{House: w.Zone}
	frame := plot.Plot{From: seconds(p.Opens), To: seconds(p.Ends)}
	for at := p.Opens; at.Before(p.Ends); at = at.In(w.Zone).AddDate(0, 0, 1).UTC() {
		frame.X = append(frame.X, plot.Tick{At: seconds(at), Name: zones.ShortDay(say.Lang, at)})
	}
	frame.Rules = []plot.Rule{{At: seconds(p.Opens), Name: say.T("rollout.plot_opening"), Look: plot.Known}}
	if w.At.Before(p.Ends) {
		frame.Rules = append(frame.Rules, plot.Rule{At: seconds(w.At), Name: say.T("rollout.plot_today"), Look: plot.Other})
	}
	frame.Rules = append(frame.Rules, plot.Rule{At: seconds(p.Ends), Name: say.T("rollout.plot_end"), Look: plot.Ends})
	return frame
}

// line goes through the end of each day.
func line(days []progress.Day, w watched, of func(progress.Figures) int64) []plot.Point {
	points := []plot.Point{{X: seconds(w.Plan.Opens), Y: float64(of(progress.Before(days)))}}
	for _, d := range days {
		points = append(points, plot.Point{X: seconds(d.To), Y: float64(of(d.Sum))})
	}
	return points
}

func seconds(t time.Time) float64 { return float64(t.Unix()) }

func top(n int64) (float64, []plot.Tick) {
	return float64(max(n, 1)), plot.UpTo(max(n, 1), phrase.Number)
}

// drawn is a plot in each size; app.css shows one of them.
func drawn(p plot.Plot) []template.HTML {
	var list []template.HTML
	for _, size := range []plot.Size{plot.Wide, plot.Narrow} {
		list = append(list, template.HTML(p.SVG(size))) // the plot escapes what it is given
	}
	return list
}

// gap stands between two sentences; Japanese has none there.
func gap(say page.Speaker) string {
	if say.Lang == phrase.Japanese {
		return ""
	}
	return " "
}
