package pass

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Draft is a starting guide that was made before the transaction that gives it, with
// its link, so that its letter can be written and sealed before as well.
type Draft struct {
	Pass
	Token string
	to    account.Ref
}

// NewDraft makes a starting guide for an account that is about to be added.
func NewDraft(to account.Ref, now time.Time) Draft {
	return Draft{Pass{ID: secret.ID(), Kind: Guide, Expires: now.Add(Guide.Valid())}, secret.Token(), to}
}

// GiveDrafts gives starting guides to accounts that the same transaction adds: none
// of them has an older one.
func GiveDrafts(ctx context.Context, tx *store.Tx, list []Draft, given Given) error {
	now := store.Micros(tx.Now())
	args := make([]any, 0, 11*len(list))
	for _, d := range list {
		args = append(args, d.ID, d.to.Organization, d.to.ID, string(d.Kind), secret.Digest(d.Token), 0, given.By, given.Why, string(given.Ticket),
			now, store.Micros(d.Expires))
	}
	err := tx.AboutNobody().InsertMany(ctx, `insert into pass (id, organization_id, holder_id, kind, digest, tries, given_by, why, ticket, created_at, expires_at) values `, 11, args)
	if err != nil {
		return fmt.Errorf("starting guides: %w", err)
	}
	return nil
}
