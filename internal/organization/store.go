package organization

import (
	"context"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Add writes a new organization; store.ErrTaken when its name is there already.
func Add(ctx context.Context, tx *store.Tx, name string) (Organization, error) {
	return AddAs(ctx, tx, secret.ID(), name)
}

// Suspend closes an organization to all its accounts, from their next request on.
func Suspend(ctx context.Context, tx *store.Tx, id, by string) error {
	n, err := tx.About(id, "").Exec(ctx, `update organization set suspended_at = $1, suspended_by = $2 where id = $3 and suspended_at is null`,
		store.Micros(tx.Now()), by, id)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// Return opens a suspended organization again; store.ErrNone for one that stands.
func Return(ctx context.Context, tx *store.Tx, id string) error {
	n, err := tx.About(id, "").Exec(ctx, `update organization set suspended_at = null, suspended_by = null where id = $1 and suspended_at is not null`, id)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// Rename gives an organization another name; store.ErrTaken when that is another's.
func Rename(ctx context.Context, tx *store.Tx, id, name string) error {
	n, err := tx.About(id, "").Exec(ctx, `update organization set name = $1, name_key = $2 where id = $3`, name, NameKey(name), id)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// Find is an organization by its id; store.ErrNone when there is none.
func Find(ctx context.Context, r store.Reader, id string) (Organization, error) {
	o := Organization{ID: id}
	var suspended store.Instant
	err := r.QueryRow(ctx, `select name, suspended_at from organization where id = $1`, id).Scan(&o.Name, &suspended)
	o.Suspended = suspended.Time
	return o, err
}

// ByName finds an organization by its name, however it is typed; store.ErrNone when
// there is none.
func ByName(ctx context.Context, r store.Reader, name string) (o Organization, err error) {
	var suspended store.Instant
	err = r.QueryRow(ctx, `select id, name, suspended_at from organization where name_key = $1`, NameKey(name)).
		Scan(&o.ID, &o.Name, &suspended)
	o.Suspended = suspended.Time
	return o, err
}
