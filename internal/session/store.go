package session

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Start begins a session whose password was just proved, and answers the cookie's value.
func Start(ctx context.Context, tx *store.Tx, ref account.Ref, network, agent, passID string) (token string, s Session, err error) {
	token, now := secret.Token(), tx.Now()
	s = Session{Ref: ref, ID: secret.ID(), Started: now, PasswordAt: now, FreshPassword: now, Seen: now,
		PassID: passID, Network: network, Agent: Clip(agent)}
	err = tx.AboutNobody().Later(ctx, nil, `insert into session (id, digest, organization_id, holder_id, started_at, password_at,
			fresh_password_at, seen_at, wrong_codes, pass_id, network, agent)
		values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11)`,
		s.ID, secret.Digest(token), ref.Organization, ref.ID, store.Micros(now), store.Micros(now),
		store.Micros(now), store.Micros(now), orNull(passID), s.Network, s.Agent)
	if err != nil {
		return "", Session{}, fmt.Errorf("session: %w", err)
	}
	return token, s, nil
}

// Clip keeps what is shown of a browser's name short.
func Clip(agent string) string {
	runes := []rune(agent)
	return string(runes[:min(len(runes), 200)])
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Rise records that a code was proved, and answers the cookie's new value: the
// old one is dead from here on. store.ErrNone when the session ended meanwhile.
func Rise(ctx context.Context, tx *store.Tx, s Session, method account.Method) (token string, err error) {
	token = secret.Token()
	return token, one(rising(tx, s).Exec(ctx, `update session set digest = $1, code_at = coalesce(code_at, $2), code_method = $3,
			fresh_code_at = $4, seen_at = $5, wrong_codes = 0, pass_id = null
		where organization_id = $6 and holder_id = $7 and id = $8 and ended_at is null`,
		secret.Digest(token), store.Micros(tx.Now()), string(method), store.Micros(tx.Now()), store.Micros(tx.Now()),
		s.Ref.Organization, s.Ref.ID, s.ID))
}

// rising says whom a rise concerns. A sign-in that had not proved its code was admitted
// nowhere, so no other node has to hear of each; what ends an admission by one step is
// written beside, and said.
func rising(tx *store.Tx, s Session) *store.Tx {
	if s.CodeAt.IsZero() {
		return tx.AboutHere(s.Ref.Organization, s.Ref.ID)
	}
	return tx.About(s.Ref.Organization, s.Ref.ID)
}

// ConfirmPassword records a fresh proof of the password in a 1-step session.
func ConfirmPassword(ctx context.Context, tx *store.Tx, s Session) (token string, err error) {
	token = secret.Token()
	return token, one(tx.About(s.Ref.Organization, s.Ref.ID).Exec(ctx, `update session set digest = $1, fresh_password_at = $2, seen_at = $3
		where organization_id = $4 and holder_id = $5 and id = $6 and ended_at is null`,
		secret.Digest(token), store.Micros(tx.Now()), store.Micros(tx.Now()), s.Ref.Organization, s.Ref.ID, s.ID))
}

// Renew gives a session a new value of its cookie; what it has proved stays.
func Renew(ctx context.Context, tx *store.Tx, s Session) (token string, err error) {
	token = secret.Token()
	return token, one(tx.About(s.Ref.Organization, s.Ref.ID).Exec(ctx, `update session set digest = $1, seen_at = $2
		where organization_id = $3 and holder_id = $4 and id = $5 and ended_at is null`,
		secret.Digest(token), store.Micros(tx.Now()), s.Ref.Organization, s.Ref.ID, s.ID))
}

// Redeem binds a valid pass to the session.
func Redeem(ctx context.Context, tx *store.Tx, s Session, passID string) (token string, err error) {
	token = secret.Token()
	return token, one(tx.About(s.Ref.Organization, s.Ref.ID).Exec(ctx, `update session set digest = $1, pass_id = $2, seen_at = $3
		where organization_id = $4 and holder_id = $5 and id = $6 and ended_at is null`,
		secret.Digest(token), passID, store.Micros(tx.Now()), s.Ref.Organization, s.Ref.ID, s.ID))
}

func one(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrNone
	}
	return err
}

