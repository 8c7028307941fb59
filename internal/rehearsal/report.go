package rehearsal

import (
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

// Report is what a rehearsal found. It is kept as JSON, and names nobody beyond
// the first page of the outcome.
type Report struct {
	Rollout   string          `json:"rollout"`
	Version   int64           `json:"version"` // of the plan that was played
	Scope     string          `json:"scope"`   // the organization's name; empty: the whole portal
	Opens     time.Time       `json:"opens"`
	Ends      time.Time       `json:"ends"`
	From      time.Time       `json:"from"` // the portal's time when it began
	Took      time.Duration   `json:"took_ns"`
	Copied    int64           `json:"rows_copied"`
	Accounts  int             `json:"accounts"`
	Findings  []Finding       `json:"findings"`
	Instants  []Instant       `json:"instants"`
	Letters   []Sent          `json:"letters"`
	Outcome   rollout.Outcome `json:"outcome"` // the dry run of the end; Struck cut to a first page
	Struck    int             `json:"organizations_struck"`
	Disagree  int             `json:"disagree"` // people about whom dry run and rule differ; anything but 0 is a mistake of the program
	PerSecond int             `json:"mail_pace_per_second,omitempty"`
}

// doors are what the rule says now, at the end and at the last instant.
func (r Report) doors() (first, end, last Doors) {
	for i, at := range r.Instants {
		if i == 0 {
			first = at.Doors
		}
		if at.At.Equal(r.Ends) {
			end = at.Doors
		}
		last = at.Doors
	}
	return first, end, last
}

// Grave is how grave a finding is. The zero Grave is a note.
type Grave int

// How grave.
const (
	Note  Grave = iota // to know
	Warn               // to look at before the end
	Error              // a mistake of the program
)

// Kind is what a finding is about.
type Kind string

// The kinds of finding.
const (
	Mismatch       Kind = "mismatch"        // dry run and rule differ about N people
	WindowEnd      Kind = "window_end"      // a window [From, To) covers the end or the second before it
	WindowReminder Kind = "window_reminder" // and one covers a date of the reminders
	Headless       Kind = "headless"        // N organizations without an able Portal Admin at the end
	Unreachable    Kind = "unreachable"     // N people locked out whom mail does not reach
	Unwritten      Kind = "unwritten"       // N people locked out to whom no letter goes before the end
	Late           Kind = "late"            // N people whose first letter comes less than three days before their end
	Pace           Kind = "pace"            // the largest round: N letters at From, sent by To
)

// Finding is one thing to know.
type Finding struct {
	Kind  Kind      `json:"kind"`
	Grave Grave     `json:"grave"`
	N     int       `json:"n,omitempty"`
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
}

// tooLate is how long before the own end a first letter should have come.
const tooLate = 3 * 24 * time.Hour

// longRound is how long a round of letters may take before it is worth a warning.
const longRound = 6 * time.Hour

// told is whom letters reach before the end, counted.
type told struct {
	Unwritten int // locked out, and no letter went to them
	Late      int // the first letter less than tooLate before their end
}

// find makes findings of a report, the gravest first.
func find(r Report, plan rollout.Plan, house *time.Location, windows []maintenance.Window, letters told) []Finding {
	list := []Finding{}
	if r.Disagree > 0 {
		list = append(list, Finding{Kind: Mismatch, Grave: Error, N: r.Disagree})
	}
	list = append(list, inWindows(r.From, plan, house, windows)...)
	for _, f := range []Finding{
		{Kind: Headless, Grave: Warn, N: r.Outcome.Headless},
		{Kind: Unreachable, Grave: Warn, N: r.Outcome.Unreachable},
		{Kind: Unwritten, Grave: Warn, N: letters.Unwritten},
		{Kind: Late, Grave: Warn, N: letters.Late},
	} {
		if f.N > 0 {
			list = append(list, f)
		}
	}
	if at, n := largest(r.Letters); n > 0 && r.PerSecond > 0 {
		takes := time.Duration(n) * time.Second / time.Duration(r.PerSecond)
		f := Finding{Kind: Pace, N: n, From: at, To: at.Add(takes)}
		if takes > longRound || at.Before(r.Ends) && f.To.After(r.Ends) {
			f.Grave = Warn
		}
		list = append(list, f)
	}
	return list
}

func inWindows(now time.Time, plan rollout.Plan, house *time.Location, windows []maintenance.Window) (list []Finding) {
	for _, w := range windows {
		if !w.Cancelled.IsZero() || !w.Closes.After(now) {
			continue
		}
		if w.Covers(plan.Ends) || w.Covers(plan.Ends.Add(-time.Second)) {
			list = append(list, Finding{Kind: WindowEnd, Grave: Warn, From: w.Opens, To: w.Closes})
		}
		for _, n := range plan.Reminders.Days() {
			at := rollout.Before(plan.Ends, n, plan.Location(house))
			if at.After(plan.Opens) && at.After(now) && w.Covers(at) {
				list = append(list, Finding{Kind: WindowReminder, Grave: Note, N: n, From: w.Opens, To: w.Closes})
			}
		}
	}
	return list
}
