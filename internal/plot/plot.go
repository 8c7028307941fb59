package plot

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Plot is what is drawn: X runs from From to To, Y from 0 to Most, in whatever units.
type Plot struct {
	ID                 string // unique on the page
	Title, Description string // for those who hear the page
	From, To, Most     float64
	X                  []Tick // in order; as many are named as have room
	Y                  []Tick
	Lines              []Line
	Band               []Span
	Rules              []Rule
	Margin             []string // names that have room beside the plot, also on a phone: of lines that go up and down
}

// Tick is a place on an axis with its name.
type Tick struct {
	At   float64
	Name string
}

// Point is where a line goes through.
type Point struct{ X, Y float64 }

// Span is what may be at X.
type Span struct{ X, Low, High float64 }

// Look is how a line or a rule is drawn.
type Look string

// The looks.
const (
	Known Look = "known" // a line of what is known; a thin rule
	Other Look = "other" // another line beside it; a rule named in the second row
	Ahead Look = "ahead" // a line of what is foreseen
	Ends  Look = "ends"  // the rule of an end
)

// Line is one line, named at its last point; Below is a second line of its name.
type Line struct {
	Points      []Point
	Name, Below string
	Look        Look
}

// Rule is an instant, named at its top.
type Rule struct {
	At   float64
	Name string
	Look Look
}

// Size is a drawing's size in its own units, with the space around the plot. Text
// is 14 units high.
type Size struct {
	Name                     string // the class of the drawing
	Width, Height            float64
	Left, Right, Top, Bottom float64
}

// The sizes: for a desk, with names to the right of the lines, and for a phone.
var (
	Wide   = Size{"wide", 760, 340, 60, 140, 46, 32}
	Narrow = Size{"narrow", 358, 320, 48, 14, 46, 32}
)

const (
	letter = 8.0  // an estimate of a letter's width
	sign   = 14.0 // and of a Japanese one's
	line   = 17.0 // from one line of text to the next
)

// Steps are round numbers from 0 to top, about n of them: whole ones, since people
// are counted.
func Steps(top float64, n int) []float64 {
	step := 1.0
	for i := 0; top/step > float64(n); i++ { // 1, 2, 5, 10, …
		step *= []float64{2, 2.5, 2}[i%3]
	}
	steps := []float64{0}
	for at := step; at <= top; at += step {
		steps = append(steps, at)
	}
	return steps
}

// UpTo names the steps to a whole number, and that number itself.
func UpTo(top int64, say func(int64) string) (ticks []Tick) {
	for _, at := range Steps(float64(top), 5) {
		if at == 0 || float64(top)-at > 0.08*float64(top) {
			ticks = append(ticks, Tick{at, say(int64(at))})
		}
	}
	if top > 0 {
		ticks = append(ticks, Tick{float64(top), say(top)})
	}
	return ticks
}

// drawing is a plot in one size, as it is written.
type drawing struct {
	Plot
	Size
	b strings.Builder
}

// SVG draws the plot. Its names are escaped: it can stand in a page as it is.
func (p Plot) SVG(size Size) string {
	d := &drawing{Plot: p, Size: size}
	for _, name := range d.Margin {
		d.Right = max(d.Right, width(name)+14)
	}
	if d.Most <= 0 {
		d.Most = 1
	}
	if d.To <= d.From {
		d.To = d.From + 1
	}
	id := p.ID + "-" + size.Name
	d.write(`<svg class="plot %s" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-title %s-desc">`, size.Name, num(size.Width), num(size.Height), id, id)
	d.write(`<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`, id, html.EscapeString(p.Title), id, html.EscapeString(p.Description))
	d.axes()
	d.band()
	d.rules()
	for _, one := range p.Lines {
		d.line(one)
	}
	d.names()
	d.write("</svg>")
	return d.b.String()
}

