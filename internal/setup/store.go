package setup

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// stage is a set-up as it stands: the facts, and what pages and the end need.
type stage struct {
	Facts
	person account.Account // as recorded now, not as the gate read it
	begun  bool            // there is a row for this set-up
	sealed []byte          // the new secret, or nil
	hash   string          // the new password's, or empty
	wrong  int             // wrong codes of the new secret
	sent   time.Time       // when the code that waits was mailed
	passID string          // the redeemed pass, while it is valid
	ends   time.Time       // when that pass ends
}

const stageText = `select
		(select max(c.created_at) from mail_code c where c.organization_id = $1 and c.holder_id = $2 and c.session_id = $3
			and c.door = 'setup' and c.used_at is null and c.replaced_at is null),
		s.session_id is not null, coalesce(s.method, ''), s.mailbox_at, coalesce(s.password_hash, ''), s.secret,
		coalesce(s.wrong_codes, 0), s.finished_at,
		case when p.holder_id is null then true else p.weak end,
		coalesce(a.email, ''), coalesce(a.email_key, ''), coalesce(a.authority, ''), coalesce(a.method, ''),
		coalesce(ps.id, ''), ps.expires_at, ps.spent_at, ps.withdrawn_at, ps.replaced_at
	from (select 1 as one) o
		left join setup s on s.organization_id = $1 and s.holder_id = $2 and s.session_id = $3 and s.door = $4
		left join password p on p.organization_id = $1 and p.holder_id = $2
		left join account a on a.organization_id = $1 and a.id = $2
		left join pass ps on ps.organization_id = $1 and ps.holder_id = $2 and ps.id = $5`

// load reads how far the set-up of a session has come, in one statement.
func load(ctx context.Context, r store.Reader, now time.Time, v *session.Visit, door verification.Door) (p stage, err error) {
	p.person = v.Person
	p.person.Ref = v.Ref
	var sent, mailbox, finished, expires, spent, withdrawn, replaced store.Instant
	var chosen, email, emailKey, authority, assigned, passID string
	err = r.QueryRow(ctx, stageText, v.Ref.Organization, v.Ref.ID, v.Session.ID, string(door), v.PassID).Scan(
		&sent, &p.begun, &chosen, &mailbox, &p.hash, &p.sealed, &p.wrong, &finished, &p.WeakOrNone,
		&email, &emailKey, &authority, &assigned, &passID, &expires, &spent, &withdrawn, &replaced)
	if err != nil {
		return stage{}, fmt.Errorf("set-up: %w", err)
	}
	// The gate saw this session before it rose by finishing: the same form, sent
	// twice. Once it has seen that, a finished set-up is of the past.
	p.Finished = !finished.IsZero() && v.FreshCode.Before(finished.Time)
	if !finished.IsZero() && !p.Finished {
		p.begun, p.sealed, p.hash, p.wrong, chosen, mailbox = false, nil, "", 0, "", store.Instant{}
	}
	p.Operator = v.Operator()
	if !p.Operator {
		p.person.Email, p.person.EmailKey = email, emailKey
		p.person.Authority, p.person.Method = account.Authority(authority), account.Method(assigned)
	}
	p.Authority, p.Assigned, p.Chosen = p.person.Authority, p.person.Method, account.Method(chosen)
	if !v.CodeAt.IsZero() {
		p.CodeProved = v.CodeMethod
	}
	redeemed := pass.Pass{ID: passID, Expires: expires.Time, Spent: spent.Time, Withdrawn: withdrawn.Time, Replaced: replaced.Time}
	if p.Pass = redeemed.Valid(now); p.Pass {
		p.passID, p.ends = passID, expires.Time
	}
	p.sent, p.CodeSent = sent.Time, !sent.IsZero()
	p.Mailbox, p.NewPassword = !mailbox.IsZero(), p.hash != ""
	return p, nil
}

