package reminder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/maintenance"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Bounds of a round.
const (
	batch    = 200            // people looked at, and at most written to, in one transaction: some ten milliseconds of the writer
	rests    = 72 * time.Hour // an address that mail came back from is let be that long
	askEvery = 24 * time.Hour // a Portal Admin reminds one person no oftener
)

// Rounds has all letters written that are due. Any number of nodes may run it.
type Rounds struct {
	DB   *store.DB
	Keys *secret.Keys
	Desk *Desk
	Wake func() // tells the post that letters wait

	mu    sync.Mutex
	known planned
	swept int64 // the version of what is planned by which the waiting letters were looked through
}

// errMoved ends a round whose plan, windows or extensions changed while it went on,
// or whose time is over; the next Run begins it by what holds then.
var errMoved = errors.New("what is planned has changed")

// Run does what is to be done at this time: it settles what became of letters,
// drops those whose date has changed, and goes on with each round that is due.
func (rs *Rounds) Run(ctx context.Context, now time.Time) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if err := rs.settle(ctx); err != nil {
		return err
	}
	p, err := rs.planned(ctx, now)
	if err != nil {
		return err
	}
	if err := rs.sweep(ctx, p); err != nil {
		return err
	}
	if closed, _, _ := maintenance.Covering(p.windows, now); closed {
		return nil // nobody could sign in; see doc.go
	}
	rounds, err := begun(ctx, rs.DB, now)
	if err != nil {
		return err
	}
	for _, d := range due(p, rs.Desk.Site.House, rounds, now) {
		if err := rs.work(ctx, p, d); errors.Is(err, errMoved) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reminders: %w", err)
		}
	}
	return nil
}

// planned is what dates follow from, read anew when something was planned since.
func (rs *Rounds) planned(ctx context.Context, now time.Time) (planned, error) {
	version, err := maintenance.Version(ctx, rs.DB)
	if err != nil || version == rs.known.version {
		return rs.known, err
	}
	p, err := read(ctx, rs.DB, now)
	if err == nil {
		rs.known = p
	}
	return p, err
}

// settle writes down what became of letters, some at a time.
func (rs *Rounds) settle(ctx context.Context) error {
	for {
		list, err := settled(ctx, rs.DB, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := rs.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return settle(ctx, tx, list) }); err != nil {
			return err
		}
	}
}

// sweep drops the letters that name an end which is the own end no more. It looks
// once after each change: what was queued before the change is there by then, and
// what is queued later is queued by what holds now.
func (rs *Rounds) sweep(ctx context.Context, p planned) error {
	if rs.swept == p.version {
		return nil
	}
	list, err := stale(ctx, rs.DB, p.book)
	if err != nil {
		return err
	}
	for len(list) > 0 {
		some := list[:min(batch, len(list))]
		if err := rs.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return drop(ctx, tx, some) }); err != nil {
			return err
		}
		list = list[len(some):]
	}
	rs.swept = p.version
	return nil
}

// task is a round that is to be gone on with.
type task struct {
	round
	calendar Calendar
	until    time.Time // its letters have lost their sense then; zero: at each one's own end
	begun    bool
}

// due are the rounds to be gone on with at now.
func due(p planned, house *time.Location, rounds []round, now time.Time) (tasks []task) {
	type key struct {
		plan, organization string
		given, end         int64
		what               What
	}
	of := func(r round) key {
		return key{r.Plan, r.Organization, store.Micros(r.Given), store.Micros(r.OwnEnd), r.What}
	}
	there, announced := map[key]round{}, map[string]time.Time{}
	for _, r := range rounds {
		there[of(r)] = r
		if r.What == Announcement {
			announced[r.Plan] = r.Started
		}
	}
	all := make([]scope, 0, len(p.book.Plans)+len(p.scopes))
	for _, plan := range p.book.Plans {
		all = append(all, scope{plan: plan.ID})
	}
	for _, s := range append(all, p.scopes...) {
		c := Calendar{Versions: p.versions[s.plan], Grant: s.grant, House: house, Windows: p.windows, Announced: announced[s.plan]}
		if s.grant.Until.IsZero() {
			if r, ok := there[key{plan: s.plan, what: Announcement}]; ok && r.Finished.IsZero() && !c.withdrawn() {
				tasks = append(tasks, task{round: r, calendar: c, begun: true})
			}
		}
		d, late, ok := c.Due(now)
		if !ok {
			continue
		}
		r := round{Plan: s.plan, Organization: s.organization, Given: s.grant.Given, What: d.What, OwnEnd: c.OwnEnd(), Due: d.Due}
		if known, ok := there[of(r)]; ok {
			if known.Finished.IsZero() {
				tasks = append(tasks, task{known, c, d.Until, true})
			}
		} else if !late {
			tasks = append(tasks, task{r, c, d.Until, false})
		}
	}
	return tasks
}

