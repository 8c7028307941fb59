package mailotp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Issue makes a new code for one session and door; older ones of that session and
// door are dead from here on. When too many were mailed it makes none and says
// when the next may be.
func Issue(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, session string, door Door, addressKey string) (code string, again time.Time, err error) {
	code, again, id, err := insert(ctx, tx, keys, ref, session, door, addressKey)
	if err != nil || code == "" {
		return "", again, err
	}
	err = tx.Later(ctx, nil, `update mail_code set replaced_at = $1
		where organization_id = $2 and holder_id = $3 and session_id = $4 and door = $5 and id <> $6 and used_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID, session, string(door), id)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("mail code: %w", err)
	}
	return code, time.Time{}, nil
}

// IssueFirst is Issue for a session that was begun in this very transaction:
// there is no older code to end.
func IssueFirst(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, session string, door Door, addressKey string) (code string, again time.Time, err error) {
	code, again, _, err = insert(ctx, tx, keys, ref, session, door, addressKey)
	return code, again, err
}

// insert writes a new code if the limits let it, counted in the same statement,
// so that many at once cannot pass them together.
func insert(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, session string, door Door, addressKey string) (code string, again time.Time, id string, err error) {
	id, code = secret.ID(), secret.Digits(Digits)
	now := tx.Now()
	// The digest's type comes from the column beside it: a cast to bytea would be
	// one to a number on SQLite.
	hour, day := store.Micros(now.Add(-time.Hour)), store.Micros(now.Add(-24*time.Hour))
	n, err := tx.Exec(ctx, `insert into mail_code (id, organization_id, holder_id, session_id, door, address_key, digest, created_at, expires_at)
		select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as text), cast($6 as text),
			coalesce($7, (select c.digest from mail_code c where 1 = 0)), cast($8 as bigint), cast($9 as bigint)
		where (select count(*) from mail_code where organization_id = $10 and holder_id = $11 and created_at > $12 and used_at is null) < $13
			and (select count(*) from mail_code where organization_id = $14 and holder_id = $15 and created_at > $16 and used_at is null) < $17
			and (select count(*) from mail_code where organization_id = $18 and holder_id = $19 and created_at > $20) < $21`,
		id, ref.Organization, ref.ID, session, string(door), addressKey, digest(keys, ref, session, door, code),
		store.Micros(now), store.Micros(now.Add(Valid)),
		ref.Organization, ref.ID, hour, HourlyOpen, ref.Organization, ref.ID, day, DailyOpen, ref.Organization, ref.ID, day, DailyAll)
	if err != nil {
		return "", time.Time{}, "", fmt.Errorf("mail code: %w", err)
	}
	if n == 1 {
		return code, time.Time{}, id, nil
	}
	sent, err := recent(ctx, tx, ref)
	if err != nil {
		return "", time.Time{}, "", err
	}
	return "", Next(now, sent), "", nil
}

// digest binds a code to its account, session and door, with the key: 10^8 codes
// are no secret of their own.
func digest(keys *secret.Keys, ref account.Ref, session string, door Door, code string) []byte {
	return keys.Digest(secret.ForCode, parts(ref, session, door, code)...)
}

func parts(ref account.Ref, session string, door Door, code string) []string {
	return []string{ref.Organization, ref.ID, session, string(door), code}
}

func recent(ctx context.Context, tx *store.Tx, ref account.Ref) ([]Sent, error) {
	rows, err := tx.Query(ctx, `select created_at, used_at is not null from mail_code
		where organization_id = $1 and holder_id = $2 and created_at > $3`, ref.Organization, ref.ID, store.Micros(tx.Now().Add(-24*time.Hour)))
	if err != nil {
		return nil, fmt.Errorf("mail code: %w", err)
	}
	defer rows.Close()
	var sent []Sent
	for rows.Next() {
		var s Sent
		var at store.Instant
		if err := rows.Scan(&at, &s.Answered); err != nil {
			return nil, err
		}
		s.At = at.Time
		sent = append(sent, s)
	}
	return sent, rows.Err()
}

// Open is the code that a session waits for at a door.
type Open struct {
	ID      string
	Sent    time.Time
	Expires time.Time
}

// Waiting reads the newest unused code of a session and door; store.ErrNone when there is none.
func Waiting(ctx context.Context, r store.Reader, ref account.Ref, session string, door Door) (o Open, err error) {
	var sent, expires store.Instant
	err = r.QueryRow(ctx, `select id, created_at, expires_at from mail_code
		where organization_id = $1 and holder_id = $2 and session_id = $3 and door = $4 and used_at is null and replaced_at is null
		order by created_at desc, id desc limit 1`, ref.Organization, ref.ID, session, string(door)).Scan(&o.ID, &sent, &expires)
	o.Sent, o.Expires = sent.Time, expires.Time
	return o, err
}

// Spend consumes the newest code of a session and door, if code is it: in one
// conditional write, so that of many at once one wins. It must have been sent to
// the very address the account has now. store.ErrNone says that it is not that code.
func Spend(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, session string, door Door, addressKey, code string) (id string, err error) {
	// One digest, but while keys are changed: a code may have been mailed under the other.
	for _, digest := range keys.Digests(secret.ForCode, parts(ref, session, door, code)...) {
		err = tx.QueryRow(ctx, `update mail_code set used_at = $1
			where organization_id = $2 and holder_id = $3 and session_id = $4 and door = $5 and digest = $6 and address_key = $7
				and used_at is null and replaced_at is null and expires_at > $8 returning id`,
			store.Micros(tx.Now()), ref.Organization, ref.ID, session, string(door), digest,
			addressKey, store.Micros(tx.Now())).Scan(&id)
		if !errors.Is(err, store.ErrNone) {
			break
		}
	}
	if err != nil && !errors.Is(err, store.ErrNone) {
		return "", fmt.Errorf("mail code: %w", err)
	}
	return id, err
}

// Enroll records that MailOTP was proved, and answers whether it was for the first time.
func Enroll(ctx context.Context, tx *store.Tx, ref account.Ref) (first bool, err error) {
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `insert into mailotp (organization_id, holder_id, enrolled_at) values ($1, $2, $3)
		on conflict (organization_id, holder_id) do nothing`, ref.Organization, ref.ID, store.Micros(tx.Now()))
	if err != nil {
		return false, fmt.Errorf("mailotp: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	if _, err := mail.Cancel(ctx, tx, ref.Organization, ref.ID, mail.Reminder); err != nil {
		return false, err
	}
	return true, progress.Note(ctx, tx, ref.Organization, ref.ID, progress.Enrolled, string(account.MailOTP))
}

// Remove forgets that a holder proved MailOTP.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	return tx.About(ref.Organization, ref.ID).Later(ctx, nil, `delete from mailotp where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
}

// kept is how long rows of mailed codes stay: the limits look back a day.
const kept = 48 * time.Hour

// Forget removes mailed codes that no limit looks at any more.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `delete from mail_code where created_at < $1`, store.Micros(tx.Now().Add(-kept)))
}
