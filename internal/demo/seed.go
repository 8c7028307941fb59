package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"nidan/internal/clock"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/reminder"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// Seeding is what a seed works with.
type Seeding struct {
	Database string // as store.Open takes it: migrated, marked as a demo, and never used
	KeyFile  string // told in the facts; the keys themselves are Keys
	Keys     *secret.Keys
	Site     *page.Site
	Pool     *password.Pool
	URL      string // where the demo is reached: in the facts and in mails
}

// Why a database is not seeded.
var (
	ErrNotDemo = errors.New("the database is not marked as a demo")
	ErrUsed    = errors.New("the database is in use already")
)

// keptMail is from how long before its beginning on the demo's mailbox has mails.
// Older ones were sent as well; people have thrown them away.
const keptMail = 72 * time.Hour

// Seed fills an empty database with the demo's story, up to now. It opens the
// database itself, with a clock that it moves. One that is not marked as a demo
// (store.MarkPortal) is refused, and so is one that holds anything already.
func Seed(ctx context.Context, seeding Seeding, now time.Time) (facts Facts, err error) {
	s := &story{Seeding: seeding, now: now, period: period(now, seeding.Site.House)}
	s.clk = clock.At(s.period.Opens.Add(-before))
	if s.db, err = store.Open(ctx, seeding.Database, s.clk.Now); err != nil {
		return Facts{}, fmt.Errorf("demo seed: %w", err)
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	recent := latest{mail.NewCatch(s.db, s.Keys), now.Add(-keptMail)}
	s.post = mail.NewPost(s.db, s.Keys, s.clk, recent, "", slog.New(slog.DiscardHandler))
	s.desk = &verification.Desk{Keys: s.Keys, Site: s.Site}
	s.rounds = &reminder.Rounds{DB: s.db, Keys: s.Keys, Wake: func() {}}
	then := *s.Site
	then.Now = s.clk.Now // letters are dated by the story's time
	if _, err := reminder.New(reminder.Needs{Rounds: s.rounds, Site: &then, BaseURL: s.URL}); err != nil {
		return Facts{}, fmt.Errorf("demo seed: %w", err)
	}
	if err := s.fits(ctx); err != nil {
		return Facts{}, fmt.Errorf("demo seed: %w", err)
	}
	if err := s.tell(ctx); err != nil {
		return Facts{}, fmt.Errorf("demo seed: %w", err)
	}
	return s.facts(), nil
}

// fits says whether the database may be filled.
func (s *story) fits(ctx context.Context) error {
	mark, err := store.ReadPortal(ctx, s.db)
	switch {
	case errors.Is(err, store.ErrNone), err == nil && !mark.Demo:
		return ErrNotDemo
	case err != nil:
		return err
	}
	there, err := used(ctx, s.db)
	if err == nil && there {
		err = ErrUsed
	}
	return err
}

// latest keeps the mails of the last days.
type latest struct {
	*mail.Catch
	from time.Time
}

// lost is a mailbox that was given up: letters to it come back, for operators and
// Portal Admins to see where.
const lost = "paul.richter@brennhof.example"

// Send keeps a mail, or throws it away.
func (l latest) Send(ctx context.Context, m mail.Message) error {
	if m.To == lost {
		return &mail.Failure{Step: "rcpt to", Code: 550, Status: "5.1.1", Text: "no such mailbox here", Permanent: true}
	}
	if m.At.Before(l.from) {
		return nil
	}
	return l.Catch.Send(ctx, m)
}

// facts are what the story has led to.
func (s *story) facts() Facts {
	f := Facts{URL: s.URL, Database: s.Database, KeyFile: s.KeyFile, Rollout: s.period, Windows: s.windows,
		Operator: Staff{Email: s.operator.Email, Password: ofOperator, TOTPSecret: totp.Text(s.operator.key)}}
	for _, p := range s.people {
		a := Account{Email: p.Email, Password: p.password(), Name: p.Name, Phone: p.Phone,
			Authority: string(p.Authority), Organization: p.company.name, Method: string(p.Method),
			Enrolled: p.enrolled, State: p.state}
		if p.key != nil {
			a.TOTPSecret = totp.Text(p.key)
		}
		f.Accounts = append(f.Accounts, a)
	}
	return f
}
