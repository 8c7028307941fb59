package demo

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mailotp"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// setUp is a person's set-up, as the pages do it: the mailbox first, then the app;
// for MailOTP the mailbox is all. Whoever came by a link has proved the mailbox.
func (s *story) setUp(ctx context.Context, p *person) error {
	next := "admitted"
	if p.guide != "" {
		next = "set-up"
	}
	visit, err := s.enter(ctx, p, next, p.guide)
	if err != nil {
		return err
	}
	s.wait(70 * time.Second)
	if p.guide == "" {
		if err := s.proveMailbox(ctx, p, visit); err != nil {
			return err
		}
	}
	if p.method == account.TOTP {
		err = s.proveApp(ctx, p, visit)
	}
	if err != nil {
		return err
	}
	return s.signOut(ctx, p, visit)
}

// proveMailbox mails a code and types it. For MailOTP it proves the method.
func (s *story) proveMailbox(ctx context.Context, p *person, visit session.Session) error {
	var code string
	err := s.write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		code, err = s.mailCode(ctx, tx, p, visit, mailotp.Setup, "demo.setup_code")
		return err
	})
	if err == nil {
		err = s.post.Drain(ctx)
	}
	if err != nil {
		return err
	}
	s.wait(50 * time.Second)
	return s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		attempt := s.attempt(p, visit, verification.Mailbox, code)
		attempt.Method = account.MailOTP
		enroll := p.method == account.MailOTP
		if enroll {
			attempt.Door = verification.Setup
		}
		if err := right(s.desk.ProveMailbox(ctx, tx, attempt, enroll)); err != nil || !enroll {
			return err
		}
		return s.enrolled(ctx, tx, p, visit)
	})
}

// proveApp types the first code of a new secret.
func (s *story) proveApp(ctx context.Context, p *person, visit session.Session) error {
	s.wait(55 * time.Second)
	key := totp.NewSecret()
	err := s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		attempt := s.attempt(p, visit, verification.Setup, totp.Code(key, totp.Step(tx.Now())))
		attempt.Method = account.TOTP
		if err := right(s.desk.ProveNew(ctx, tx, attempt, key)); err != nil {
			return err
		}
		return s.enrolled(ctx, tx, p, visit)
	})
	p.key = key
	return err
}

// enrolled is all that a finished set-up changes.
func (s *story) enrolled(ctx context.Context, tx *store.Tx, p *person, visit session.Session) error {
	var entries []audit.Entry
	record := func(act string, detail map[string]string) { entries = append(entries, p.entry(act, p.Ref, detail)) }
	record("account:method:enrolled", map[string]string{"method": string(p.method), "door": string(verification.Setup)})
	if !p.IsOperator() && p.Method != p.method {
		if err := account.Assign(ctx, tx, p.Ref, p.method, p.ID); err != nil {
			return err
		}
		record("account:method:changed", map[string]string{"from": string(p.Method), "to": string(p.method)})
		p.Method = p.method
	}
	if p.joined > 0 { // the starting guide's first password
		if err := password.Set(ctx, tx, p.Ref, p.hash, password.Changed); err != nil {
			return err
		}
		record("account:password:changed", map[string]string{"door": string(verification.Setup)})
	}
	if !p.IsOperator() {
		if err := rollout.FinishGrace(ctx, tx, s.Keys, p.Account, "enrolled", p.ID); err != nil {
			return err
		}
	}
	if p.guide != "" {
		if err := pass.Spend(ctx, tx, p.Ref, p.guide); err != nil {
			return err
		}
	}
	if err := pass.Withdraw(ctx, tx, p.Ref); err != nil {
		return err
	}
	if _, err := session.Rise(ctx, tx, visit, p.method); err != nil {
		return err
	}
	if _, err := session.EndAll(ctx, tx, p.Ref, visit.ID, "second verification set up"); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, s.Keys, entries...); err != nil {
		return err
	}
	p.enrolled = true
	return s.letter(ctx, tx, p, "method-enrolled", "demo.enrolled_"+string(p.method))
}