func (d *drawing) write(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

// x and y are where a value stands in the drawing.
func (d *drawing) x(value float64) float64 {
	share := (value - d.From) / (d.To - d.From)
	return d.Left + min(max(share, 0), 1)*(d.Width-d.Left-d.Right)
}

func (d *drawing) y(value float64) float64 {
	share := value / d.Most
	return d.Height - d.Bottom - min(max(share, 0), 1)*(d.Height-d.Top-d.Bottom)
}

func num(value float64) string {
	return strconv.FormatFloat(math.Round(value*10)/10, 'f', -1, 64)
}

func (d *drawing) text(x, y float64, anchor, class, text string) {
	if text != "" {
		d.write(`<text class="%s" x="%s" y="%s" text-anchor="%s">%s</text>`, class, num(x), num(y), anchor, html.EscapeString(text))
	}
}

func (d *drawing) stroke(class string, x1, y1, x2, y2 float64) {
	d.write(`<path class="%s" fill="none" d="M%s %sL%s %s"/>`, class, num(x1), num(y1), num(x2), num(y2))
}

// axes names the ticks of Y with thin lines across, and of X as many as have room.
func (d *drawing) axes() {
	for _, tick := range d.Y {
		y := d.y(tick.At)
		d.stroke("grid", d.Left, y, d.Width-d.Right, y)
		d.text(d.Left-8, y+5, "end", "axis", tick.Name)
	}
	base := d.Height - d.Bottom
	for _, tick := range d.roomy() {
		x := d.x(tick.At)
		d.stroke("grid", x, base, x, base+5)
		d.text(x, base+22, "middle", "axis", tick.Name)
	}
}

// roomy are the ticks of X whose names do not touch: each, or every second,
// seventh, fourteenth and so on. The first may hang over the edge by half.
func (d *drawing) roomy() []Tick {
	widest := 0.0
	for _, tick := range d.X {
		widest = max(widest, width(tick.Name))
	}
	for every := 1; every < len(d.X); every = sparser(every) {
		if d.x(d.X[every].At)-d.x(d.X[0].At) >= widest+12 {
			return slices.Collect(each(d.X, every))
		}
	}
	return d.X[:min(1, len(d.X))]
}

// sparser is 1, 2, 7, 14, 28, …: days, then weeks.
func sparser(every int) int {
	switch every {
	case 1:
		return 2
	case 2:
		return 7
	}
	return 2 * every
}

func each(ticks []Tick, every int) func(yield func(Tick) bool) {
	return func(yield func(Tick) bool) {
		for i := 0; i < len(ticks); i += every {
			if !yield(ticks[i]) {
				return
			}
		}
	}
}

// width is about how wide a text is.
func width(text string) (sum float64) {
	for _, r := range text {
		if r >= 0x2e80 {
			sum += sign
		} else {
			sum += letter
		}
	}
	return sum
}

func (d *drawing) band() {
	if len(d.Band) < 2 {
		return
	}
	var points []string
	for _, span := range d.Band {
		points = append(points, num(d.x(span.X))+" "+num(d.y(span.High)))
	}
	for _, span := range slices.Backward(d.Band) {
		points = append(points, num(d.x(span.X))+" "+num(d.y(span.Low)))
	}
	d.write(`<path class="band" d="M%sZ"/>`, strings.Join(points, "L"))
}

// rules stand from their names down to the axis.
func (d *drawing) rules() {
	for _, rule := range d.Rules {
		x, half := d.x(rule.At), width(rule.Name)/2
		row := 12.0
		if rule.Look == Other {
			row += line
		}
		d.stroke("rule "+string(rule.Look), x, row+6, x, d.Height-d.Bottom)
		d.text(min(max(x, d.Left-20+half), d.Width-half), row, "middle", "name", rule.Name)
	}
}

func (d *drawing) line(one Line) {
	if len(one.Points) == 0 {
		return
	}
	var points []string
	for _, p := range one.Points {
		points = append(points, num(d.x(p.X))+" "+num(d.y(p.Y)))
	}
	if len(points) > 1 {
		d.write(`<path class="line %s" fill="none" d="M%s"/>`, one.Look, strings.Join(points, "L"))
	}
	if last := one.Points[len(one.Points)-1]; one.Look != Ahead {
		d.write(`<circle class="dot %s" cx="%s" cy="%s" r="4"/>`, one.Look, num(d.x(last.X)), num(d.y(last.Y)))
	}
}

// label is the name of a line at its place.
type label struct {
	Line
	x, y   float64
	anchor string
	rows   float64
}

// names says the lines' names at their last points: to the right where there is
// room and nothing is foreseen, else above and to the left, where a line that only
// rises never is.
func (d *drawing) names() {
	var labels []label
	foreseen := slices.ContainsFunc(d.Lines, func(l Line) bool { return l.Look == Ahead })
	for _, one := range d.Lines {
		if len(one.Points) == 0 || one.Name == "" {
			continue
		}
		last := one.Points[len(one.Points)-1]
		l := label{Line: one, x: d.x(last.X), y: d.y(last.Y), rows: 1}
		if one.Below != "" {
			l.rows = 2
		}
		d.place(&l, foreseen)
		labels = append(labels, l)
	}
	apart(labels, d.Top+line, d.Height-d.Bottom-4)
	for _, l := range labels {
		d.text(l.x, l.y, l.anchor, "name", l.Name)
		d.text(l.x, l.y+line, l.anchor, "name", l.Below)
	}
}

func (d *drawing) place(l *label, foreseen bool) {
	long := max(width(l.Name), width(l.Below))
	right := l.x + 10
	for _, rule := range d.Rules { // beyond the rule that would be written over
		if at := d.x(rule.At); at > l.x+1 && at < right+long {
			right = at + 10
		}
	}
	switch {
	case right+long <= d.Width && (l.Look == Ahead || !foreseen):
		l.x, l.y, l.anchor = right, l.y+5-(l.rows-1)*line/2, "start"
	case l.x-10-long < d.Left: // near the left edge
		l.x, l.y, l.anchor = l.x+10, l.y+line+4, "start"
	case l.Look == Ahead: // clear of its own band
		x := l.x
		l.x, l.y, l.anchor = x-10, d.y(d.spanAt(x).High)-8-(l.rows-1)*line, "end"
		if l.y < d.Top+line {
			l.y = d.y(d.spanAt(x-10-long).Low) + line + 4
		}
	default:
		l.x, l.y, l.anchor = l.x-10, l.y-8-(l.rows-1)*line, "end"
	}
}

// spanAt is the band at a place of the drawing.
func (d *drawing) spanAt(x float64) Span {
	if len(d.Band) == 0 {
		return Span{Low: d.Most, High: d.Most}
	}
	for i := len(d.Band) - 1; i > 0; i-- {
		from, to := d.Band[i-1], d.Band[i]
		if at := d.x(from.X); at < x {
			share := min((x-at)/max(d.x(to.X)-at, 1), 1)
			return Span{High: from.High + share*(to.High-from.High), Low: from.Low + share*(to.Low-from.Low)}
		}
	}
	return d.Band[0]
}

// apart moves names down that would be written over each other, and then all up
// that came too low.
func apart(labels []label, top, bottom float64) {
	order := make([]*label, len(labels))
	for i := range labels {
		order[i] = &labels[i]
	}
	slices.SortStableFunc(order, func(a, b *label) int {
		switch {
		case a.y < b.y:
			return -1
		case a.y > b.y:
			return 1
		}
		return 0
	})
	for i, l := range order {
		l.y = max(l.y, top-line+4)
		if i > 0 && l.anchor == order[i-1].anchor {
			l.y = max(l.y, order[i-1].y+order[i-1].rows*line)
		}
	}
	for i := len(order) - 1; i >= 0; i-- {
		l := order[i]
		l.y = min(l.y, bottom-(l.rows-1)*line)
		if i+1 < len(order) && l.anchor == order[i+1].anchor {
			l.y = min(l.y, order[i+1].y-l.rows*line)
		}
	}
}
