package demo

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/audit"
	"nidan/internal/password"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// How many wrong codes are typed, and what the owner does about it in between.
const (
	stoppedAfter = verification.Cap
	voidAfter    = verification.VoidRun
	noticed      = 3 * time.Hour    // after a stop the owner resets the password
	stolenAgain  = 20 * time.Minute // after which the stranger knows it again
	betweenTries = 15 * time.Second
)

// guess is a stranger who knows the password and types a wrong code, again and
// again: as fast as the portal looks at them, total times in all.
func (s *story) guess(ctx context.Context, p *person, total, made int) error {
	if err := s.mistype(ctx, p); err != nil {
		return err
	}
	made++
	stopped := made%verification.Cap == 0
	if stopped && p.state == Void {
		s.at(s.clk.Now().Add(noticed), func(ctx context.Context) error { return s.reset(ctx, p) })
	}
	if made == total {
		return nil
	}
	next := s.clk.Now().Add(betweenTries)
	if stopped {
		next = s.clk.Now().Add(noticed + stolenAgain)
	}
	ledger, err := verification.Read(ctx, s.db, s.Keys, p.Ref, s.clk.Now())
	if err != nil {
		return err
	}
	if again := ledger.Again(s.clk.Now()); again.After(next) {
		next = again
	}
	s.at(next, func(ctx context.Context) error { return s.guess(ctx, p, total, made) })
	return nil
}

// mistype is one sign-in with a wrong code.
func (s *story) mistype(ctx context.Context, p *person) error {
	return s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, visit, err := session.Start(ctx, tx, p.Ref, strangerNetwork, browser, "")
		if err != nil {
			return err
		}
		entry := p.entry("account:password:accepted", p.Ref, map[string]string{"next": "code"})
		entry.Network = strangerNetwork
		if err := audit.Record(ctx, tx, s.Keys, entry); err != nil {
			return err
		}
		attempt := s.attempt(p, visit, verification.SignIn, wrong(p.key, tx.Now()))
		attempt.Network = strangerNetwork
		outcome, err := s.desk.Prove(ctx, tx, attempt)
		if err == nil && outcome.Verdict != verification.Wrong {
			err = fmt.Errorf("a wrong code of the story met verdict %d", outcome.Verdict)
		}
		return err
	})
}

// wrong is a code that is right at no time near now.
func wrong(key []byte, now time.Time) string {
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); totp.Search(key, code, now) == (totp.Match{}) {
			return code
		}
	}
}

// reset is the owner's new password by the mailed way; it ends the stop.
func (s *story) reset(ctx context.Context, p *person) error {
	hash, err := s.Pool.Hash(ctx, p.password())
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := password.Set(ctx, tx, p.Ref, hash, password.Reset); err != nil {
			return err
		}
		if _, err := session.EndAll(ctx, tx, p.Ref, "", "password reset"); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, s.Keys, p.entry("account:password:reset", p.Ref, nil)); err != nil {
			return err
		}
		return s.letter(ctx, tx, p, "password-reset", "password.mail_reset")
	})
}
