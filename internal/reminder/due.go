package reminder

import (
	"time"

	"nidan/internal/rollout"
	"nidan/internal/store"
)

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

// concerned says whether a rollout's letters concern somebody at now: it binds him,
// he has grace, and his own end is still ahead.
func concerned(book rollout.Book, planID string, o rollout.Open, now time.Time) (plan rollout.Plan, end time.Time, ok bool) {
	term, grace := rollout.For(book.Of(o.Organization), o.Claim)
	return term.Plan, term.OwnEnd, grace && term.Plan.ID == planID && now.Before(term.OwnEnd)
}
