package figure

import (
	"context"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"
)

// Figure is one measured value beside its limit.
type Figure struct {
	Bench string  `json:"bench"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Limit string  `json:"limit"` // empty: told, not judged
	Holds bool    `json:"holds"`
}

// Run is one run of benches.
type Run struct {
	Out      io.Writer // progress, one line now and then
	Program  string    // this program's file, started anew as load and for cold starts
	Database string    // postgres://…; empty: a temporary SQLite file
	Pairs    int       // of alike
	Long     bool      // at full size, where a bench is smaller by itself
	Accounts int       // of progress, import, people and backup
	Tickets  int       // of tickets
	worlds   int       // made so far
	figures  []Figure
}

// Names are the benches, in the order in which they run.
var Names = []string{"signin", "code", "gate", "stall", "overload", "start", "alike", "reminders", "mail", "progress", "import", "people", "tickets", "backup"}

// Do runs one bench and answers its figures.
func (r *Run) Do(ctx context.Context, name string) ([]Figure, error) {
	r.figures = nil
	var err error
	switch name {
	case "signin":
		err = r.signin(ctx)
	case "code":
		err = r.code(ctx)
	case "gate":
		err = r.gate(ctx)
	case "stall":
		err = r.stall(ctx)
	case "overload":
		err = r.overload(ctx)
	case "start":
		err = r.start(ctx)
	case "alike":
		err = r.alike(ctx)
	case "reminders":
		err = r.reminders(ctx)
	case "mail":
		err = r.mail(ctx)
	case "progress":
		err = r.progress(ctx)
	case "import":
		err = r.importing(ctx)
	case "people":
		err = r.people(ctx)
	case "tickets":
		err = r.tickets(ctx)
	case "backup":
		err = r.backup(ctx)
	default:
		err = fmt.Errorf("there is no bench %q; there are %v", name, Names)
	}
	for i := range r.figures {
		r.figures[i].Bench = name
	}
	return r.figures, err
}

func (r *Run) tell(format string, args ...any) { fmt.Fprintf(r.Out, format+"\n", args...) }

// atMost and atLeast judge a figure; told only tells it.
func (r *Run) atMost(name string, value, limit float64, unit string) {
	r.figures = append(r.figures, Figure{Name: name, Value: value, Unit: unit, Limit: fmt.Sprintf("at most %.4g", limit), Holds: value <= limit})
}

func (r *Run) atLeast(name string, value, limit float64, unit string) {
	r.figures = append(r.figures, Figure{Name: name, Value: value, Unit: unit, Limit: fmt.Sprintf("at least %.4g", limit), Holds: value >= limit})
}

func (r *Run) told(name string, value float64, unit string) {
	r.figures = append(r.figures, Figure{Name: name, Value: value, Unit: unit, Holds: true})
}

// cpu is what this process has used of the processors.
func cpu() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0 // not on this system: the figure comes out as nothing, and is seen
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// quantile of a list of times; q between 0 and 1.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
