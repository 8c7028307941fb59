package reminder

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

// later is a plan's next version, saved at an instant.
func later(list []rollout.Version, at time.Time, change func(*rollout.Version)) []rollout.Version {
	v := list[len(list)-1]
	v.Version, v.What, v.Saved = v.Version+1, "changed", at
	change(&v)
	return append(append([]rollout.Version(nil), list...), v)
}

func on(month time.Month, d, hour int) time.Time {
	return time.Date(2018, month, d, hour, 0, 0, 0, time.UTC)
}

// calendars are the plans of the golden file, under their names in order.
func calendars() (names []string, all map[string]Calendar) {
	plan := of2018()
	plain := []rollout.Version{{Plan: plan, What: "planned", Saved: plan.Planned}}
	window := []maintenance.Window{{ID: "w", Opens: plan.Opens, Closes: plan.Opens.Add(5 * time.Hour)}}
	end := func(at time.Time) func(*rollout.Version) { return func(v *rollout.Version) { v.Ends = at } }
	series := func(s rollout.Series) func(*rollout.Version) { return func(v *rollout.Version) { v.Reminders = s } }
	all = map[string]Calendar{}
	add := func(name string, c Calendar) {
		names = append(names, name)
		c.House = tokyo
		all[name] = c
	}
	add("as planned", Calendar{Versions: plain})
	add("a window at the opening", Calendar{Versions: plain, Windows: window})
	add("a window over the last day's letter", Calendar{Versions: plain, Windows: []maintenance.Window{{ID: "w", Opens: on(4, 23, 12), Closes: on(4, 24, 3)}}})
	add("a window until the end", Calendar{Versions: plain, Windows: []maintenance.Window{{ID: "w", Opens: on(4, 23, 12), Closes: on(4, 24, 15)}}})
	add("no series", Calendar{Versions: later(plain, on(2, 2, 0), series(""))})
	add("a longer series, saved half-way", Calendar{Versions: later(plain, on(4, 20, 0), series("28,14,7,5,3,2"))})
	add("other words", Calendar{Versions: later(plain, on(4, 20, 0), func(v *rollout.Version) { v.Message.English = "x" })})
	add("moved later before it opened, nothing mailed", Calendar{Versions: later(plain, on(2, 20, 0), end(on(5, 24, 15)))})
	add("moved later before it opened, announced", Calendar{Versions: later(plain, on(2, 20, 0), end(on(5, 24, 15))), Announced: on(2, 10, 0)})
	add("moved later in the period", Calendar{Versions: later(plain, on(4, 1, 1), end(on(5, 24, 15)))})
	add("moved earlier in the period", Calendar{Versions: later(plain, on(4, 1, 1), end(on(4, 10, 15)))})
	add("moved there and back", Calendar{Versions: later(later(plain, on(4, 1, 1), end(on(5, 24, 15))), on(4, 12, 1), end(plan.Ends))})
	add("opened later", Calendar{Versions: later(plain, on(2, 20, 0), func(v *rollout.Version) { v.Opens = on(4, 15, 15) })})
	add("withdrawn", Calendar{Versions: later(plain, on(4, 1, 1), func(v *rollout.Version) { v.What = "withdrawn" })})
	add("extended before it opened", Calendar{Versions: plain, Grant: Grant{on(5, 24, 15), on(2, 20, 0)}})
	add("extended before it opened, announced", Calendar{Versions: plain, Grant: Grant{on(5, 24, 15), on(2, 20, 0)}, Announced: on(2, 10, 0)})
	add("extended in the period", Calendar{Versions: plain, Grant: Grant{on(5, 24, 15), on(4, 20, 3)}})
	add("extended by an hour at the last minute", Calendar{Versions: plain, Grant: Grant{on(4, 24, 16), on(4, 24, 14)}})
	add("extended, and the end moved beyond", Calendar{Versions: later(plain, on(4, 21, 0), end(on(6, 1, 15))), Grant: Grant{on(5, 24, 15), on(4, 20, 3)}})
	add("extended, and the end moved earlier: the longest extension holds", Calendar{Versions: later(plain, on(4, 2, 0), end(on(4, 10, 15))), Grant: Grant{on(7, 20, 15), on(4, 1, 3)}})
	add("a day", Calendar{Versions: later(plain, on(2, 2, 0), func(v *rollout.Version) { v.Ends = v.Opens.Add(26 * time.Hour) })})
	add("nothing planned", Calendar{})
	return names, all
}