// work goes on with a round to its end.
func (rs *Rounds) work(ctx context.Context, p planned, t task) error {
	defer rs.wake()
	if !t.begun {
		err := rs.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if err = holds(ctx, tx, p, t.until); err == nil {
				t.round, err = begin(ctx, tx, t.round)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	plan, _ := p.book.Find(t.Plan)
	w := &writer{Rounds: rs, planned: p, task: t, figures: map[string]progress.Figures{},
		pen: rs.Desk.pen(p, plan, t.calendar.Opens(), rs.Desk.Site.Now())}
	return w.finish(ctx)
}

func (rs *Rounds) wake() {
	if rs.Wake != nil {
		rs.Wake()
	}
}

// holds asks once more inside the deciding transaction whether all is as it was
// read, no window has opened and the time is not over.
func holds(ctx context.Context, tx *store.Tx, p planned, until time.Time) error {
	version, err := maintenance.Version(ctx, tx)
	if err != nil {
		return err
	}
	closed, _, _ := maintenance.Covering(p.windows, tx.Now())
	if version != p.version || closed || !until.IsZero() && !tx.Now().Before(until) {
		return errMoved
	}
	return nil
}

// writer writes one round's letters, some at a time.
type writer struct {
	*Rounds
	planned planned
	task    task
	pen     *pen
	figures map[string]progress.Figures // of organizations whose Portal Admins were written to
}

// bundle is the letters to the people who come next in a round, written and sealed.
type bundle struct {
	after, to account.Ref // the round is at the first, and comes to the second with it
	last      bool
	people    []person
	letters   []mail.Ready
	skipped   int64
	err       error
}

// finish writes to everybody who is left. While one bundle is being queued the next
// is made: all that is slow, reading who they are, writing and sealing, is done
// outside the transaction.
func (w *writer) finish(ctx context.Context) error {
	if !w.task.Finished.IsZero() {
		return nil
	}
	for next := w.bundle(ctx, w.task.after); ; {
		if next.err != nil {
			return next.err
		}
		made := make(chan bundle, 1)
		if !next.last {
			go func(from account.Ref) { made <- w.bundle(ctx, from) }(next.to)
		}
		ahead, err := w.queue(ctx, next)
		switch {
		case !next.last: // also after an error: nobody else may make bundles until it is there
			next = <-made
		case err == nil && ahead:
			return nil
		}
		if err != nil {
			return err
		}
		if ahead {
			continue
		}
		r, err := again(ctx, w.DB, w.task.round) // another node is on it, too: from where it is
		if err != nil || !r.Finished.IsZero() {
			return err
		}
		next = w.bundle(ctx, r.after)
	}
}

// bundle makes the letters for who comes after somebody.
func (w *writer) bundle(ctx context.Context, after account.Ref) bundle {
	b := bundle{after: after, to: after}
	r := w.task.round
	r.after = after
	list, err := w.next(ctx, r)
	if err != nil {
		b.err = err
		return b
	}
	if b.last = len(list) < batch; len(list) > 0 {
		b.to = list[len(list)-1].Ref
	}
	b.people, b.letters, b.skipped, b.err = w.prepare(ctx, w.planned, &w.task, w.pen, list, w.figures, w.Desk.Site.Now())
	return b
}

// queue has a bundle's letters sent; false when another node was faster.
func (w *writer) queue(ctx context.Context, b bundle) (ahead bool, err error) {
	r := w.task.round
	r.after = b.after
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = w.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := holds(ctx, tx, w.planned, w.task.until); err != nil {
			return err
		}
		if ahead, err = advance(ctx, tx, r, b.to, b.last); err != nil || !ahead {
			return err
		}
		_, err = post(ctx, tx, r, b.people, b.letters, b.skipped)
		return err
	})
	return ahead, err
}

