package progress

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	tokyo  = time.FixedZone("JST", 9*60*60)
	period = Period{Opens: time.Date(2018, 3, 3, 15, 0, 0, 0, time.UTC), Ends: time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC), Zone: tokyo}
)

func day(n float64) time.Time { return period.Opens.Add(time.Duration(n * 24 * float64(time.Hour))) }

// enrolledAt is the course of so many people, of whom some enrolled at these instants.
func enrolledAt(people int64, at ...time.Time) Course {
	c := Course{Now: Figures{Accounts: people, TOTP: int64(len(at))}}
	hours := map[int64]int64{}
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, t := range at {
		hours[hourOf(t)]++
		low, high = min(low, hourOf(t)), max(high, hourOf(t))
	}
	for hour := low; hour <= high; hour++ {
		if n := hours[hour]; n > 0 {
			c.Hours = append(c.Hours, Hour{hourAt(hour), Figures{TOTP: n}})
		}
	}
	return c
}

// simulate is a rollout in which on each day the same share of those left enrolls:
// its course until now, and how many are enrolled at the end.
func simulate(chance *rand.Rand, people int, share float64, now time.Time) (c Course, atEnd int64) {
	var known []time.Time
	for range people {
		at := day(chance.ExpFloat64() / share)
		if at.Before(period.Ends) {
			atEnd++
		}
		if at.Before(now) {
			known = append(known, at)
		}
	}
	return enrolledAt(int64(people), known...), atEnd
}

func TestNineOfTenSimulatedRolloutsEndInTheInterval(t *testing.T) {
	chance := rand.New(rand.NewPCG(2018, 424))
	foreseen, covered, below, above := 0, 0, 0, 0
	for range 1000 {
		now := day(3 + 40*chance.Float64())
		c, truth := simulate(chance, 30+chance.IntN(3000), 0.004+0.04*chance.Float64(), now)
		f := c.Forecast(period, now)
		if f.Lack != "" {
			continue
		}
		foreseen++
		e := f.AtEnd()
		switch {
		case truth < e.Low:
			below++
		case truth > e.High:
			above++
		default:
			covered++
		}
	}
	share := float64(covered) / float64(foreseen)
	t.Logf("%d of %d in the interval (%.1f %%), %d below, %d above", covered, foreseen, 100*share, below, above)
	if foreseen < 900 || share < 0.85 || share > 0.97 || below > 2*above+20 || above > 2*below+20 {
		t.Error("the interval does not hold what it says")
	}
}

func TestTheForecastIsInTheMiddleOfWhatComes(t *testing.T) {
	chance := rand.New(rand.NewPCG(7, 7))
	now, off := day(14), 0.0
	for range 300 {
		c, truth := simulate(chance, 1000, 0.03, now)
		off += float64(c.Forecast(period, now).AtEnd().Enrolled - truth)
	}
	if mean := off / 300; math.Abs(mean) > 5 { // of 1,000
		t.Errorf("%.1f people off on average", mean)
	}
}

func TestWithoutEnoughToGoByThereIsNoForecastAndItSaysWhy(t *testing.T) {
	some := enrolledAt(100, day(0.1), day(0.5), day(0.9), day(1), day(1.2), day(1.8))
	all := enrolledAt(3, day(0.1), day(1), day(2))
	for _, c := range []struct {
		name string
		Course
		now  time.Time
		want Lack
	}{
		{"nobody", Course{}, day(10), Nobody},
		{"everybody", all, day(10), Everyone},
		{"before the opening", enrolledAt(100), day(-1), NotOpen},
		{"at the opening", enrolledAt(100), day(0), TooEarly},
		{"a moment before two days", some, day(2).Add(-time.Microsecond), TooEarly},
		{"after two days", some, day(2), ""},
		{"four are too few", enrolledAt(100, day(1), day(2), day(3), day(4)), day(10), TooFew},
		{"five are enough", enrolledAt(100, day(1), day(2), day(3), day(4), day(5)), day(10), ""},
		{"five, but long ago", enrolledAt(100, day(1), day(2), day(3), day(4), day(5)), day(30), TooFew},
		{"many before the opening", enrolledAt(100, day(-9), day(-8), day(-7), day(-6), day(-5)), day(10), TooFew},
		{"an organization with one person", enrolledAt(1), day(10), TooFew},
		{"and when that one is enrolled", enrolledAt(1, day(3)), day(10), Everyone},
		{"at the end", some, day(52), Over},
		{"after the end", some, day(60), Over},
		{"everybody, after the end", all, day(60), Over},
	} {
		f := c.Course.Forecast(period, c.now)
		if f.Lack != c.want {
			t.Errorf("%s: %q, want %q", c.name, f.Lack, c.want)
		}
		e, now := f.AtEnd(), c.Course.Now.Enrolled()
		if f.Lack != "" && e != (Estimate{now, now, now}) {
			t.Errorf("%s: %+v, though there is no forecast", c.name, e)
		}
		if e.Low > e.Enrolled || e.Enrolled > e.High || e.Low < now || e.High > c.Course.Now.Accounts {
			t.Errorf("%s: %+v of %d", c.name, e, c.Course.Now.Accounts)
		}
	}
}

func TestAForecastBeginsWhereThePresentIsAndOpensUpFromThere(t *testing.T) {
	c, _ := simulate(rand.New(rand.NewPCG(1, 2)), 1200, 0.03, day(14))
	f := c.Forecast(period, day(14))
	before := f.At(day(14))
	if n := c.Now.Enrolled(); before != (Estimate{n, n, n}) {
		t.Errorf("now: %+v, and %d are enrolled", before, n)
	}
	for d := 15.0; d <= 52; d++ {
		e := f.At(day(d))
		if e.Enrolled < before.Enrolled || e.Low < before.Low || e.High < before.High {
			t.Errorf("day %v: %+v after %+v", d, e, before)
		}
		before = e
	}
}

