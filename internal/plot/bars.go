package plot

import (
	"html"
	"strconv"
)

// Bars are amounts beside each other, in rows, each named where it ends.
type Bars struct {
	ID                 string // unique on the page
	Title, Description string // for those who hear the page
	Rows               []Row
}

// Row is what is compared of one thing; its name stands above its bars.
type Row struct {
	Name string
	Bars []Bar
}

// Bar is one amount, which is never below zero, with its name.
type Bar struct {
	Amount float64
	Name   string
	Look   Look
}

// Measures of bars, in the drawing's own units. One size is for a desk and a phone:
// what is drawn is as high as there are rows.
const (
	barsWide = 358.0
	bar      = 14.0 // how high one is
	barGap   = 6.0
	rowGap   = 14.0
)

// SVG draws the bars. Their names are escaped: it can stand in a page as it is.
func (b Bars) SVG() string {
	most, long, high := 0.0, 0.0, 0.0
	for _, row := range b.Rows {
		high += line + float64(len(row.Bars))*(bar+barGap) + rowGap
		for _, one := range row.Bars {
			most, long = max(most, one.Amount), max(long, width(one.Name))
		}
	}
	if most <= 0 {
		most = 1
	}
	d := &drawing{}
	d.write(`<svg class="plot bars" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-title %s-desc">`, num(barsWide), num(max(high-rowGap, line)), b.ID, b.ID)
	d.write(`<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`, b.ID, html.EscapeString(b.Title), b.ID, html.EscapeString(b.Description))
	room, y := max(barsWide-long-12, barsWide/3), 0.0
	for _, row := range b.Rows {
		d.text(0, y+line-4, "start", "name", row.Name)
		y += line
		d.stroke("axis-line", 1, y, 1, y+float64(len(row.Bars))*(bar+barGap)-barGap+2)
		for _, one := range row.Bars {
			long := min(max(one.Amount, 0), most) / most * room
			if long > 0 {
				d.write(`<rect class="bar %s" x="1" y="%s" width="%s" height="%s"/>`, one.Look, num(y+1), num(long), strconv.Itoa(int(bar)))
			}
			d.text(long+8, y+bar-1, "start", "name", one.Name)
			y += bar + barGap
		}
		y += rowGap
	}
	d.write("</svg>")
	return d.b.String()
}
