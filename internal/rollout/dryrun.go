package rollout

import (
	"cmp"
	"slices"
	"time"

	"nidan/internal/account"
)

// Fate is what an end would mean for somebody who has proved no method. The zero
// Fate is that it does not concern him.
type Fate int

// The fates.
const (
	NotConcerned Fate = iota
	LockedOut         // signs in by 1 step until then, and not afterwards
	AskedByMail       // MailOTP is assigned: the first code he types enrolls it
	Later             // an extension binds him later
	Already           // the password alone opens nothing for him even now
)

// DryRun is "if the end came at T", one person after another.
type DryRun struct {
	Plan Plan // with its end at T
	now  time.Time
	book Book

	was  Book // withdrawal: as it stands before
	last struct {
		organization string // whose plans are at hand: people come by organization
		plans, were  []Plan
	}
}

// NewDryRun begins one at now: for a plan in place of the book's own of that id (or
// beside it, when it is new), with its end at the given instant.
func NewDryRun(now time.Time, book Book, plan Plan, end time.Time) *DryRun {
	plan.Ends = end
	if plan.ID == "" {
		plan.ID, plan.Planned = "new", now
	}
	// In its place: of two that bind from the same instant the first counts.
	changed := Book{Plans: slices.Clone(book.Plans), Extended: book.Extended}
	if at := slices.IndexFunc(changed.Plans, func(p Plan) bool { return p.ID == plan.ID }); at >= 0 {
		changed.Plans[at] = plan
	} else {
		changed.Plans = append(changed.Plans, plan)
	}
	return &DryRun{Plan: plan, now: now, book: changed}
}

// NewWithdrawal begins the dry run of taking a plan back at now. Its end is now.
func NewWithdrawal(now time.Time, book Book, plan Plan) *DryRun {
	withdrawn := plan
	withdrawn.Withdrawn = now
	d := NewDryRun(now, book, withdrawn, plan.Ends)
	d.was, d.Plan.Ends = book, now
	return d
}

// Fate is what the end would mean for one person.
func (d *DryRun) Fate(o Open) Fate {
	if o.Organization != d.last.organization || d.last.plans == nil {
		d.last.organization, d.last.plans, d.last.were = o.Organization, d.book.Of(o.Organization), d.was.Of(o.Organization)
	}
	term, grace := For(d.last.plans, o.Claim)
	if d.was.Plans != nil {
		return d.withdrawn(o, grace && d.now.Before(term.OwnEnd))
	}
	switch {
	case d.Plan.Organization != "" && d.Plan.Organization != o.Organization, term.Plan.ID != "" && term.Plan.ID != d.Plan.ID:
		return NotConcerned
	case o.Method == account.MailOTP:
		return AskedByMail
	case !grace || !d.now.Before(term.OwnEnd):
		return Already
	case term.OwnEnd.After(d.Plan.Ends):
		return Later
	}
	return LockedOut
}

// withdrawn is what taking the plan back would mean for one person; still says
// that another plan gives grace then.
func (d *DryRun) withdrawn(o Open, still bool) Fate {
	before, grace := For(d.last.were, o.Claim)
	had := grace && d.now.Before(before.OwnEnd)
	switch concerned := before.Plan.ID == d.Plan.ID; {
	case had && !still && o.Method != account.MailOTP:
		return LockedOut
	case !concerned:
		return NotConcerned
	case o.Method == account.MailOTP:
		return AskedByMail
	case still:
		return Later
	}
	return Already
}

// Standing is an organization with its Portal Admins.
type Standing struct {
	Organization, Name string
	Admins             int // who stand
	Able               int // active, enrolled, neither stopped nor void
}

// Struck is what the end would mean for one organization.
type Struck struct {
	Standing
	People      int // locked out
	Own         int // Portal Admins among them
	Unreachable int // of them, whom mail does not reach
}

// Outcome is what the end would mean.
type Outcome struct {
	At          time.Time
	People      int // locked out
	Admins      int // Portal Admins among them
	Unreachable int // of them, whom mail does not reach
	ByMail      int // asked for a mailed code: no end locks them out
	Mailless    int // of them, whom mail does not reach
	Later       int
	Already     int
	Headless    int      // organizations among the struck without an able Portal Admin
	Struck      []Struck // without an able Portal Admin first, then those with the most people
	First       []Open   // whom to write to first, at most FirstOf
}

// FirstOf is how many people a first page names.
const FirstOf = 50

// Tally adds up what a dry run finds.
type Tally struct {
	run     *DryRun
	out     Outcome
	able    map[string]Standing
	struck  map[string]*Struck
	current *Struck
}

// NewTally begins with nobody; standings are those of all organizations.
func NewTally(run *DryRun, standings []Standing) *Tally {
	t := &Tally{run: run, out: Outcome{At: run.Plan.Ends}, able: map[string]Standing{}, struck: map[string]*Struck{}}
	for _, s := range standings {
		t.able[s.Organization] = s
	}
	return t
}

// Add counts one person, and answers his fate.
func (t *Tally) Add(o Open) Fate {
	fate := t.run.Fate(o)
	switch fate {
	case AskedByMail:
		t.out.ByMail++
		if o.Undeliverable {
			t.out.Mailless++
		}
	case Later:
		t.out.Later++
	case Already:
		t.out.Already++
	case LockedOut:
		t.lockedOut(o)
	}
	return fate
}

func (t *Tally) lockedOut(o Open) {
	t.out.People++
	if t.current == nil || t.current.Organization != o.Organization {
		if t.current = t.struck[o.Organization]; t.current == nil {
			t.current = &Struck{Standing: t.able[o.Organization]}
			t.current.Organization = o.Organization
			t.struck[o.Organization] = t.current
		}
	}
	t.current.People++
	if o.Authority == account.PortalAdmin {
		t.current.Own++
		t.out.Admins++
	}
	if o.Undeliverable {
		t.current.Unreachable++
		t.out.Unreachable++
	}
	if n := len(t.out.First); n == FirstOf && t.sooner(t.out.First[n-1], o) <= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(t.out.First, o, t.sooner)
	t.out.First = slices.Insert(t.out.First, at, o)
	t.out.First = t.out.First[:min(len(t.out.First), FirstOf)]
}

// sooner orders whom to write to first: a Portal Admin before his people, and
// those of an organization that nobody could lead back in before all others.
func (t *Tally) sooner(a, b Open) int {
	rank := func(o Open) int {
		n := 0
		if t.able[o.Organization].Able > 0 {
			n += 2
		}
		if o.Authority != account.PortalAdmin {
			n++
		}
		return n
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// Outcome is what was found.
func (t *Tally) Outcome() Outcome {
	out := t.out
	for _, s := range t.struck {
		out.Struck = append(out.Struck, *s)
		if s.Able == 0 {
			out.Headless++
		}
	}
	slices.SortFunc(out.Struck, func(a, b Struck) int {
		if (a.Able == 0) != (b.Able == 0) {
			return cmp.Compare(min(a.Able, 1), min(b.Able, 1))
		}
		return cmp.Or(-cmp.Compare(a.People, b.People), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Organization, b.Organization))
	})
	return out
}
