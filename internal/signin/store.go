package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// known is everything the gate learns of a session in its one statement.
type known struct {
	session.Session
	stand
	person       account.Account
	organization string
	networkCheck bool
	weak         bool
	passwordSet  time.Time // when the stored password was set
	pass         pass.Pass
	aside        password.Aside // a password that was kept aside by a reset
	policy       int64
	rollouts     int64 // how many there are in the store
}

const knownText = `select s.id, s.organization_id, s.holder_id, s.started_at, s.password_at, s.code_at, coalesce(s.code_method, ''),
		s.fresh_password_at, s.fresh_code_at, s.seen_at, s.wrong_codes, s.network,
		coalesce(a.email, p.email), coalesce(a.email_key, p.email_key), coalesce(a.name, p.name), coalesce(a.phone, ''),
		coalesce(a.authority, ''), coalesce(a.preset, ''),
		coalesce(a.language, p.language), coalesce(a.time_zone, p.time_zone),
		coalesce(a.network_check, false), coalesce(o.name, ''),
		` + standColumns + `,
		coalesce(pw.weak, false), coalesce(pw.set_at, 0),
		coalesce(ps.id, ''), coalesce(ps.kind, ''), ps.expires_at, ps.spent_at, ps.withdrawn_at, ps.replaced_at,
		coalesce(rs.id, ''), rs.waits_until, coalesce(rs.needs_approval, true) or coalesce(a.authority, '') = 'portal_admin', rs.approved_at,
		py.version, (select count(*) from rollout)
	from session s left join policy py on py.id = 1` + standJoins + `
		left join password_reset rs on rs.organization_id = s.organization_id and rs.holder_id = s.holder_id
			and rs.aside is not null and rs.finished_at is null and rs.refused_at is null and rs.replaced_at is null
		left join pass ps on ps.id = s.pass_id and ps.organization_id = s.organization_id and ps.holder_id = s.holder_id
	where s.digest = $1 and s.ended_at is null and coalesce(a.id, p.id) is not null`

// learn reads all that the rule asks about a session; store.ErrNone for a value
// that no open session has.
func learn(ctx context.Context, r store.Reader, token string) (k known, err error) {
	var started, passwordAt, code, freshPassword, freshCode, seen, set store.Instant
	var expires, spent, withdrawn, replaced, waits, approved store.Instant
	var method, authority, preset, language, kind string
	into := []any{
		&k.Session.ID, &k.Ref.Organization, &k.Ref.ID, &started, &passwordAt, &code, &method,
		&freshPassword, &freshCode, &seen, &k.WrongCodes, &k.Network,
		&k.person.Email, &k.person.EmailKey, &k.person.Name, &k.person.Phone,
		&authority, &preset, &language, &k.person.Zone,
		&k.networkCheck, &k.organization}
	into = append(append(into, k.stand.into()...), &k.weak, &set,
		&k.pass.ID, &kind, &expires, &spent, &withdrawn, &replaced,
		&k.aside.ID, &waits, &k.aside.NeedsApproval, &approved,
		&k.policy, &k.rollouts)
	if err := r.QueryRow(ctx, knownText, secret.Digest(token)).Scan(into...); err != nil {
		return known{}, err
	}
	k.stand.read(k.Ref.Organization)
	k.Started, k.PasswordAt, k.CodeAt, k.CodeMethod = started.Time, passwordAt.Time, code.Time, account.Method(method)
	k.FreshPassword, k.FreshCode, k.Seen, k.PassID = freshPassword.Time, freshCode.Time, seen.Time, k.pass.ID
	k.person.Ref, k.person.Authority, k.person.Method = k.Ref, account.Authority(authority), k.method
	k.passwordSet, k.aside.WaitsUntil, k.aside.Approved = set.Time, waits.Time, approved.Time
	k.person.Preset, k.person.Imported = account.Method(preset), k.imported.Time
	k.person.Language, _ = phrase.Parse(language)
	k.pass.Kind, k.pass.Expires, k.pass.Spent = pass.Kind(kind), expires.Time, spent.Time
	k.pass.Withdrawn, k.pass.Replaced = withdrawn.Time, replaced.Time
	return k, nil
}

// counts says whether the password that was kept aside counts at now, in place of
// the stored one.
func (k *known) counts(now time.Time) bool {
	from := k.aside.From()
	return k.aside.ID != "" && !from.IsZero() && !now.Before(from)
}

// outlived says that the session was begun by a password that no longer counts.
func (k *known) outlived(now time.Time) bool {
	return k.counts(now) && k.PasswordAt.Before(k.aside.From())
}

// unguided says that the session was begun by a starting guide that is over. The
// password it was begun with was never stored, so nothing is proved any more: else an
// assigned MailOTP would be enrolled without any password.
func (k *known) unguided(now time.Time) bool {
	return k.pass.Kind == pass.Guide && !k.pass.Valid(now)
}

// planned is a node's copy of windows and rollouts, with the version it was read at.
type planned struct {
	version int64
	windows []maintenance.Window
	book    rollout.Book
}

// readPlanned reads windows and rollouts. The version is read first: a change in
// between makes the copy look old, never new.
func readPlanned(ctx context.Context, r store.Reader) (p planned, err error) {
	if p.version, err = maintenance.Version(ctx, r); err != nil {
		return planned{}, fmt.Errorf("policy: %w", err)
	}
	if p.windows, err = maintenance.Windows(ctx, r); err != nil {
		return planned{}, fmt.Errorf("windows: %w", err)
	}
	if p.book, err = rollout.ReadBook(ctx, r); err != nil {
		return planned{}, fmt.Errorf("rollouts: %w", err)
	}
	return p, nil
}

// holds says whether the copy is what the store has. A rollout whose row is lost
// has told nobody: then there are fewer than the copy knows, and grace by it is over.
func (p *planned) holds(k *known) bool {
	return p.version == k.policy && (k.Session.ID == "" || int64(len(p.book.Plans)) == k.rollouts)
}

// of is the policy as it binds one organization.
func (p planned) of(organization string) Policy {
	return Policy{Windows: p.windows, Plans: p.book.Of(organization)}
}

// isNone says that a row was not there.
func isNone(err error) bool { return errors.Is(err, store.ErrNone) }
