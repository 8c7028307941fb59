package operator

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Add writes a new operator and claims the address.
func Add(ctx context.Context, tx *store.Tx, o Operator, by string) (Operator, error) {
	o.ID, o.Email = secret.ID(), account.Written(o.Email)
	key := account.Key(o.Email)
	if err := account.Claim(ctx, tx, key, o.Ref()); err != nil {
		return Operator{}, fmt.Errorf("operator %s: %w", o.Email, err)
	}
	_, err := tx.AboutNobody().Exec(ctx, `insert into operator (id, email, email_key, name, language, time_zone, created_at, created_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		o.ID, o.Email, key, o.Name, string(o.Language), o.Zone, store.Micros(tx.Now()), by)
	if err != nil {
		return Operator{}, fmt.Errorf("operator %s: %w", o.Email, err)
	}
	return o, nil
}

const columns = `id, email, name, language, time_zone, removed_at`

// Find reads an operator by address; store.ErrNone when there is none.
func Find(ctx context.Context, r store.Reader, emailKey string) (Operator, error) {
	return scan(r.QueryRow(ctx, `select `+columns+` from operator where email_key = $1`, emailKey))
}

// Get reads an operator by id.
func Get(ctx context.Context, r store.Reader, id string) (Operator, error) {
	return scan(r.QueryRow(ctx, `select `+columns+` from operator where id = $1`, id))
}

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (o Operator, err error) {
	var language string
	var removed store.Instant
	err = row.Scan(&o.ID, &o.Email, &o.Name, &language, &o.Zone, &removed)
	o.Language, _ = phrase.Parse(language)
	o.Removed = removed.Time
	return o, err
}

// All are the operators who stand.
func All(ctx context.Context, r store.Reader) ([]Operator, error) {
	rows, err := r.Query(ctx, `select `+columns+` from operator where removed_at is null order by id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Operator
	for rows.Next() {
		o, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

// Enrolled says whether any operator who stands has proved TOTP: from then on the
// first operator's link is dead.
func Enrolled(ctx context.Context, r store.Reader) (any bool, err error) {
	return any, r.QueryRow(ctx, `select exists (select 1 from operator o
		join totp t on t.organization_id = 'operators' and t.holder_id = o.id where o.removed_at is null)`).Scan(&any)
}

// Remove ends an operator's standing: his sessions end at their next request.
func Remove(ctx context.Context, tx *store.Tx, id, by string) error {
	n, err := tx.Exec(ctx, `update operator set removed_at = $1, removed_by = $2 where id = $3 and removed_at is null`,
		store.Micros(tx.Now()), by, id)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}
