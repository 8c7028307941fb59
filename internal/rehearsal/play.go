package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/fault"
	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/progress"
	"nidan/internal/reminder"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/signin"
	"nidan/internal/store"
)

// Why a rollout is not rehearsed.
var (
	errUnknown   = fault.New(fault.NotFound, "rehearsal.unknown")
	errWithdrawn = fault.New(fault.Refused, "rehearsal.withdrawn")
	errOver      = fault.New(fault.Refused, "rehearsal.over")
)

// Step is how far a rehearsal has come.
type Step string

// The steps.
const (
	Waiting Step = "waiting" // for a node
	Copying Step = "copying"
	Playing Step = "playing" // the clock is moved, and letters are counted
	Asking  Step = "asking"  // the rule is asked about everybody
)

// Whole is all of a rehearsal, in the parts that its progress is told in.
const Whole = 1000

// where each step begins and ends, of Whole.
var spans = map[Step][2]int64{Copying: {0, 500}, Playing: {500, 800}, Asking: {800, Whole}}

// part is the progress of a step that has done so much of all.
func part(step Step, done, all int64) int64 {
	span := spans[step]
	if all <= 0 {
		return span[0]
	}
	return span[0] + (span[1]-span[0])*min(done, all)/all
}

// Stage is what a rehearsal is played on beside the data.
type Stage struct {
	Site      *page.Site
	PerSecond int // how many letters of mailings the post sends a second; 0: not known
	Tell      func(step Step, done int64) error
}

// play is one rehearsal under way.
type play struct {
	Stage
	copy     *store.DB
	clk      *clock.Clock
	plan     rollout.Plan
	book     rollout.Book
	windows  []maintenance.Window
	schedule Schedule
	locked   map[uint64]bool // whom the dry run locks out, by hash; true once a letter went to them
	seed     maphash.Seed
	report   Report
}

// Play rehearses a rollout from now on, on a copy of what source holds at this
// moment. source is only read. What it leaves on the disk is gone when it returns,
// also when ctx was ended. A fault says why there is nothing to rehearse.
func Play(ctx context.Context, source *store.DB, stage Stage, planID string, now time.Time) (report Report, err error) {
	if _, err := Sweep(); err != nil {
		return Report{}, err
	}
	f, err := newFolder()
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, f.remove()) }()
	watch := clock.New()
	began := watch.Machine()
	p := &play{Stage: stage, clk: clock.At(now), locked: map[uint64]bool{}, seed: maphash.MakeSeed()}
	if p.Tell == nil {
		p.Tell = func(Step, int64) error { return nil }
	}
	if p.copy, err = store.OpenScratch(ctx, f.file(), p.clk.Now); err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, p.copy.Close()) }()
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return p.take(ctx, source, planID) }, p.prepare, p.foresee, p.play, p.ask, p.close,
	} {
		if err := step(ctx); err != nil {
			return Report{}, err
		}
	}
	p.report.Took = watch.Machine().Sub(began).Round(time.Millisecond)
	return p.report, nil
}

// rehearsable finds a plan that there is something to rehearse of.
func rehearsable(book rollout.Book, id string, now time.Time) (rollout.Plan, error) {
	plan, ok := book.Find(id)
	switch {
	case !ok:
		return rollout.Plan{}, errUnknown
	case !plan.Withdrawn.IsZero():
		return rollout.Plan{}, errWithdrawn
	case !now.Before(plan.Ends):
		return rollout.Plan{}, errOver
	}
	return plan, nil
}