// begin writes the row of a session's set-up at a door; one that was finished, or
// was of another door, starts again from nothing.
func begin(ctx context.Context, tx *store.Tx, s session.Session, door verification.Door) error {
	err := tx.Later(ctx, nil, `insert into setup (session_id, organization_id, holder_id, door, method, wrong_codes, started_at)
		values ($1, $2, $3, $4, '', 0, $5)
		on conflict (session_id) do update set door = excluded.door, method = '', mailbox_at = null,
			password_hash = null, secret = null, wrong_codes = 0, started_at = excluded.started_at, finished_at = null
		where setup.organization_id = excluded.organization_id and setup.holder_id = excluded.holder_id
			and (setup.finished_at is not null or setup.door <> excluded.door)`,
		s.ID, s.Ref.Organization, s.Ref.ID, string(door), store.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	if door != verification.Setup {
		return nil
	}
	return progress.Note(ctx, tx, s.Ref.Organization, s.Ref.ID, progress.Started, "")
}

// keepChoice writes down a Portal Admin's choice.
func keepChoice(ctx context.Context, tx *store.Tx, s session.Session, method account.Method) error {
	return one(tx.Exec(ctx, `update setup set method = $1
		where organization_id = $2 and holder_id = $3 and session_id = $4 and finished_at is null`,
		string(method), s.Ref.Organization, s.Ref.ID, s.ID))
}

// keepMailbox writes down that the mailbox has answered.
func keepMailbox(ctx context.Context, tx *store.Tx, s session.Session) error {
	return one(tx.Exec(ctx, `update setup set mailbox_at = $1
		where organization_id = $2 and holder_id = $3 and session_id = $4 and finished_at is null`,
		store.Micros(tx.Now()), s.Ref.Organization, s.Ref.ID, s.ID))
}

// keepPassword keeps a new password's hash aside until the end.
func keepPassword(ctx context.Context, tx *store.Tx, s session.Session, hash string) error {
	return one(tx.Exec(ctx, `update setup set password_hash = $1
		where organization_id = $2 and holder_id = $3 and session_id = $4 and finished_at is null`,
		hash, s.Ref.Organization, s.Ref.ID, s.ID))
}

// row is what a new secret is bound to: it opens for this session's set-up alone.
func row(s session.Session) string {
	return "setup/" + s.Ref.Organization + "/" + s.Ref.ID + "/" + s.ID
}

// keepSecret makes this secret the set-up's, unless it has one already, and
// answers the one it has: the QR stays the same on every reload.
func keepSecret(ctx context.Context, tx *store.Tx, keys *secret.Keys, s session.Session, key []byte) (sealed []byte, err error) {
	err = tx.QueryRow(ctx, `update setup set secret = coalesce(secret, $1)
		where organization_id = $2 and holder_id = $3 and session_id = $4 and finished_at is null returning secret`,
		keys.Seal(secret.ForTOTP, row(s), key), s.Ref.Organization, s.Ref.ID, s.ID).Scan(&sealed)
	if err != nil {
		return nil, fmt.Errorf("set-up secret: %w", err)
	}
	return sealed, nil
}

// countWrong counts a wrong code of the new secret, so that the page can say more.
func countWrong(ctx context.Context, tx *store.Tx, s session.Session) error {
	return one(tx.Exec(ctx, `update setup set wrong_codes = wrong_codes + 1
		where organization_id = $1 and holder_id = $2 and session_id = $3 and finished_at is null`,
		s.Ref.Organization, s.Ref.ID, s.ID))
}

// end finishes a session's set-up, and empties it and whatever the holder had
// begun in other sessions: no secret or password that was not proved stays.
func end(ctx context.Context, tx *store.Tx, s session.Session) error {
	return one(tx.Exec(ctx, `update setup set secret = null, password_hash = null,
			finished_at = case when session_id = $1 then $2 else finished_at end
		where organization_id = $3 and holder_id = $4`,
		s.ID, store.Micros(tx.Now()), s.Ref.Organization, s.Ref.ID))
}

// finished reads whether this session has finished a set-up.
func finished(ctx context.Context, r store.Reader, s session.Session) (done bool, err error) {
	err = r.QueryRow(ctx, `select exists (select 1 from setup
		where organization_id = $1 and holder_id = $2 and session_id = $3 and door = 'setup' and finished_at is not null)`,
		s.Ref.Organization, s.Ref.ID, s.ID).Scan(&done)
	return done, err
}

func one(n int64, err error) error {
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	if err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	return nil
}

// Forget removes set-ups that were begun more than a day ago and never finished,
// with the secret and the hash they hold: no session lives that long.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `delete from setup where started_at < $1`, store.Micros(tx.Now().Add(-24*time.Hour)))
}
