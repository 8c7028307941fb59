package record

import (
	"html/template"
	"net/http"
	"strconv"
	"time"

	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/plot"
)

type failuresView struct {
	page.View
	Chosen Span
	Spans  []page.Option
	Bars   []Bar // with anything in it, the newest first
	Sum    Refused
	Plots  [][]template.HTML
	zone   *time.Location
}

// Hour is a stretch of an hour as the table names it, and Day one of a day.
func (v *failuresView) Hour(at time.Time) string { return v.Moment(at) }

// Day is a day of the house zone.
func (v *failuresView) Day(at time.Time) string { return phrase.Zones{House: v.zone}.Day(v.Lang, at) }

// Of is the address of the rows behind a number.
func (v *failuresView) Of(b Bar, act string) string {
	return address("/operator/audit", nil, "act", act, "from", b.From.UTC().Format(time.RFC3339), "until", b.To.UTC().Format(time.RFC3339))
}

func (rm *Room) failures(w http.ResponseWriter, r *http.Request) error {
	zone := rm.Site.House
	if zone == nil {
		zone = time.UTC
	}
	now, s := rm.Site.Now(), span(r.URL.Query().Get("days"))
	hours, err := Hours(r.Context(), rm.DB, s.from(now, zone))
	if err != nil {
		return err
	}
	say := rm.Site.Speak(r)
	view := &failuresView{Chosen: s, zone: zone}
	for _, one := range Spans {
		view.Spans = append(view.Spans, page.Option{Value: strconv.Itoa(one.Days), Label: say.T("record.days_" + strconv.Itoa(one.Days)), Checked: one == s})
	}
	all := bars(hours, s, now, zone)
	for i := len(all) - 1; i >= 0; i-- {
		view.Sum = view.Sum.plus(all[i].Refused)
		if all[i].All() > 0 {
			view.Bars = append(view.Bars, all[i])
		}
	}
	view.Plots = [][]template.HTML{
		draw(say, "record.plot_first", all, s, zone, line{"record.plot_passwords", Refused.passwords, plot.Known}, line{"record.plot_codes", Refused.codes, plot.Other}),
		draw(say, "record.plot_second", all, s, zone, line{"record.plot_others", Refused.Others, plot.Known}),
	}
	return rm.page.Show(w, r, http.StatusOK, "failures", "record.failures_title", view)
}

func (r Refused) passwords() int64 { return r.Passwords }
func (r Refused) codes() int64     { return r.Codes }

// line is one line of a plot.
type line struct {
	name string
	of   func(Refused) int64
	look plot.Look
}

// draw is a plot of the stretches, in each size; app.css shows one of them. A
// stretch is drawn in its middle.
func draw(say page.Speaker, key string, bars []Bar, s Span, zone *time.Location, lines ...line) (drawn []template.HTML) {
	p := plot.Plot{ID: key[len("record."):], Title: say.T(key + "_title"), From: seconds(bars[0].From), To: seconds(bars[len(bars)-1].To)}
	most, about := int64(1), ""
	for _, l := range lines {
		one := plot.Line{Look: l.look}
		sum := int64(0)
		for _, b := range bars {
			n := l.of(b.Refused)
			one.Points = append(one.Points, plot.Point{X: (seconds(b.From) + seconds(b.To)) / 2, Y: float64(n)})
			most, sum = max(most, n), sum+n
		}
		one.Name = say.T(l.name, "n", sum)
		if about != "" {
			about += " "
		}
		about += one.Name
		p.Lines = append(p.Lines, one)
	}
	for _, b := range bars {
		name := phrase.Zones{House: zone}.ShortDay(say.Lang, b.From)
		if s.Hourly {
			name = b.From.In(zone).Format("15:04")
		}
		p.X = append(p.X, plot.Tick{At: seconds(b.From), Name: name})
	}
	p.Description, p.Most, p.Y = about, float64(most), plot.UpTo(most, phrase.Number)
	for _, size := range []plot.Size{plot.Wide, plot.Narrow} {
		drawn = append(drawn, template.HTML(p.SVG(size))) // the plot escapes what it is given
	}
	return drawn
}

func seconds(t time.Time) float64 { return float64(t.Unix()) }
