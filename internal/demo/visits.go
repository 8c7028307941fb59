package demo

import (
	"context"
	"errors"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/progress"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// browser is what people come with.
const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.186 Safari/537.36"

// errRefused means that the portal refused what the story takes for right.
var errRefused = errors.New("a code of the story was refused")

// enter is the first verification, and what is done with it.
func (s *story) enter(ctx context.Context, p *person, next, passID string, also ...func(context.Context, *store.Tx, session.Session) error) (visit session.Session, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, visit, err = session.Start(ctx, tx, p.Ref, p.company.network, browser, passID); err != nil {
			return err
		}
		for _, do := range also {
			if err := do(ctx, tx, visit); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, s.Keys, p.entry("account:password:accepted", p.Ref, map[string]string{"next": next}))
	})
	return visit, err
}

// signIn is both verifications.
func (s *story) signIn(ctx context.Context, p *person) (session.Session, error) {
	var mailedCode string
	visit, err := s.enter(ctx, p, "code", "", func(ctx context.Context, tx *store.Tx, visit session.Session) (err error) {
		if p.Method == account.MailOTP {
			mailedCode, err = s.mailCode(ctx, tx, p, visit, mailotp.SignIn, "signin.code_mail")
		}
		return err
	})
	if err == nil {
		err = s.post.Drain(ctx)
	}
	if err != nil {
		return session.Session{}, err
	}
	s.wait(35 * time.Second)
	return visit, s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		attempt := s.attempt(p, visit, verification.SignIn, mailedCode)
		if attempt.Method == account.TOTP {
			attempt.Code = totp.Code(p.key, totp.Step(tx.Now()))
		}
		if err := right(s.desk.Prove(ctx, tx, attempt)); err != nil {
			return err
		}
		if _, err := session.Rise(ctx, tx, visit, attempt.Method); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.Keys, p.entry("account:code:accepted", p.Ref,
			map[string]string{"door": string(attempt.Door), "method": string(attempt.Method)}))
	})
}

// attempt is a code of this person, by the assigned method.
func (s *story) attempt(p *person, visit session.Session, door verification.Door, code string) verification.Attempt {
	return verification.Attempt{Ref: p.Ref, Person: p.Account, Session: visit.ID, Door: door,
		Method: p.Method, Code: code, Network: p.company.network}
}

// right turns every other verdict into an error: in the story nobody mistypes.
func right(o verification.Outcome, err error) error {
	if err == nil && o.Verdict != verification.Right {
		err = errRefused
	}
	return err
}

// mailCode makes a code and mails it.
func (s *story) mailCode(ctx context.Context, tx *store.Tx, p *person, visit session.Session, door mailotp.Door, key string) (string, error) {
	code, again, err := mailotp.Issue(ctx, tx, s.Keys, p.Ref, visit.ID, door, p.EmailKey)
	if err != nil || !again.IsZero() {
		return "", errors.Join(err, errRefused)
	}
	say := s.Site.Speaker(p.Language, p.Location())
	expires := tx.Now().Add(mailotp.Valid)
	return code, mail.Queue(ctx, tx, s.Keys, mail.Letter{
		Organization: p.Organization, Holder: p.ID, Lane: mail.Code, Kind: "code", To: p.Email, Language: p.Language, Expires: expires,
		Subject: say.T(key+"_subject", "portal", s.Site.Name),
		Text: say.T(key+"_text", "name", p.Name, "portal", s.Site.Name,
			"code", page.Group(4, code), "until", say.Zones.Clock(expires)),
	})
}

// signOut ends a visit some minutes later.
func (s *story) signOut(ctx context.Context, p *person, visit session.Session) error {
	s.wait(4 * time.Minute)
	return s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := session.End(ctx, tx, p.Ref, visit.ID, "signed out"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.Keys, p.entry("account:session:ended", p.Ref, map[string]string{"why": "signed out"}))
	})
}

// lookIn is a visit by 1 step, of somebody who puts the set-up off; in the period
// it is noted, as at the door.
func (s *story) lookIn(ctx context.Context, p *person) error {
	visit, err := s.enter(ctx, p, "admitted", "", func(ctx context.Context, tx *store.Tx, _ session.Session) error {
		if !tx.Now().Before(s.period.Opens) {
			if err := progress.Note(ctx, tx, p.Organization, p.ID, progress.Signed, ""); err != nil {
				return err
			}
		}
		if p.state == Weak {
			if err := password.MarkWeak(ctx, tx, p.Ref); err != nil {
				return err
			}
		}
		return progress.Note(ctx, tx, p.Organization, p.ID, progress.Signed, "")
	})
	if err != nil {
		return err
	}
	return s.signOut(ctx, p, visit)
}