func TestTheDatesOfEachPlan(t *testing.T) {
	names, all := calendars()
	var b strings.Builder
	for _, name := range names {
		c := all[name]
		fmt.Fprintf(&b, "%s (own end %s)\n", name, c.OwnEnd().Format("2 Jan 15:04"))
		for _, d := range c.Dates() {
			kind, n := d.What.Kind()
			fmt.Fprintf(&b, "\t%s  %s", d.Due.Format("02 Jan 15:04"), kind)
			if n > 0 {
				fmt.Fprintf(&b, " %d", n)
			}
			b.WriteByte('\n')
		}
	}
	golden(t, "dates.golden", b.String())
}

// What is due is asked each half hour from before the plan until after the longest
// extension: written down where it changes.
func TestWhatIsDueAtEachInstant(t *testing.T) {
	names, all := calendars()
	var b strings.Builder
	for _, name := range names {
		c, last := all[name], ""
		fmt.Fprintf(&b, "%s\n", name)
		for now := on(1, 31, 0); now.Before(on(8, 1, 0)); now = now.Add(30 * time.Minute) {
			line := "nothing"
			if r, late, ok := c.Due(now); ok {
				kind, n := r.What.Kind()
				line = fmt.Sprintf("%s %d until %s", kind, n, r.Until.Format("02 Jan 15:04"))
				if late {
					line = "too late to start " + line
				}
			}
			if line != last {
				fmt.Fprintf(&b, "\t%s  %s\n", now.Format("02 Jan 15:04"), line)
				last = line
			}
		}
	}
	golden(t, "due.golden", b.String())
}

// Whatever is planned: one round at a time, never before its date, never after the
// own end, and nothing that the rule starts comes closer to what it started before
// than half of the time between their dates.
func TestNobodyIsEverInTwoRoundsOrInOneAfterTheOwnEnd(t *testing.T) {
	names, all := calendars()
	for _, name := range names {
		c := all[name]
		for now := on(1, 31, 0); now.Before(on(8, 1, 0)); now = now.Add(17 * time.Minute) {
			r, late, ok := c.Due(now)
			switch {
			case !ok:
			case now.Before(r.Due), !now.Before(r.Until), r.Until.After(c.OwnEnd()):
				t.Errorf("%s at %s: %+v", name, now, r)
			case !late && now.Sub(r.Due) > r.Until.Sub(now):
				t.Errorf("%s at %s: starts nearer to the next than to its own date: %+v", name, now, r)
			}
		}
	}
}

func TestWhoseExtensionMakesAnOwnEnd(t *testing.T) {
	plan := of2018()
	for _, c := range []struct {
		organization, own time.Time
		want              Extended
	}{
		{time.Time{}, time.Time{}, ByNone},
		{on(5, 1, 0), time.Time{}, ByOrganization},
		{time.Time{}, on(5, 1, 0), ByOwn},
		{on(5, 2, 0), on(5, 1, 0), ByOrganization},
		{on(5, 1, 0), on(5, 2, 0), ByOwn},
		{on(5, 1, 0), on(5, 1, 0), ByOrganization},
		{on(4, 1, 0), on(4, 2, 0), ByNone},
	} {
		plan.Extended = c.organization
		if got := By(plan, c.own); got != c.want {
			t.Errorf("%s, %s: %v", c.organization, c.own, got)
		}
	}
}
