package rehearsal

import (
	"cmp"
	"slices"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/rollout"
	"nidan/internal/signin"
)

// What happens at an instant of a rehearsal.
type What string

// What happens.
const (
	Now          What = "now"           // as things stand when it begins
	WindowOpens  What = "window_opens"  // a maintenance window
	WindowCloses What = "window_closes" // ends
	Opens        What = "opens"         // the period
	Reminds      What = "reminds"       // N days before the end
	LastHour     What = "last_hour"     // an hour before the end
	LastSecond   What = "last_second"   // a second before the end
	Ends         What = "ends"          // the rollout's end
	OwnEnds      What = "own_ends"      // later own ends of that day
	Last         What = "last"          // no own end lies beyond: the end and 90 days
)

// Mark is one thing that happens at an instant. N is the days of Reminds and the
// number of own ends of OwnEnds; people of an extended organization count as one.
type Mark struct {
	What What `json:"what"`
	N    int  `json:"n,omitempty"`
}

// Instant is where the clock is moved to, and what is found there.
type Instant struct {
	At      time.Time `json:"at"`
	Marks   []Mark    `json:"marks"`
	Doors   Doors     `json:"doors"`
	Letters int       `json:"letters"` // queued then
}

// Doors is what the rule says to everybody who types the right password then.
type Doors struct {
	Closed     int `json:"closed"`           // by a window
	OneStep    int `json:"one_step"`         // admitted by the password alone, set-up not open yet
	Setup      int `json:"set_up_first"`     // admitted by the password alone, set-up first
	App        int `json:"asked_app"`        // for an app's code
	Mail       int `json:"asked_mail"`       // for a mailed code
	Reset      int `json:"must_reset"`       // too many wrong codes before
	Suspended  int `json:"suspended"`        // account or organization
	Ended      int `json:"refused_ended"`    // the own end has passed
	NoGrace    int `json:"refused_no_grace"` // never had grace, or it is finished
	NoRollout  int `json:"refused_no_rollout"`
	NoPassword int `json:"no_password"` // cannot type one: the starting guide leads in
}

// Count adds what the rule answered about one person.
func (d *Doors) Count(step signin.Step, f signin.Facts) {
	switch {
	case step.Kind == signin.Closed:
		d.Closed++
	case step.Kind == signin.MustResetPassword:
		d.Reset++
	case step.Kind == signin.AskCode && step.Method == account.MailOTP:
		d.Mail++
	case step.Kind == signin.AskCode:
		d.App++
	case step.Kind == signin.Admit && step.Setup:
		d.Setup++
	case step.Kind == signin.Admit:
		d.OneStep++
	case step.Why == signin.WhySuspended:
		d.Suspended++
	case step.Why == signin.WhyEnded:
		d.Ended++
	case f.Claim.FirstPassword.IsZero():
		d.NoPassword++
	case step.Why == signin.WhyNoRollout:
		d.NoRollout++
	default:
		d.NoGrace++
	}
}

// Shut are all whom the rule refuses, for whatever reason.
func (d Doors) Shut() int { return d.Ended + d.NoGrace + d.NoRollout + d.Suspended + d.NoPassword }

// Bounds of a schedule: how many days with later own ends are shown apart, and how
// often the reminders' job is run at most.
const (
	ownEndsShown = 20
	runsAtMost   = 1000
)

// Own is a later own end, with how many extensions say so.
type Own struct {
	At time.Time
	N  int
}

// Schedule is where a rehearsal's clock is moved to.
type Schedule struct {
	Shown []Instant   // at which everybody is asked about
	Runs  []time.Time // at which the job of the reminders runs: those, and the days before each later own end
}

