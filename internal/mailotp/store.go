package mailotp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Issue makes a new code for one session and door; older ones of that session and
// door are dead from here on. When too many were mailed it makes none and says
// when the next may be.
func Issue(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, session string, door Door, addressKey string) (code string, again time.Time, err error) {
	sent, err := recent(ctx, tx, ref)
	if err != nil {
		return "", time.Time{}, err
	}
	if again = Next(tx.Now(), sent); !again.IsZero() {
		return "", again, nil
	}
	_, err = tx.Exec(ctx, `update mail_code set replaced_at = $1
		where organization_id = $2 and holder_id = $3 and session_id = $4 and door = $5 and used_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID, session, string(door))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("mail code: %w", err)
	}
	id := secret.ID()
	code = secret.Digits(Digits)
	_, err = tx.Exec(ctx, `insert into mail_code (id, organization_id, holder_id, session_id, door, address_key, digest, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, ref.Organization, ref.ID, session, string(door), addressKey, digest(keys, id, code),
		store.Micros(tx.Now()), store.Micros(tx.Now().Add(Valid)))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("mail code: %w", err)
	}
	return code, time.Time{}, nil
}

// digest binds a code to its row, with the key: 10^8 codes are no secret of their own.
func digest(keys *secret.Keys, id, code string) []byte { return keys.Digest(secret.ForCode, id, code) }

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

// Found is what a typed code met.
type Found int

// The findings. The zero one refuses.
const (
	Wrong   Found = iota
	Expired       // the code's time has passed, whatever was typed: say so
	Right
)

// Spend consumes the newest code of a session and door, if code is it: in one
// conditional write, so that of many at once one wins. It must have been sent to
// the very address the account has now.
func Spend(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, session string, door Door, addressKey, code string) (id string, found Found, err error) {
	open, err := Waiting(ctx, tx, ref, session, door)
	if errors.Is(err, store.ErrNone) {
		return "", Wrong, nil
	}
	if err != nil {
		return "", Wrong, err
	}
	n, err := tx.Exec(ctx, `update mail_code set used_at = $1
		where organization_id = $2 and holder_id = $3 and id = $4 and digest = $5 and address_key = $6
			and used_at is null and replaced_at is null and expires_at > $7`,
		store.Micros(tx.Now()), ref.Organization, ref.ID, open.ID, digest(keys, open.ID, code), addressKey, store.Micros(tx.Now()))
	if err != nil {
		return "", Wrong, fmt.Errorf("mail code: %w", err)
	}
	if n == 1 {
		return open.ID, Right, nil
	}
	if !tx.Now().Before(open.Expires) {
		return "", Expired, nil
	}
	return "", Wrong, nil
}

// Enroll records that MailOTP was proved, and answers whether it was for the first time.
func Enroll(ctx context.Context, tx *store.Tx, ref account.Ref) (first bool, err error) {
	n, err := tx.Exec(ctx, `insert into mailotp (organization_id, holder_id, enrolled_at) values ($1, $2, $3)
		on conflict (organization_id, holder_id) do nothing`, ref.Organization, ref.ID, store.Micros(tx.Now()))
	if err != nil {
		return false, fmt.Errorf("mailotp: %w", err)
	}
	return n == 1, nil
}

// Remove forgets that a holder proved MailOTP.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	_, err := tx.Exec(ctx, `delete from mailotp where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
	return err
}