// See writes down the last request. Other nodes may learn of it later: what they then
// would refuse they ask the store about.
func See(ctx context.Context, tx *store.Tx, s Session) error {
	return tx.AboutHere(s.Ref.Organization, s.Ref.ID).Later(ctx, nil, `update session set seen_at = $1
		where organization_id = $2 and holder_id = $3 and id = $4 and ended_at is null and seen_at < $5`,
		store.Micros(tx.Now()), s.Ref.Organization, s.Ref.ID, s.ID, store.Micros(tx.Now()))
}

// Wrong counts a wrong code and answers how many there were; the fifth ends the session.
func Wrong(ctx context.Context, tx *store.Tx, ref account.Ref, id string) (n int, err error) {
	err = tx.About(ref.Organization, ref.ID).QueryRow(ctx, `update session set wrong_codes = wrong_codes + 1,
			ended_at = case when wrong_codes + 1 >= $1 then $2 else ended_at end,
			ended_why = case when wrong_codes + 1 >= $3 then 'wrong codes' else ended_why end
		where organization_id = $4 and holder_id = $5 and id = $6 and ended_at is null returning wrong_codes`,
		WrongCodes, store.Micros(tx.Now()), WrongCodes, ref.Organization, ref.ID, id).Scan(&n)
	return n, err
}

// End ends one session of a holder; store.ErrNone when there is no such open one.
func End(ctx context.Context, tx *store.Tx, ref account.Ref, id, why string) error {
	return one(tx.About(ref.Organization, ref.ID).Exec(ctx, `update session set ended_at = $1, ended_why = $2
		where organization_id = $3 and holder_id = $4 and id = $5 and ended_at is null`,
		store.Micros(tx.Now()), why, ref.Organization, ref.ID, id))
}

// EndAll ends every session of a holder but one (empty: every one), and answers how many.
func EndAll(ctx context.Context, tx *store.Tx, ref account.Ref, but, why string) (int64, error) {
	return tx.About(ref.Organization, ref.ID).Exec(ctx, `update session set ended_at = $1, ended_why = $2
		where organization_id = $3 and holder_id = $4 and id <> $5 and ended_at is null`,
		store.Micros(tx.Now()), why, ref.Organization, ref.ID, but)
}

// EndOrganization ends every session of an organization's accounts, and answers how many.
func EndOrganization(ctx context.Context, tx *store.Tx, organization, why string) (int64, error) {
	return tx.About(organization, "").Exec(ctx, `update session set ended_at = $1, ended_why = $2 where organization_id = $3 and ended_at is null`,
		store.Micros(tx.Now()), why, organization)
}

// List are the open sessions of a holder, the latest seen first.
func List(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) ([]Session, error) {
	rows, err := r.Query(ctx, `select id, started_at, password_at, code_at, seen_at, network, agent from session
		where organization_id = $1 and holder_id = $2 and ended_at is null and seen_at > $3 and started_at > $4
		order by seen_at desc, id`,
		ref.Organization, ref.ID, store.Micros(now.Add(-Idle)), store.Micros(now.Add(-Absolute)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Session
	for rows.Next() {
		s := Session{Ref: ref}
		var started, password, code, seen store.Instant
		if err := rows.Scan(&s.ID, &started, &password, &code, &seen, &s.Network, &s.Agent); err != nil {
			return nil, err
		}
		s.Started, s.PasswordAt, s.CodeAt, s.Seen = started.Time, password.Time, code.Time, seen.Time
		list = append(list, s)
	}
	return list, rows.Err()
}

// remembered is how long it is kept from where somebody signed in (security.md, retention).
const remembered = 90 * 24 * time.Hour

// Known says whether a holder's right password came from a network within 90 days.
func Known(ctx context.Context, r store.Reader, ref account.Ref, network string, now time.Time) (known bool, err error) {
	err = r.QueryRow(ctx, `select exists (select 1 from session
		where organization_id = $1 and holder_id = $2 and network = $3 and started_at > $4)`,
		ref.Organization, ref.ID, network, store.Micros(now.Add(-remembered))).Scan(&known)
	return known, err
}

// Forget removes some of the sessions that began more than 90 days ago: long over, and
// their addresses are kept no longer. It answers how many went; none when all are gone.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `delete from session where id in (select id from session where started_at < $1 order by started_at limit 500)`,
		store.Micros(tx.Now().Add(-remembered)))
}
