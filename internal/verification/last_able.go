package verification

import (
	"context"
	"slices"

	"nidan/internal/account"
	"nidan/internal/operator"
	"nidan/internal/store"
)

// lost says whether a stop or void took an organization's last able Portal Admin:
// he was able before it, and nobody is after it. admins are as they are after it.
func lost(admins []account.Admin, id string, before Ledger) bool {
	was := slices.ContainsFunc(admins, func(a account.Admin) bool {
		a.Stopped, a.Void = before.Stopped, before.Void
		return a.ID == id && a.Able()
	})
	return was && len(account.Able(admins)) == 0
}

// tellLost mails the operators where wrong codes have taken an organization's last
// able Portal Admin: nobody in it can help him or the others any more.
func (d *Desk) tellLost(ctx context.Context, tx *store.Tx, a Attempt, s state) error {
	if a.IsOperator() {
		return nil
	}
	admins, err := account.Abilities(ctx, tx, a.Organization)
	if err != nil || !lost(admins, a.ID, s.Ledger) {
		return err
	}
	name, err := organizationName(ctx, tx, a.Organization)
	if err != nil {
		return err
	}
	key := "verification.last_stopped"
	if s.voids() {
		key = "verification.last_void"
	}
	return operator.TellAll(ctx, tx, d.Keys, d.Site, "last-able", key,
		"who", a.Person.Name, "address", a.Person.Email, "organization", name)
}
