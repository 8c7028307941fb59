package demo

import (
	"context"
	"slices"
	"sync"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/reminder"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// The story begins 16 days before the opening.
const (
	day    = 24 * time.Hour
	before = 16 * day
)

// story is what has happened in the demo before it begins: events in the order of
// their time, each by the rooms' own functions.
type story struct {
	Seeding
	db       *store.DB
	clk      *clock.Clock
	post     *mail.Post
	desk     *verification.Desk
	rounds   *reminder.Rounds
	now      time.Time // where it ends
	period   Period
	windows  []Window
	plan     rollout.Plan
	operator *person
	people   []*person
	events   []event // those to come, in order
}

type event struct {
	at time.Time
	do func(context.Context) error
}

// person is a member, or the operator, as the story goes on.
type person struct {
	member
	account.Account
	company  company
	hash     string // of the password, until it is stored
	key      []byte // of the authenticator app; nil: none
	enrolled bool
	guide    string // the open starting guide's pass
}

// actor is the person as the record names him.
func (p *person) actor() audit.Actor {
	if p.IsOperator() {
		return audit.Actor{Kind: audit.KindOperator, ID: p.ID}
	}
	return audit.Actor{Kind: audit.KindAccount, ID: p.ID}
}

// entry is a record of an act of this person on somebody, in that one's chain.
func (p *person) entry(act string, subject account.Ref, detail map[string]string) audit.Entry {
	return audit.Entry{Chain: subject.Organization, Act: act, Actor: p.actor(), Subject: subject.ID,
		Network: p.company.network, Detail: detail}
}

// tell goes through the whole story.
func (s *story) tell(ctx context.Context) error {
	if _, err := clock.Load(ctx, s.db, s.clk); err != nil {
		return err
	}
	if err := s.cast(ctx); err != nil {
		return err
	}
	s.outline()
	for len(s.events) > 0 {
		next := s.events[0]
		s.events = s.events[1:]
		if next.at.After(s.clk.Now()) {
			s.clk.Set(next.at) // whoever comes at the same time waits until the one before is done
		}
		if err := next.do(ctx); err != nil {
			return err
		}
		if err := s.post.Drain(ctx); err != nil {
			return err
		}
	}
	return s.end(ctx)
}

// end brings the story to the demo's beginning, and says that it is whole.
func (s *story) end(ctx context.Context) error {
	s.clk.Set(s.now)
	err := s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return audit.Record(ctx, tx, s.Keys, audit.Entry{Chain: audit.Operators, Act: actSeeded,
			Actor: audit.Actor{Kind: audit.KindPortal}, Subject: "demo"})
	})
	if err != nil {
		return err
	}
	if _, err := progress.Fold(ctx, s.db); err != nil {
		return err
	}
	return clock.Remember(ctx, s.db, s.clk)
}

// remind lets the letters of the rollout go out that are due.
func (s *story) remind(ctx context.Context) error {
	if _, err := progress.Fold(ctx, s.db); err != nil {
		return err
	}
	return s.rounds.Run(ctx, s.clk.Now())
}

// at adds an event. What would come after the demo's beginning does not happen.
func (s *story) at(t time.Time, do func(context.Context) error) {
	if !t.Before(s.now) {
		return
	}
	i, _ := slices.BinarySearchFunc(s.events, t, func(e event, t time.Time) int {
		if e.at.After(t) {
			return 1
		}
		return -1 // behind those of the same time
	})
	s.events = slices.Insert(s.events, i, event{t, do})
}

// on adds an event by its days since the opening.
func (s *story) on(days float64, do func(context.Context) error) { s.at(s.date(days), do) }

// date is an instant by its days since the opening.
func (s *story) date(days float64) time.Time {
	return s.period.Opens.Add(time.Duration(days * float64(day))).Truncate(time.Second)
}

// wait lets time pass within an event.
func (s *story) wait(d time.Duration) { s.clk.Set(s.clk.Now().Add(d)) }

func (s *story) write(ctx context.Context, do func(ctx context.Context, tx *store.Tx) error) error {
	return s.db.Write(ctx, do)
}

// letter queues a mail in the receiver's language, with the deed it tells of.
func (s *story) letter(ctx context.Context, tx *store.Tx, to *person, kind, key string, args ...any) error {
	say := s.Site.Speaker(to.Language, to.Location())
	args = append([]any{"name", to.Name, "portal", s.Site.Name, "when", say.Moment(tx.Now()), "where", to.company.network}, args...)
	return mail.Queue(ctx, tx, s.Keys, mail.Letter{
		Organization: to.Organization, Holder: to.ID, Lane: mail.Notice, Kind: kind, To: to.Email, Language: to.Language,
		Subject: say.T(key+"_subject", args...), Text: say.T(key+"_text", args...),
	})
}

// cast makes the people, each with a hash of the own password. Hashing takes the
// seed's longest time, so it is done on all permits at once.
func (s *story) cast(ctx context.Context) error {
	s.operator = &person{member: member{state: Enrolled, method: app},
		company: company{network: operatorNetwork},
		Account: account.Account{Ref: account.Ref{Organization: organization.Operators}, Email: operatorEmail,
			Name: operatorName, Method: app, Language: phrase.English, Zone: inTokyo}}
	for _, c := range companies {
		for _, m := range c.members {
			s.people = append(s.people, &person{member: m, company: c, Account: account.Account{
				Email: m.email(c), Name: m.name, Phone: m.phone, Authority: m.authority(), Preset: m.preset(),
				Language: m.lang, Zone: m.zone, JobTitle: m.title,
			}})
		}
	}
	work := make(chan *person)
	errs := make([]error, s.Pool.Permits())
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			for p := range work {
				if errs[i] == nil {
					errs[i] = s.seal(ctx, p)
				}
			}
		})
	}
	for _, p := range append(s.people, s.operator) {
		work <- p
	}
	close(work)
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// seal makes the hash of a person's password.
func (s *story) seal(ctx context.Context, p *person) (err error) {
	switch {
	case p.IsOperator():
		p.hash, err = s.Pool.Hash(ctx, ofOperator)
	case p.state == Imported:
		p.hash, err = p.member.hash.old(p.password())
	case p.password() != "":
		p.hash, err = s.Pool.Hash(ctx, p.password())
	}
	return err
}
