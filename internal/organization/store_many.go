package organization

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// ByNames finds organizations by the keys of their names.
func ByNames(ctx context.Context, r store.Reader, keys []string) (map[string]Organization, error) {
	found := map[string]Organization{}
	err := store.Among(ctx, r, `select id, name, name_key, suspended_at from organization where name_key in `, keys, func(rows *store.Rows) error {
		var o Organization
		var key string
		var suspended store.Instant
		if err := rows.Scan(&o.ID, &o.Name, &key, &suspended); err != nil {
			return err
		}
		o.Suspended = suspended.Time
		found[key] = o
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("organizations: %w", err)
	}
	return found, nil
}

// AddAs is Add under an id that was made before.
func AddAs(ctx context.Context, tx *store.Tx, id, name string) (Organization, error) {
	o := Organization{ID: id, Name: name}
	_, err := tx.AboutNobody().Exec(ctx, `insert into organization (id, name, name_key, created_at) values ($1, $2, $3, $4)`,
		o.ID, o.Name, NameKey(name), store.Micros(tx.Now()))
	if err != nil {
		return Organization{}, fmt.Errorf("organization: %w", err)
	}
	return o, nil
}
