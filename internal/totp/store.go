package totp

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/keyring"
	"nidan/internal/mail"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Enrolled is a proved secret and what was last accepted of it.
type Enrolled struct {
	Secret   []byte
	LastStep int64
	Epoch    int64 // the clock epoch LastStep belongs to
}

func row(ref account.Ref) string { return "totp/" + ref.Organization + "/" + ref.ID }

// Find reads a holder's secret; store.ErrNone when TOTP is not enrolled.
func Find(ctx context.Context, r store.Reader, keys *secret.Keys, ref account.Ref) (e Enrolled, err error) {
	var sealed []byte
	err = r.QueryRow(ctx, `select secret, last_step, epoch from totp where organization_id = $1 and holder_id = $2`,
		ref.Organization, ref.ID).Scan(&sealed, &e.LastStep, &e.Epoch)
	if err != nil {
		return Enrolled{}, err
	}
	e.Secret, err = Unseal(keys, ref, sealed)
	return e, err
}

// Unseal opens a stored secret, for statements that read it beside other things.
func Unseal(keys *secret.Keys, ref account.Ref, sealed []byte) ([]byte, error) {
	key, err := keys.Open(secret.ForTOTP, row(ref), sealed)
	if err != nil {
		return nil, fmt.Errorf("totp secret: %w", err)
	}
	return key, nil
}

// Raise sets the last accepted step, which strictly rises within a clock epoch;
// false when it was reached already, by whatever node or door.
func Raise(ctx context.Context, tx *store.Tx, ref account.Ref, step, epoch int64) (bool, error) {
	n, err := tx.AboutHere(ref.Organization, ref.ID).Exec(ctx, `update totp set last_step = $1, epoch = $2
		where organization_id = $3 and holder_id = $4 and (epoch < $5 or (epoch = $6 and last_step < $7))`,
		step, epoch, ref.Organization, ref.ID, epoch, epoch, step)
	return n == 1, err
}

// Enroll keeps a secret that was proved with the code of step; an older secret is
// gone for ever.
func Enroll(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, key []byte, step, epoch int64) error {
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (organization_id, holder_id) do update set secret = excluded.secret,
			enrolled_at = excluded.enrolled_at, last_step = excluded.last_step, epoch = excluded.epoch`,
		ref.Organization, ref.ID, keys.Seal(secret.ForTOTP, row(ref), key), store.Micros(tx.Now()), step, epoch)
	if err != nil {
		return fmt.Errorf("totp: %w", err)
	}
	if _, err := mail.Cancel(ctx, tx, ref.Organization, ref.ID, mail.Reminder); err != nil {
		return err
	}
	return progress.Note(ctx, tx, ref.Organization, ref.ID, progress.Enrolled, string(account.TOTP))
}

// Remove forgets a holder's secret.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	return tx.About(ref.Organization, ref.ID).Later(ctx, nil, `delete from totp where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
}

// Sealed is where secrets stand, for a change of keys.
func Sealed() keyring.Column {
	return keyring.Column{
		Name: "totp.secret", Purpose: secret.ForTOTP, First: []any{"", ""},
		Row: func(key []any) string { return row(account.Ref{Organization: key[0].(string), ID: key[1].(string)}) },
		Next: `select organization_id, holder_id, secret from totp where (organization_id, holder_id) > ($1, $2) and substr(secret, 1, 1) <> $3
			order by organization_id, holder_id limit $4`,
		Put:   `update totp set secret = $1 where organization_id = $2 and holder_id = $3 and secret = $4`,
		Count: `select substr(secret, 1, 1), count(*) from totp group by substr(secret, 1, 1)`,
	}
}
