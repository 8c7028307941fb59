package people

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// keepAble refuses an act that would leave an organization without its last able
// Portal Admin. It is asked in the act's own transaction: of two such acts at once
// the second sees the first.
func keepAble(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	admins, err := account.Abilities(ctx, tx, ref.Organization)
	if err != nil {
		return err
	}
	if len(account.Able(admins)) == 0 {
		if err := graced(ctx, tx, ref.Organization, tx.Now(), admins); err != nil {
			return err
		}
	}
	if account.LastAble(admins, ref.ID) {
		return fault.New(fault.Refused, "people.last_able")
	}
	return nil
}

// graced notes who of an organization's Portal Admins signs in by one step now.
func graced(ctx context.Context, r store.Reader, organization string, now time.Time, admins []account.Admin) error {
	book, err := rollout.ReadBook(ctx, r)
	if err != nil {
		return err
	}
	claimed, err := claims(ctx, r, organization)
	if err != nil {
		return err
	}
	for i, a := range admins {
		term, grace := rollout.For(book.Of(organization), claimed[a.ID])
		admins[i].Grace = grace && now.Before(term.OwnEnd)
	}
	return nil
}
