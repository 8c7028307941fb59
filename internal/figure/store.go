package figure

import (
	"context"

	"nidan/internal/account"
	"nidan/internal/store"
)

// seenAgain counts the sessions that were written after their code was proved.
func seenAgain(ctx context.Context, r store.Reader) (n int, err error) {
	return n, r.QueryRow(ctx, `select count(*) from session where seen_at > fresh_code_at`).Scan(&n)
}

// waiting is how many letters of the bulk lane wait in the outbox.
func waiting(ctx context.Context, r store.Reader) (n int64, err error) {
	return n, r.QueryRow(ctx, `select count(*) from mail where lane = 'bulk' and sent_at is null and dropped_at is null`).Scan(&n)
}

// counted has PostgreSQL count what was written, which it does by itself within minutes.
func counted(ctx context.Context, db *store.DB) error {
	if db.Engine() != store.PostgreSQL {
		return nil
	}
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "analyze")
		return err
	})
}

// holders are all accounts by their addresses.
func holders(ctx context.Context, r store.Reader) (map[string]account.Ref, error) {
	rows, err := r.Query(ctx, `select email, organization_id, id from account`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	refs := map[string]account.Ref{}
	for rows.Next() {
		var email string
		var ref account.Ref
		if err := rows.Scan(&email, &ref.Organization, &ref.ID); err != nil {
			return nil, err
		}
		refs[email] = ref
	}
	return refs, rows.Err()
}