// take makes the copy, in one state of the source.
func (p *play) take(ctx context.Context, source *store.DB, planID string) error {
	if _, err := p.copy.Migrate(ctx); err != nil {
		return err
	}
	if err := p.copy.Swallow(ctx, "mail"); err != nil {
		return err
	}
	return source.Snapshot(ctx, func(ctx context.Context, r store.Reader) error {
		book, err := rollout.ReadBook(ctx, r)
		if err != nil {
			return err
		}
		if p.plan, err = rehearsable(book, planID, p.clk.Now()); err != nil {
			return err
		}
		var all int64
		for _, share := range Shares {
			n, err := share.Rows(ctx, r, p.plan.Organization)
			if err != nil {
				return err
			}
			all += n
		}
		for _, share := range Shares {
			err := p.copy.Copy(ctx, r, share, p.plan.Organization, func(rows int64) error {
				p.report.Copied += rows
				return p.Tell(Copying, part(Copying, p.report.Copied, all))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// prepare reads from the copy what everything else follows from. What was noted of
// people is added up first, as it is within seconds in the portal itself.
func (p *play) prepare(ctx context.Context) (err error) {
	if _, err = progress.Fold(ctx, p.copy); err != nil {
		return err
	}
	if p.book, err = rollout.ReadBook(ctx, p.copy); err != nil {
		return err
	}
	if p.windows, err = maintenance.Windows(ctx, p.copy); err != nil {
		return err
	}
	own, err := ownEnds(ctx, p.copy, p.plan)
	if err != nil {
		return err
	}
	titled, _, err := rollout.History(ctx, p.copy, p.plan.ID)
	if err != nil {
		return err
	}
	p.schedule = NewSchedule(p.clk.Now(), p.plan, p.Site.House, p.windows, own)
	p.report.Rollout, p.report.Version, p.report.Scope = p.plan.ID, p.plan.Version, titled.Scope
	p.report.Opens, p.report.Ends, p.report.From, p.report.PerSecond = p.plan.Opens, p.plan.Ends, p.clk.Now(), p.PerSecond
	return nil
}

func (p *play) hash(ref account.Ref) uint64 {
	return maphash.Comparable(p.seed, ref)
}

// foresee takes the dry run of the end, and remembers whom it locks out.
func (p *play) foresee(ctx context.Context) (err error) {
	run := rollout.NewDryRun(p.clk.Now(), p.book, p.plan, p.plan.Ends)
	p.report.Outcome, err = rollout.Foresee(ctx, p.copy, run, func(o rollout.Open, fate rollout.Fate) error {
		if fate == rollout.LockedOut {
			p.locked[p.hash(o.Ref)] = false
		}
		return nil
	})
	return err
}

// play moves the clock from instant to instant and lets the reminders do their work
// at each. The keys that seal its letters are forgotten with them.
func (p *play) play(ctx context.Context) error {
	keys, err := secret.NewKeys(secret.Bytes(32))
	if err != nil {
		return err
	}
	site := *p.Site
	site.Now = p.clk.Now
	rounds := &reminder.Rounds{DB: p.copy, Keys: keys, Desk: &reminder.Desk{Site: &site}}
	for i, at := range p.schedule.Runs {
		p.clk.Set(at)
		if err := p.Tell(Playing, part(Playing, int64(i), int64(len(p.schedule.Runs)))); err != nil {
			return err
		}
		if err := rounds.Run(ctx, p.clk.Now()); err != nil {
			return fmt.Errorf("rehearsal, at %s: %w", at.Format(time.RFC3339), err)
		}
	}
	return nil
}

// askedTogether is how many people are read in one statement.
const askedTogether = 2000

// ask asks the rule about everybody, at each instant.
func (p *play) ask(ctx context.Context) error {
	all, err := accounts(ctx, p.copy)
	if err != nil {
		return err
	}
	policy, organization := signin.Policy{Windows: p.windows}, ""
	for after, done := (account.Ref{}), int64(0); ; {
		refs, facts, err := signin.FactsAfter(ctx, p.copy, after, askedTogether)
		if err != nil {
			return err
		}
		for i, f := range facts {
			if refs[i].Organization != organization {
				organization = refs[i].Organization
				policy.Plans = p.book.Of(organization)
			}
			p.one(refs[i], f, policy)
		}
		done += int64(len(refs))
		if err := p.Tell(Asking, part(Asking, done, all)); err != nil {
			return err
		}
		if len(refs) < askedTogether {
			p.report.Accounts = int(done)
			return nil
		}
		after = refs[len(refs)-1]
	}
}

// one asks about one person who types the right password, and holds the dry run
// against the rule: it locks out exactly whom the rule admits by one step now and
// refuses at the end. Windows close the doors to everybody, and a password that has
// to be reset is no matter of the rollout: both are left aside there.
func (p *play) one(ref account.Ref, f signin.Facts, policy signin.Policy) {
	f.PasswordProved = true
	for i := range p.schedule.Shown {
		at := &p.schedule.Shown[i]
		at.Doors.Count(signin.Next(at.At, f, policy), f)
	}
	f.Stopped, policy.Windows = false, nil
	lost := signin.Next(p.report.From, f, policy).OneStep && signin.Next(p.plan.Ends, f, policy).Kind == signin.Refused
	if lost {
		term, _ := rollout.For(policy.Plans, f.Claim)
		lost = term.Plan.ID == p.plan.ID
	}
	if _, locked := p.locked[p.hash(ref)]; locked != lost {
		p.report.Disagree++
	}
}

// close puts the report together.
func (p *play) close(ctx context.Context) error {
	sent, err := letters(ctx, p.copy, p.plan.ID, p.report.From)
	if err != nil {
		return err
	}
	told, err := p.told(ctx)
	if err != nil {
		return err
	}
	p.report.Letters = sent
	p.report.Struck = len(p.report.Outcome.Struck)
	p.report.Outcome.Struck = p.report.Outcome.Struck[:min(len(p.report.Outcome.Struck), rollout.FirstOf)]
	for _, s := range sent {
		if at := p.schedule.at(s.At); at != nil {
			at.Letters += s.N()
		}
	}
	p.report.Instants = p.schedule.Shown
	p.report.Findings = find(p.report, p.plan, p.Site.House, p.windows, told)
	return nil
}

// told counts whom the letters reach too late, or not at all.
func (p *play) told(ctx context.Context) (t told, err error) {
	err = eachWritten(ctx, p.copy, p.plan.ID, func(ref account.Ref, first, ownEnd time.Time) {
		if _, ok := p.locked[p.hash(ref)]; ok {
			p.locked[p.hash(ref)] = true
		}
		if !first.Before(p.report.From) && ownEnd.Sub(first) < tooLate {
			t.Late++
		}
	})
	for _, written := range p.locked {
		if !written {
			t.Unwritten++
		}
	}
	return t, err
}
