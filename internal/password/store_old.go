package password

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Old is a hash of another system that an import brings, sealed to its holder's row.
// Such hashes are quickly tried through, so none stands in clear where a copy of the
// database could be read. Seal makes one; the zero Old is none.
type Old struct {
	Ref    account.Ref
	format string
	sealed []byte
}

// Format is the hash's format, as Known names it.
func (o Old) Format() string { return o.format }

// Seal seals a hash of another system for its holder; ErrUnreadable says why no
// password would ever match it.
func Seal(keys *secret.Keys, ref account.Ref, hash string) (Old, error) {
	format, err := Known(hash)
	if err != nil {
		return Old{}, err
	}
	return Old{ref, format, keys.Seal(secret.ForOld, rowOf(ref), []byte(hash))}, nil
}

func unseal(keys *secret.Keys, ref account.Ref, sealed []byte) (string, error) {
	hash, err := keys.Open(secret.ForOld, rowOf(ref), sealed)
	if err != nil {
		return "", fmt.Errorf("password of another system: %w", err)
	}
	return string(hash), nil
}

// rowOf names the row of a holder; ids have no slash.
func rowOf(ref account.Ref) string { return ref.Organization + "/" + ref.ID }

// Import stores hashes of another system as the first passwords of new holders;
// keyring.ErrRetired when the key they were sealed with is gone: then they are sealed anew.
func Import(ctx context.Context, tx *store.Tx, list ...Old) error {
	sealed := make([][]byte, len(list))
	for i, o := range list {
		sealed[i] = o.sealed
	}
	if err := keyring.InUse(ctx, tx, sealed...); err != nil {
		return fmt.Errorf("password: %w", err)
	}
	now := store.Micros(tx.Now())
	args := make([]any, 0, 8*len(list))
	for _, o := range list {
		if len(o.sealed) == 0 {
			return fmt.Errorf("password: nothing is sealed for %s", o.Ref.ID)
		}
		args = append(args, o.Ref.Organization, o.Ref.ID, "", now, now, false, o.sealed, o.format)
	}
	err := tx.AboutNobody().InsertMany(ctx, `insert into password (organization_id, holder_id, hash, first_at, set_at, weak, sealed, format) values `, 8, args)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	return nil
}

// OldCount is how many people of an organization still have a hash of one format.
type OldCount struct {
	Organization, Name string
	Format             string
	N                  int64
}

// OldHashes counts who has not signed in since an import, by organization and format.
func OldHashes(ctx context.Context, r store.Reader) ([]OldCount, error) {
	rows, err := r.Query(ctx, `select o.id, o.name, p.format, count(*) from password p join organization o on o.id = p.organization_id
		where p.sealed is not null group by o.id, o.name, p.format order by o.name, o.id, p.format`)
	if err != nil {
		return nil, fmt.Errorf("old passwords: %w", err)
	}
	defer rows.Close()
	var list []OldCount
	for rows.Next() {
		var c OldCount
		if err := rows.Scan(&c.Organization, &c.Name, &c.Format, &c.N); err != nil {
			return nil, fmt.Errorf("old passwords: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}
