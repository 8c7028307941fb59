package reminder

import (
	"context"
	"errors"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

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
			refused, err := refusedSince(ctx, rs.DB, o.Ref, o.Email, now.Add(-rests))
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
