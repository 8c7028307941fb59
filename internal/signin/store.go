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

const knownText = `select s.id, s.organization_id, s.holder_id, s.network, coalesce(s.code_method, ''),
		coalesce(a.email, p.email), coalesce(a.email_key, p.email_key), coalesce(a.name, p.name), coalesce(a.phone, ''),
		coalesce(a.authority, ''), coalesce(a.preset, ''), coalesce(a.method, 'totp'),
		coalesce(a.language, p.language), coalesce(a.time_zone, p.time_zone), coalesce(o.name, ''),
		coalesce(ps.id, ''), coalesce(ps.kind, ''), coalesce(rs.id, ''),
		concat_ws(' ', s.started_at, s.password_at, coalesce(s.code_at, 0), coalesce(s.fresh_password_at, 0), coalesce(s.fresh_code_at, 0),
		s.seen_at, s.wrong_codes, case when a.network_check then 1 else 0 end,
		` + standNumbers + `,
		case when pw.weak then 1 else 0 end, coalesce(pw.set_at, 0),
		coalesce(ps.expires_at, 0), coalesce(ps.spent_at, 0), coalesce(ps.withdrawn_at, 0), coalesce(ps.replaced_at, 0),
		coalesce(rs.waits_until, 0), case when coalesce(rs.needs_approval, true) or coalesce(a.authority, '') = 'portal_admin' then 1 else 0 end,
		coalesce(rs.approved_at, 0),
		(select version from policy where id = 1), (select count(*) from rollout))
	from session s` + standJoins + `
		left join password_reset rs on rs.organization_id = s.organization_id and rs.holder_id = s.holder_id
			and rs.aside is not null and rs.finished_at is null and rs.refused_at is null and rs.replaced_at is null
		left join pass ps on ps.id = s.pass_id and ps.organization_id = s.organization_id and ps.holder_id = s.holder_id
	where s.digest = $1 and s.ended_at is null and coalesce(a.id, p.id) is not null`

// learn reads all that the rule asks about a session; store.ErrNone for a value
// that no open session has.
func learn(ctx context.Context, r store.Reader, token string) (k known, err error) {
	var n numbers
	var codeMethod, authority, preset, method, language, kind string
	if err := r.QueryRow(ctx, knownText, secret.Digest(token)).Scan(
		&k.Session.ID, &k.Ref.Organization, &k.Ref.ID, &k.Network, &codeMethod,
		&k.person.Email, &k.person.EmailKey, &k.person.Name, &k.person.Phone,
		&authority, &preset, &method, &language, &k.person.Zone, &k.organization,
		&k.pass.ID, &kind, &k.aside.ID, &n.left); err != nil {
		return known{}, err
	}
	k.Started, k.PasswordAt, k.CodeAt, k.FreshPassword, k.FreshCode = n.instant(), n.instant(), n.instant(), n.instant(), n.instant()
	k.Seen, k.WrongCodes, k.networkCheck = n.instant(), int(n.next()), n.truth()
	k.stand.read(k.Ref.Organization, method, &n)
	k.weak, k.passwordSet = n.truth(), n.instant()
	k.pass.Expires, k.pass.Spent, k.pass.Withdrawn, k.pass.Replaced = n.instant(), n.instant(), n.instant(), n.instant()
	k.aside.WaitsUntil, k.aside.NeedsApproval, k.aside.Approved = n.instant(), n.truth(), n.instant()
	k.policy, k.rollouts = n.next(), n.next()
	if err := n.end(); err != nil {
		return known{}, err
	}
	k.CodeMethod, k.PassID, k.pass.Kind = account.Method(codeMethod), k.pass.ID, pass.Kind(kind)
	k.person.Ref, k.person.Authority, k.person.Method = k.Ref, account.Authority(authority), k.method
	k.person.Preset, k.person.Imported = account.Method(preset), k.imported
	k.person.Language, _ = phrase.Parse(language)
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
