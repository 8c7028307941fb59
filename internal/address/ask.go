package address

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/session"
	"nidan/internal/store"
)

// askRate is how often letters go out for one account: nobody floods a mailbox by
// typing its address here.
var askRate = limit.Rate{Burst: 5, Every: 12 * time.Minute}

// errNobody is told of an account that is not there, and of another organization's.
var errNobody = fault.New(fault.NotFound, "address.nobody")

// may asks the table of acts about somebody as recorded now.
func may(a act.Act, v *session.Visit, now time.Time, c Case) error {
	answer := act.May(a, v.Who(now), act.Whom{Ref: c.Ref, Authority: c.Authority, Suspended: !c.Stands, Enrolled: c.Enrolled})
	switch {
	case answer == act.Allowed:
		return nil
	case answer == act.Hidden:
		return errNobody
	case answer.Why() != "":
		return fault.New(fault.Refused, answer.Why())
	}
	return fault.New(fault.Refused, "session.refused")
}

// entry is a record of what a visitor does to an account's address, in its chain.
func entry(v *session.Visit, to account.Ref, what string, detail map[string]string) audit.Entry {
	return audit.Entry{Chain: to.Organization, Act: "account:address:" + what, Actor: v.Actor(), Subject: to.ID, Network: v.From, Detail: detail}
}

// asking is what counts the letters of an account.
func asking(ref account.Ref) limit.Key {
	return limit.Key{Name: "address " + ref.Organization + " " + ref.ID, Rate: askRate}
}

// allow takes one of the letters that an account has.
func allow(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	again, err := limit.Try(ctx, tx, asking(ref))
	if err == nil && !again.IsZero() {
		err = fault.Wait(again, "address.often")
	}
	return err
}

// ask begins a change: the old address is told, and a link goes to the new one,
// unless somebody has it already. That is told to nobody: the answer, the record,
// the letter to the old address and the statements are the same.
func (rm *Room) ask(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, email string) error {
	if err := allow(ctx, tx, c.Ref); err != nil {
		return err
	}
	has, err := taken(ctx, tx, account.Key(email))
	if err != nil {
		return err
	}
	change, err := insert(ctx, tx, Change{Ref: c.Ref, Email: account.Written(email), EmailKey: account.Key(email), AskedBy: v.Ref.ID})
	if err != nil {
		return err
	}
	token, change, err := send(ctx, tx, change)
	if err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, rm.Keys, entry(v, c.Ref, "asked", map[string]string{"change": change.ID, "to": change.Email})); err != nil {
		return err
	}
	told := "told_own"
	if !change.Own() {
		told = "told_admin"
	}
	if err := rm.toOld(ctx, tx, v, c, change, told); err != nil {
		return err
	}
	// Whoever moves a Portal Admin's mailbox could go on to be that Portal Admin: his
	// colleagues read of it while it can still be withdrawn.
	if !change.Own() && c.Authority == account.PortalAdmin {
		if err := rm.toAdmins(ctx, tx, v, c, change, "told_colleagues"); err != nil {
			return err
		}
	}
	if has {
		return waste(ctx, tx)
	}
	return rm.toNew(ctx, tx, v, c, change, token)
}

// askCorrection begins a correction: the old address and all other Portal Admins are
// told, those too who are not able now and may be tomorrow; from now on it waits.
func (rm *Room) askCorrection(ctx context.Context, tx *store.Tx, v *session.Visit, c Correction, email, why string, ticket act.Ticket) error {
	if err := allow(ctx, tx, c.Ref); err != nil {
		return err
	}
	change, err := insert(ctx, tx, Change{Ref: c.Ref, Email: account.Written(email), EmailKey: account.Key(email), AskedBy: v.Ref.ID,
		Why: why, Ticket: ticket, Until: tx.Now().Add(Wait)})
	if err != nil {
		return err
	}
	err = audit.Record(ctx, tx, rm.Keys, entry(v, c.Ref, "asked", map[string]string{"change": change.ID, "to": change.Email, "why": why,
		"ticket": string(ticket), "until": change.Until.UTC().Format(time.RFC3339)}))
	if err != nil {
		return err
	}
	if err := rm.toOld(ctx, tx, v, c.Case, change, "told_operator"); err != nil {
		return err
	}
	return rm.toAdmins(ctx, tx, v, c.Case, change, "told_admins")
}

// toAdmins tells the organization's other Portal Admins who stand, but who did it.
func (rm *Room) toAdmins(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, change Change, key string) error {
	admins, err := account.Admins(ctx, tx, c.Organization)
	if err != nil {
		return err
	}
	for _, admin := range admins {
		if admin.ID == c.ID || admin.Ref == v.Ref {
			continue
		}
		if err := rm.toAdmin(ctx, tx, v, c, change, admin, key); err != nil {
			return err
		}
	}
	return nil
}

// sendCorrection mails the link of a correction whose day is over.
func (rm *Room) sendCorrection(ctx context.Context, tx *store.Tx, v *session.Visit, c Correction) error {
	if err := allow(ctx, tx, c.Ref); err != nil {
		return err
	}
	has, err := taken(ctx, tx, c.Change.EmailKey)
	if err != nil {
		return err
	}
	if has {
		return fault.New(fault.Refused, "address.taken_operator")
	}
	token, change, err := send(ctx, tx, c.Change)
	if err != nil {
		return err
	}
	err = audit.Record(ctx, tx, rm.Keys, entry(v, c.Ref, "sent", map[string]string{"change": change.ID, "ticket": string(change.Ticket)}))
	if err != nil {
		return err
	}
	return rm.toNew(ctx, tx, v, c.Case, change, token)
}

// end withdraws the open change of an account; store.ErrNone when there is none.
func (rm *Room) end(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) error {
	if !c.Change.Open(tx.Now()) {
		return store.ErrNone
	}
	if err := withdraw(ctx, tx, c.Change, v.Ref.ID); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, rm.Keys, entry(v, c.Ref, "withdrawn", map[string]string{"change": c.Change.ID, "to": c.Change.Email})); err != nil {
		return err
	}
	return rm.toOld(ctx, tx, v, c, c.Change, "withdrawn")
}