// Values from the tables of the distributions.
func TestTheDistributionsAreWhatTablesSay(t *testing.T) {
	for _, c := range []struct{ got, want, off float64 }{
		{binomialAtMost(10, 3, 0.3), 0.6496, 1e-4},
		{binomialAtMost(10, 7, 0.8), 0.3222, 1e-4},
		{binomialAtMost(200, 199, 0.999), 1 - math.Pow(0.999, 200), 1e-9},
		{binomialAtMost(5, 5, 0.9), 1, 0}, {binomialAtMost(5, 0, 1), 0, 0}, {binomialAtMost(5, 0, 0), 1, 0},
		{normalAtMost(1000, 500, 0.5), 0.5126, 1e-4},
		{normalAtMost(1000, 999, 1), 0, 0}, {normalAtMost(1000, 0, 0), 1, 0},
		{2 * gammaQuantile(5, 0.05), 3.940, 0.01}, // half of a chi-square with 10 degrees
		{2 * gammaQuantile(5, 0.95), 18.307, 0.02},
		{2 * gammaQuantile(50, 0.5), 99.334, 0.01},
	} {
		if math.Abs(c.got-c.want) > c.off {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
}

func TestDaysAreThoseOfTheZoneAndAddUp(t *testing.T) {
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	p := Period{Opens: at("2018-03-03T20:30:00Z"), Ends: at("2018-03-07T06:00:00Z"), Zone: tokyo}
	c := enrolledAt(20, at("2018-03-01T00:00:00Z"), // before
		at("2018-03-03T20:00:00Z"), // in the hour of the opening: 05:00 on the 4th in Tokyo
		at("2018-03-04T14:59:00Z"), at("2018-03-04T15:00:00Z"), at("2018-03-06T23:00:00Z"), at("2018-03-07T07:00:00Z"))
	for _, one := range []struct {
		now  string
		days []string // until when, what happened, all in all
		sums [][2]int64
	}{
		{"2018-03-03T20:30:00Z", nil, nil},
		{"2018-03-04T10:00:00Z", []string{"2018-03-04T10:00:00Z"}, [][2]int64{{1, 2}}},
		{"2018-03-05T15:00:00Z", []string{"2018-03-04T15:00:00Z", "2018-03-05T15:00:00Z"}, [][2]int64{{2, 3}, {1, 4}}},
		{"2018-04-01T00:00:00Z", []string{"2018-03-04T15:00:00Z", "2018-03-05T15:00:00Z", "2018-03-06T15:00:00Z", "2018-03-07T06:00:00Z"},
			[][2]int64{{2, 3}, {1, 4}, {0, 4}, {1, 5}}},
	} {
		days := c.Days(p, at(one.now))
		if len(days) != len(one.days) {
			t.Fatalf("at %s: %d days: %+v", one.now, len(days), days)
		}
		for i, d := range days {
			if !d.To.Equal(at(one.days[i])) || d.Enrolled() != one.sums[i][0] || d.Sum.Enrolled() != one.sums[i][1] {
				t.Errorf("at %s, day %d: until %s, %d of %d", one.now, i, d.To, d.Enrolled(), d.Sum.Enrolled())
			}
		}
		if len(days) > 0 && Before(days).Enrolled() != 1 {
			t.Errorf("at %s: %d before", one.now, Before(days).Enrolled())
		}
	}
	if Before(nil) != (Figures{}) {
		t.Error("before no day somebody is enrolled")
	}
}

func TestADayThatClocksChangeInIsOneDay(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	opens := time.Date(2018, 10, 27, 0, 0, 0, 0, berlin)
	days := Course{}.Days(Period{Opens: opens, Ends: opens.AddDate(0, 0, 3), Zone: berlin}, opens.AddDate(0, 1, 0))
	if len(days) != 3 || days[1].To.Sub(days[1].From) != 25*time.Hour {
		t.Errorf("%+v", days)
	}
	paulo, err := time.LoadLocation("America/Sao_Paulo") // 4 Nov 2018 had no midnight
	if err != nil {
		t.Fatal(err)
	}
	opens = time.Date(2018, 11, 3, 0, 0, 0, 0, paulo)
	days = Course{}.Days(Period{Opens: opens, Ends: opens.Add(71 * time.Hour), Zone: paulo}, opens.AddDate(0, 1, 0))
	if len(days) != 3 || days[1].To.Sub(days[1].From) != 23*time.Hour {
		t.Errorf("%+v", days)
	}
}

func TestWeeksAreSevenDaysFromTheOpening(t *testing.T) {
	c, _ := simulate(rand.New(rand.NewPCG(3, 4)), 500, 0.05, day(52))
	days := c.Days(period, day(52))
	weeks := Weeks(days)
	if len(days) != 52 || len(weeks) != 8 {
		t.Fatalf("%d days, %d weeks", len(days), len(weeks))
	}
	var all int64
	for _, w := range weeks {
		all += w.Enrolled()
	}
	if last := weeks[7]; all != c.Now.Enrolled() || last.Sum != days[51].Sum || !last.From.Equal(days[49].From) || !last.To.Equal(period.Ends) {
		t.Errorf("%d in all weeks, the last %+v", all, last)
	}
}
