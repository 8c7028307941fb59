package demo

import (
	"context"
	"time"

	"nidan/internal/audit"
	"nidan/internal/store"
)

// When the larger things happen, in days since the opening. Whatever is done by a
// company's Portal Admin comes after its first one has set up.
const (
	onOperator  = -16.0
	onPlan      = -15.6
	onImport    = -14.4
	onSuspended = 10.45
	onUpgrade   = 11.4 // the window ahead is planned
	onStopped   = 9.2  // wrong codes begin
	onVoid      = 2.9
	lastVisit   = 13.2
)

// Windows of the demo: the first begins with the opening, as announced; the other
// lies ahead.
const (
	openingLasts = 5 * time.Hour
	upgradeAfter = 19*day + time.Hour
	upgradeLasts = 2 * time.Hour
)

// outline puts everything that happens into its order.
func (s *story) outline() {
	s.on(onOperator, s.startOperator)
	s.on(onPlan, s.planRollout)
	for i := range companies {
		s.on(onImport+float64(i)/24, func(ctx context.Context) error { return s.bring(ctx, companies[i]) })
	}
	s.at(s.period.Opens.Add(openingLasts+time.Minute), s.remind) // the letter of the opening
	for hour := s.period.Opens.Add(openingLasts + time.Hour); hour.Before(s.now); hour = hour.Add(12 * time.Hour) {
		s.at(hour, s.remind) // what became of letters, and those of a moved end
	}
	s.on(onUpgrade, s.planUpgrade)
	s.on(onNotices, s.writeNotices)
	s.askForHelp()
	s.askFromOutside()
	for _, p := range s.people {
		s.outlineOf(p)
	}
	for midnight := s.date(onOperator).Truncate(day).Add(day); midnight.Before(s.now); midnight = midnight.Add(day) {
		s.at(midnight, s.linkHeads)
	}
}

// outlineOf is what happens to one person.
func (s *story) outlineOf(p *person) {
	boss := s.boss(p)
	setUp := func(ctx context.Context) error { return s.setUp(ctx, p) }
	switch p.state {
	case Enrolled:
		if p.joined > 0 {
			s.on(p.joined, func(ctx context.Context) error { return s.invite(ctx, boss, p) })
		}
		s.on(p.day, setUp)
		s.visits(p)
	case Granted:
		s.on(p.day, func(ctx context.Context) error { return s.grant(ctx, boss, p) })
		s.on(p.day+0.12, setUp)
		s.visits(p)
	case Waiting:
		s.on(p.day, func(ctx context.Context) error { return s.grant(ctx, boss, p) })
	case InGrace, Weak:
		if p.member.day != 0 {
			s.on(p.day, func(ctx context.Context) error { return s.lookIn(ctx, p) })
		}
	case Extended:
		s.on(p.day, func(ctx context.Context) error { return s.extend(ctx, p) })
	case Invited, Lapsed:
		s.on(p.joined, func(ctx context.Context) error { return s.invite(ctx, boss, p) })
	case Suspended:
		if p.method != "" {
			s.on(p.day, setUp)
		}
		s.on(onSuspended, func(ctx context.Context) error { return s.suspend(ctx, boss, p) })
	case Stopped:
		s.on(p.day, setUp)
		s.on(onStopped, func(ctx context.Context) error { return s.guess(ctx, p, stoppedAfter, 0) })
	case Void:
		s.on(p.day, setUp)
		s.on(onVoid, func(ctx context.Context) error { return s.guess(ctx, p, voidAfter, 0) })
	}
}

// boss is the Portal Admin who acts for a person's company: its first.
func (s *story) boss(p *person) *person {
	for _, other := range s.people {
		if other.company.domain == p.company.domain {
			return other
		}
	}
	return nil
}

// visits lets somebody who is set up sign in now and then, at the usual hour.
func (s *story) visits(p *person) {
	for _, later := range []float64{1, 5, 9} {
		if on := p.day + later + 0.013; on < lastVisit {
			s.on(on, func(ctx context.Context) error {
				visit, err := s.signIn(ctx, p)
				if err != nil {
					return err
				}
				return s.signOut(ctx, p, visit)
			})
		}
	}
}

// linkHeads is the portal's own work of each day.
func (s *story) linkHeads(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, tx *store.Tx) error { return audit.LinkHeads(ctx, tx, s.Keys) })
}