// NewSchedule finds the instants of a plan from now on. A date that a window covers
// is when the window closes, as the reminders have it.
func NewSchedule(now time.Time, plan rollout.Plan, house *time.Location, windows []maintenance.Window, own []Own) Schedule {
	marks, last := map[int64][]Mark{}, plan.Ends.Add(rollout.LongestExtension)
	runs := map[int64]bool{}
	add := func(at time.Time, what What, n int) {
		if at.Before(now) || at.After(last) {
			return
		}
		marks[at.UnixMicro()] = append(marks[at.UnixMicro()], Mark{what, n})
	}
	add(now, Now, 0)
	add(plan.Opens, Opens, 0)
	for _, w := range windows {
		if w.Cancelled.IsZero() {
			add(w.Opens, WindowOpens, 0)
			add(w.Closes, WindowCloses, 0)
		}
	}
	for _, n := range plan.Reminders.Days() {
		if at := open(windows, rollout.Before(plan.Ends, n, plan.Location(house))); at.After(plan.Opens) {
			add(at, Reminds, n)
		}
	}
	add(plan.Ends.Add(-time.Hour), LastHour, 0)
	add(plan.Ends.Add(-time.Second), LastSecond, 0)
	add(plan.Ends, Ends, 0)
	for _, day := range byDay(own, plan.Location(house)) {
		add(day.At, OwnEnds, day.N)
	}
	add(last, Last, 0)
	for _, o := range own {
		for _, n := range plan.Reminders.Days() {
			at := open(windows, rollout.Before(o.At, n, plan.Location(house)))
			if at.After(now) && at.After(plan.Opens) && len(runs) < runsAtMost {
				runs[at.UnixMicro()] = true
			}
		}
	}
	var s Schedule
	for at, list := range marks {
		runs[at] = true
		s.Shown = append(s.Shown, Instant{At: time.UnixMicro(at).UTC(), Marks: list})
	}
	for at := range runs {
		s.Runs = append(s.Runs, time.UnixMicro(at).UTC())
	}
	slices.SortFunc(s.Shown, func(a, b Instant) int { return a.At.Compare(b.At) })
	slices.SortFunc(s.Runs, time.Time.Compare)
	return s
}

// open is an instant, or the close of the window that covers it.
func open(windows []maintenance.Window, at time.Time) time.Time {
	if closed, until, _ := maintenance.Covering(windows, at); closed {
		return until
	}
	return at
}

// byDay joins own ends of one day to its last, and all beyond the first days to one.
func byDay(own []Own, zone *time.Location) (days []Own) {
	own = slices.Clone(own)
	slices.SortFunc(own, func(a, b Own) int { return a.At.Compare(b.At) })
	for _, o := range own {
		if n := len(days); n > 0 && (n == ownEndsShown || sameDay(days[n-1].At, o.At, zone)) {
			days[n-1] = Own{o.At, days[n-1].N + o.N}
			continue
		}
		days = append(days, o)
	}
	return days
}

// sameDay says whether two ends fall on one day of a zone; an end at midnight is
// the end of the day before.
func sameDay(a, b time.Time, zone *time.Location) bool {
	day := func(t time.Time) string { return t.Add(-time.Microsecond).In(zone).Format(time.DateOnly) }
	return day(a) == day(b)
}

// at is the shown instant of a time, nil where there is none.
func (s Schedule) at(t time.Time) *Instant {
	i, ok := slices.BinarySearchFunc(s.Shown, t, func(x Instant, t time.Time) int { return x.At.Compare(t) })
	if !ok {
		return nil
	}
	return &s.Shown[i]
}

// Sent is one round of letters, to everybody in both languages.
type Sent struct {
	At   time.Time `json:"at"`
	What string    `json:"what"` // as reminder.What.Kind names it
	Days int       `json:"days,omitempty"`
	EN   int       `json:"en"`
	JA   int       `json:"ja"`
}

// N are all letters of the round.
func (s Sent) N() int { return s.EN + s.JA }

// largest is the instant at which the most letters are queued together.
func largest(sent []Sent) (at time.Time, n int) {
	sums := map[time.Time]int{}
	for _, s := range sent {
		sums[s.At] += s.N()
	}
	for when, sum := range sums {
		if sum > n || sum == n && when.Before(at) {
			at, n = when, sum
		}
	}
	return at, n
}

// sortSent orders rounds by instant, then by what they are.
func sortSent(sent []Sent) {
	slices.SortFunc(sent, func(a, b Sent) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.What, b.What), cmp.Compare(b.Days, a.Days))
	})
}
