package progress

import (
	"math"
	"time"
)

// The forecast assumes that on each day the same share of those who are not
// enrolled enrolls as on the days it looks back on.
const (
	lookBack      = 14 * 24 * time.Hour // two weeks: as many weekends as working weeks
	leastTime     = 2 * 24 * time.Hour
	leastEnrolled = 5
	within        = 0.90 // the share of cases that lie in the interval
)

// Lack is why there is no forecast; the empty Lack is that there is one.
type Lack string

// The lacks.
const (
	NotOpen  Lack = "not_open" // the period has not opened
	Over     Lack = "over"     // the end has passed
	Nobody   Lack = "nobody"   // there is no account
	Everyone Lack = "everyone" // all are enrolled
	TooEarly Lack = "early"    // less than two days since the opening
	TooFew   Lack = "few"      // fewer than five enrolled in the days it looks back on
)

// Forecast is how many will be enrolled, of those who have an account now.
type Forecast struct {
	Lack     Lack
	Now      time.Time
	Ends     time.Time
	Since    time.Time // it looks back until then
	Observed int64     // who enrolled since
	figures  Figures
	exposure float64 // days that people spent not enrolled since
}

// Estimate is a number of enrolled people, between Low and High in nine of ten cases.
type Estimate struct{ Enrolled, Low, High int64 }

// Forecast looks back from now and ahead to the end.
func (c Course) Forecast(p Period, now time.Time) Forecast {
	f := Forecast{Now: now, Ends: p.Ends, Since: now.Add(-lookBack), figures: c.Now}
	if f.Since.Before(p.Opens) {
		f.Since = p.Opens
	}
	f.exposure = days(now.Sub(f.Since)) * float64(c.Now.Open())
	for _, h := range c.Hours {
		if h.At.Before(f.Since.Truncate(time.Hour)) || !h.At.Before(now) {
			continue
		}
		n := h.Enrolled()
		f.Observed += n
		until := earliest(h.At.Add(30*time.Minute), now) // half-way through the hour
		f.exposure += days(max(0, until.Sub(f.Since))) * float64(n)
	}
	f.Lack = f.lacks(p)
	return f
}

func (f Forecast) lacks(p Period) Lack {
	switch {
	case f.figures.Accounts == 0:
		return Nobody
	case f.Now.Before(p.Opens):
		return NotOpen
	case !f.Now.Before(p.Ends):
		return Over
	case f.figures.Open() <= 0:
		return Everyone
	case f.Now.Sub(p.Opens) < leastTime:
		return TooEarly
	case f.Observed < leastEnrolled:
		return TooFew
	}
	return ""
}

// AtEnd is the forecast for the end. Without a forecast it is who is enrolled now.
func (f Forecast) AtEnd() Estimate { return f.At(f.Ends) }

// At is the forecast for an instant from now on.
//
// The daily share is not known but from the Observed: it has the gamma distribution
// that they leave (shape Observed + 1/2, by the days spent). For each of its values
// the number who enroll until then is binomial. The answer is the median of that
// mixture and what lies between its 5th and its 95th percentile.
func (f Forecast) At(t time.Time) Estimate {
	now, open := f.figures.Enrolled(), f.figures.Open()
	ahead := days(t.Sub(f.Now))
	if f.Lack != "" || ahead <= 0 {
		return Estimate{now, now, now}
	}
	m := mixture{n: open}
	for i := range m.chances {
		share := gammaQuantile(float64(f.Observed)+0.5, (float64(i)+0.5)/float64(len(m.chances))) / f.exposure
		m.chances[i] = -math.Expm1(-share * ahead)
	}
	return Estimate{now + m.quantile(0.5), now + m.quantile((1-within)/2), now + m.quantile((1+within)/2)}
}

func days(d time.Duration) float64 { return d.Hours() / 24 }

// mixture is a number of n people of whom each enrolls by a chance, which is one of
// several, all alike likely.
type mixture struct {
	n       int64
	chances [64]float64
}

// quantile is the least number that at least a share q of the mixture does not exceed.
func (m *mixture) quantile(q float64) int64 {
	low, high := int64(0), m.n // the answer is in [low, high]
	for low < high {
		k := (low + high) / 2
		if m.atMost(k) >= q {
			high = k
		} else {
			low = k + 1
		}
	}
	return low
}

// exactly is up to how many people the binomial is summed term by term; beyond, the
// normal distribution is near enough.
const exactly = 200

func (m *mixture) atMost(k int64) float64 {
	sum := 0.0
	for _, p := range m.chances {
		if m.n <= exactly {
			sum += binomialAtMost(m.n, k, p)
		} else {
			sum += normalAtMost(m.n, k, p)
		}
	}
	return sum / float64(len(m.chances))
}

func binomialAtMost(n, k int64, p float64) float64 {
	switch {
	case k >= n || p <= 0:
		return 1
	case p > 0.5: // from the other end, where the terms do not vanish
		return 1 - binomialAtMost(n, n-k-1, 1-p)
	}
	term := math.Pow(1-p, float64(n))
	sum := term
	for i := int64(0); i < k; i++ {
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
		sum += term
	}
	return min(sum, 1)
}

func normalAtMost(n, k int64, p float64) float64 {
	mean := float64(n) * p
	deviation := math.Sqrt(mean * (1 - p))
	if k >= n || deviation == 0 && float64(k) >= mean {
		return 1
	}
	return math.Erfc((mean-float64(k)-0.5)/(deviation*math.Sqrt2)) / 2
}

// gammaQuantile is a quantile of the gamma distribution with scale 1, by the cube
// of a normal one (Wilson and Hilferty, 1931): for shapes above 5 right to a part
// in a thousand between the 1st and the 99th percentile.
func gammaQuantile(shape, q float64) float64 {
	z := math.Sqrt2 * math.Erfinv(2*q-1)
	root := 1 - 1/(9*shape) + z/(3*math.Sqrt(shape))
	return shape * math.Pow(max(root, 0), 3)
}
