package verification

import (
	"context"
	"errors"
	"strconv"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// Desk tries codes. The transaction it is handed must be committed whatever the
// verdict is: a verdict is a value, and an error means that nothing was decided.
type Desk struct {
	Keys *secret.Keys
	Site *page.Site
}

// Prove tries a code as the second verification, of a method that is asked. A
// right one is consumed here and nowhere else.
func (d *Desk) Prove(ctx context.Context, tx *store.Tx, a Attempt) (Outcome, error) {
	return d.try(ctx, tx, a, func(s state) (Outcome, error) {
		if a.Method == account.MailOTP {
			return d.mailed(ctx, tx, a, s, true)
		}
		return d.app(ctx, tx, a, s)
	})
}

// ProveMailbox tries the code that shows that a mailbox answers. It is counted
// like any second step; a right one is no second verification, unless enroll says
// that MailOTP itself is being set up.
func (d *Desk) ProveMailbox(ctx context.Context, tx *store.Tx, a Attempt, enroll bool) (Outcome, error) {
	return d.try(ctx, tx, a, func(s state) (Outcome, error) { return d.mailed(ctx, tx, a, s, enroll) })
}

func (d *Desk) try(ctx context.Context, tx *store.Tx, a Attempt, check func(state) (Outcome, error)) (Outcome, error) {
	s, err := decide(ctx, tx, d.Keys, a)
	if err != nil {
		return Outcome{}, err
	}
	if s.Stopped {
		return Outcome{Verdict: Stopped}, nil
	}
	if s.Void && !a.Pass {
		return Outcome{}, nil
	}
	if again := s.Again(tx.Now()); !again.IsZero() {
		return Outcome{Verdict: Waiting, Until: again}, nil
	}
	o, err := check(s)
	if err != nil {
		return Outcome{}, err
	}
	switch o.Verdict {
	case Wrong, Late, Expired:
		return d.count(ctx, tx, a, s, o)
	case Right:
		if s.Void && a.Door == Setup && o.Enrolled {
			err = revive(ctx, tx, a.Ref)
		}
	}
	return o, err
}

// app checks a code of an authenticator app.
func (d *Desk) app(ctx context.Context, tx *store.Tx, a Attempt, s state) (Outcome, error) {
	if s.app.Secret == nil {
		return Outcome{Verdict: Wrong}, nil
	}
	m := totp.Search(s.app.Secret, a.Code, tx.Now())
	if !m.Right {
		return d.outside(ctx, tx, a, s, m)
	}
	// At or below the floor a code may have been accepted in a past that was lost.
	var rose bool
	var err error
	if m.Step > s.floor {
		if rose, err = totp.Raise(ctx, tx, a.Ref, m.Step, s.epoch); err != nil {
			return Outcome{}, err
		}
	}
	if rose {
		if rose, err = accept(ctx, tx, a, m.Step, ""); err != nil {
			return Outcome{}, err
		}
	}
	if !rose {
		return Outcome{Verdict: Spent, WorksAt: totp.StepStart(max(totp.Step(tx.Now()), s.app.LastStep, s.floor) + 1)}, nil
	}
	return Outcome{Verdict: Right}, nil
}

// outside refuses a code that is not of this moment. One that is right for
// another moment is burnt, so that it never works, and tells how far the device is off.
func (d *Desk) outside(ctx context.Context, tx *store.Tx, a Attempt, s state, m totp.Match) (Outcome, error) {
	if m.Off == 0 {
		return Outcome{Verdict: Wrong}, nil
	}
	if _, err := totp.Raise(ctx, tx, a.Ref, m.Step, s.epoch); err != nil {
		return Outcome{}, err
	}
	works := time.Time{}
	if next := totp.StepStart(m.Step + 1); next.After(tx.Now()) {
		works = next
	}
	return Outcome{Verdict: Late, Off: m.Off, WorksAt: works}, nil
}

// mailed checks a mailed code. With record it is a second verification: the first
// right one of an assigned MailOTP enrolls it and removes an older secret.
func (d *Desk) mailed(ctx context.Context, tx *store.Tx, a Attempt, s state, record bool) (Outcome, error) {
	door := a.Door.mailed()
	id, err := mailotp.Spend(ctx, tx, d.Keys, a.Ref, a.Session, door, a.Person.EmailKey, a.Code)
	switch {
	case errors.Is(err, store.ErrNone) && s.expired(tx.Now()):
		return Outcome{Verdict: Expired}, nil
	case errors.Is(err, store.ErrNone):
		return Outcome{Verdict: Wrong}, nil
	case err != nil:
		return Outcome{}, err
	case !record:
		return Outcome{Verdict: Right}, nil
	}
	ok, err := accept(ctx, tx, a, 0, id)
	if err != nil || !ok {
		return Outcome{Verdict: Spent}, err
	}
	if a.Person.Method != account.MailOTP && a.Door != Setup {
		return Outcome{Verdict: Right}, nil // an older MailOTP, until TOTP is set up
	}
	if s.mailotp && a.Door != Setup {
		return Outcome{Verdict: Right}, nil
	}
	first, err := mailotp.Enroll(ctx, tx, a.Ref)
	if err != nil || !first && a.Door != Setup { // set-up proves it anew, and so ends a void one
		return Outcome{Verdict: Right}, err
	}
	return Outcome{Verdict: Right, Enrolled: true}, totp.Remove(ctx, tx, a.Ref)
}

// mailed is the door of the mailed codes that are typed at a door.
func (d Door) mailed() mailotp.Door {
	switch d {
	case Confirm:
		return mailotp.Confirm
	case Setup, Mailbox, Phone:
		return mailotp.Setup
	case Method:
		return mailotp.Method
	}
	return mailotp.SignIn
}

// ProveNew tries the first code of a secret that is being set up, and enrolls it.
// A wrong one says nothing about the account and is not counted here.
func (d *Desk) ProveNew(ctx context.Context, tx *store.Tx, a Attempt, key []byte) (Outcome, error) {
	s, err := decide(ctx, tx, d.Keys, a)
	if err != nil {
		return Outcome{}, err
	}
	if s.Void && !a.Pass {
		return Outcome{}, nil
	}
	m := totp.Search(key, a.Code, tx.Now())
	if !m.Right {
		o := Outcome{Verdict: Wrong}
		if m.Off != 0 {
			o = Outcome{Verdict: Late, Off: m.Off}
		}
		return o, nil
	}
	// Steps rise per account, not per secret: a code of the old one in this very
	// half minute makes the new one wait for the next.
	last := s.floor
	if s.app.Epoch == s.epoch {
		last = max(last, s.app.LastStep)
	}
	fresh := m.Step > last
	if fresh {
		if fresh, err = accept(ctx, tx, a, m.Step, ""); err != nil {
			return Outcome{}, err
		}
	}
	if !fresh {
		return Outcome{Verdict: Spent, WorksAt: totp.StepStart(max(totp.Step(tx.Now()), last) + 1)}, nil
	}
	if err := totp.Enroll(ctx, tx, d.Keys, a.Ref, key, m.Step, s.epoch); err != nil {
		return Outcome{}, err
	}
	if s.Void {
		err = revive(ctx, tx, a.Ref)
	}
	return Outcome{Verdict: Right, Enrolled: true}, err
}

// count writes down a wrong code, ends what it ends, and tells the owner.
func (d *Desk) count(ctx context.Context, tx *store.Tx, a Attempt, s state, o Outcome) (Outcome, error) {
	run := s.Run + 1
	if err := fail(ctx, tx, a, s); err != nil {
		return Outcome{}, err
	}
	wrong, err := session.Wrong(ctx, tx, a.Ref, a.Session)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return Outcome{}, err
	}
	o.Left = max(0, session.WrongCodes-wrong)
	o.Ended = o.Left == 0 || errors.Is(err, store.ErrNone)
	entries := []audit.Entry{d.entry(a, "account:code:refused", map[string]string{"door": string(a.Door), "run": strconv.Itoa(run)})}
	if s.stops() {
		o.Ended = true
		entries = append(entries, d.entry(a, "account:second-step:stopped", nil))
	}
	if s.voids() {
		entries = append(entries, d.entry(a, "account:second-step:void", nil))
	}
	if err := audit.Record(ctx, tx, d.Keys, entries...); err != nil {
		return Outcome{}, err
	}
	if s.stops() || s.voids() {
		if err := d.tellLost(ctx, tx, a, s); err != nil {
			return Outcome{}, err
		}
	}
	if run < TellFrom && !s.stops() {
		return o, nil
	}
	return o, d.tell(ctx, tx, a, run, s.stops())
}

func (d *Desk) entry(a Attempt, act string, detail map[string]string) audit.Entry {
	kind := audit.KindAccount
	if a.IsOperator() {
		kind = audit.KindOperator
	}
	return audit.Entry{Chain: a.Organization, Act: act, Actor: audit.Actor{Kind: kind, ID: a.ID}, Subject: a.ID, Network: a.Network, Detail: detail}
}

// tell mails the owner of wrong codes: whoever typed them had the password.
func (d *Desk) tell(ctx context.Context, tx *store.Tx, a Attempt, run int, stopped bool) error {
	say := d.Site.Speaker(a.Person.Language, a.Person.Location())
	key := "verification.told"
	if stopped {
		key = "verification.stopped"
	}
	return mail.Queue(ctx, tx, d.Keys, mail.Letter{
		Organization: a.Organization, Holder: a.ID, Lane: mail.Notice, Kind: "second-step-failed",
		To: a.Person.Email, Language: a.Person.Language,
		Subject: say.T(key + "_subject"),
		Text: say.T(key+"_text", "name", a.Person.Name, "n", run, "when", say.Moment(tx.Now()),
			"where", a.Network, "portal", d.Site.Name, "cap", Cap, "days", int(CapSpan/(24*time.Hour))),
	})
}