// post queues, with the rows that say so, the letters of those who may be written
// to, and says how many.
func post(ctx context.Context, tx *store.Tx, r round, people []person, letters []mail.Ready, skipped int64) (int64, error) {
	mails, err := keep(ctx, tx, r, people)
	if err != nil {
		return 0, err
	}
	kept := make([]mail.Ready, 0, len(mails))
	for _, l := range letters {
		if mails[l.ID] {
			kept = append(kept, l)
		}
	}
	if err := mail.QueueAll(ctx, tx, kept); err != nil {
		return 0, err
	}
	if len(kept) == 0 && skipped == 0 {
		return 0, nil
	}
	return int64(len(kept)), sum(ctx, tx, r.Organization, r.ID, int64(len(kept)), 0, 0, skipped)
}

// next are the people who come next in a round, of whom some may not be concerned.
func (rs *Rounds) next(ctx context.Context, r round) ([]rollout.Open, error) {
	switch {
	case !r.Given.IsZero() && r.Organization == "":
		return rollout.OpenExtended(ctx, rs.DB, r.Plan, rs.until(r), r.Given, r.after.Organization, r.after.ID, batch)
	case r.Organization != "":
		return rollout.OpenOf(ctx, rs.DB, r.Organization, r.after.ID, batch)
	}
	if plan, ok := rs.known.book.Find(r.Plan); ok && plan.Organization != "" {
		return rollout.OpenOf(ctx, rs.DB, plan.Organization, r.after.ID, batch)
	}
	return rollout.OpenAfter(ctx, rs.DB, r.after.Organization, r.after.ID, batch)
}

// until is what the extension of a round's people says, which their own end may
// fall short of.
func (rs *Rounds) until(r round) time.Time {
	for _, s := range rs.known.scopes {
		plan, ok := rs.known.book.Find(s.plan)
		if ok && s.plan == r.Plan && s.organization == r.Organization && s.grant.Given.Equal(r.Given) &&
			rollout.OwnEnd(plan, s.grant.Until).Equal(r.OwnEnd) {
			return s.grant.Until
		}
	}
	return r.OwnEnd
}

// prepare writes the letters of those whom the round concerns.
func (rs *Rounds) prepare(ctx context.Context, p planned, t *task, pen *pen, list []rollout.Open, figures map[string]progress.Figures, now time.Time) (
	people []person, letters []mail.Ready, skipped int64, err error) {
	for _, o := range list {
		plan, end, ok := concerned(p.book, t.Plan, o, now)
		if !ok || !t.OwnEnd.IsZero() && (!end.Equal(t.OwnEnd) || By(plan, o.Claim.Extended) != t.by()) {
			continue
		}
		if o.Undeliverable {
			refused, err := refusedSince(ctx, rs.DB, o.Ref, now.Add(-rests))
			if err != nil {
				return nil, nil, 0, err
			}
			if refused {
				skipped++
				continue
			}
		}
		f, ok := figures[o.Organization]
		if !ok && o.Authority == account.PortalAdmin {
			if f, err = progress.Of(ctx, rs.DB, o.Organization); err != nil {
				return nil, nil, 0, err
			}
			figures[o.Organization] = f
		}
		until := t.until
		if until.IsZero() || end.Before(until) {
			until = end
		}
		ready, err := mail.Prepare(rs.Keys, pen.write(t.What, o, end, f, until), now)
		if errors.Is(err, mail.ErrAddress) {
			skipped++ // one letter that cannot be written must not keep all others waiting
			continue
		}
		if err != nil {
			return nil, nil, 0, err
		}
		people = append(people, person{Ref: o.Ref, ownEnd: end, mail: ready.ID})
		letters = append(letters, ready)
	}
	return people, letters, skipped, nil
}

// concerned says whether a rollout's letters concern somebody at now: it binds him,
// he has grace, and his own end is still ahead.
func concerned(book rollout.Book, planID string, o rollout.Open, now time.Time) (plan rollout.Plan, end time.Time, ok bool) {
	term, grace := rollout.For(book.Of(o.Organization), o.Claim)
	return term.Plan, term.OwnEnd, grace && term.Plan.ID == planID && now.Before(term.OwnEnd)
}

// by is whose extension makes the own end of a round's people.
func (t *task) by() Extended {
	switch {
	case t.Given.IsZero():
		return ByNone
	case t.Organization != "":
		return ByOrganization
	}
	return ByOwn
}
