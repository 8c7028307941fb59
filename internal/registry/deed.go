package registry

import (
	"context"
	"errors"
	"strconv"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/pass"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Deed is somebody who keeps the register, an operator at a page or the console:
// each deed decides by what stands in its own transaction, writes its record and
// tells whom it concerns.
type Deed struct {
	Desk *pass.Desk
	From pass.Sender
}

// Refusals of deeds as a whole.
var (
	errUnknown   = fault.New(fault.NotFound, "registry.unknown")
	errNobody    = fault.New(fault.NotFound, "registry.nobody")
	errLed       = fault.New(fault.Refused, "registry.others_able")
	errSuspended = fault.New(fault.Refused, "registry.suspended_first")
)

// Add writes a new organization with its first Portal Admin, who is sent a starting
// guide. Refusals say what is wrong; the same once more, by the same hand, is
// answered like the first.
func (d Deed) Add(ctx context.Context, tx *store.Tx, name string, first account.Account) (organization.Organization, account.Account, error) {
	none := organization.Organization{}
	switch there, err := organization.ByName(ctx, tx, name); {
	case err == nil:
		first.Organization = there.ID
		id, err := addedJustNow(ctx, tx, there.ID, account.Key(first.Email), d.From.ID, true)
		if err == nil && id == "" {
			err = Refusals{fault.Field("organization", "registry.name_taken", "name", there.Name)}
		}
		first.ID = id
		return there, first, err
	case !errors.Is(err, store.ErrNone):
		return none, first, err
	}
	if err := free(ctx, tx, first.Email); err != nil {
		return none, first, err
	}
	o, err := organization.Add(ctx, tx, name)
	if err != nil {
		return none, first, err
	}
	entry := d.entry(audit.Operators, "organization:name:added", o.ID, map[string]string{"name": o.Name})
	if err := audit.Record(ctx, tx, d.Desk.Keys, entry); err != nil {
		return none, first, err
	}
	first, err = d.person(ctx, tx, o.ID, first)
	return o, first, err
}

// AddAdmin writes another Portal Admin of an organization in which none is able. Its
// other Portal Admins are told.
func (d Deed) AddAdmin(ctx context.Context, tx *store.Tx, o organization.Organization, a account.Account) (account.Account, error) {
	if id, err := addedJustNow(ctx, tx, o.ID, account.Key(a.Email), d.From.ID, false); err != nil || id != "" {
		a.Organization, a.ID = o.ID, id
		return a, err
	}
	leaders, err := account.Abilities(ctx, tx, o.ID)
	switch {
	case err != nil:
		return a, err
	case !o.Suspended.IsZero():
		return a, errSuspended
	case len(account.Able(leaders)) > 0:
		return a, errLed
	}
	if err := free(ctx, tx, a.Email); err != nil {
		return a, err
	}
	told, err := account.Admins(ctx, tx, o.ID)
	if err != nil {
		return a, err
	}
	if a, err = d.person(ctx, tx, o.ID, a); err != nil {
		return a, err
	}
	return a, d.tell(ctx, tx, told, "admin", o, "person", a.Name, "address", a.Email)
}

// free refuses an address that somebody signs in with.
func free(ctx context.Context, tx *store.Tx, email string) error {
	holder, err := byAddress(ctx, tx, account.Key(email))
	switch {
	case errors.Is(err, store.ErrNone):
		return nil
	case err != nil:
		return err
	case holder.IsOperator():
		return Refusals{fault.Field("email", "registry.address_operators")}
	}
	return Refusals{fault.Field("email", "registry.address_taken", "name", holder.Name, "organization", holder.OrganizationName)}
}

// person adds a Portal Admin with a starting guide.
func (d Deed) person(ctx context.Context, tx *store.Tx, organizationID string, a account.Account) (account.Account, error) {
	a.Organization, a.Authority = organizationID, account.PortalAdmin
	a, err := account.Add(ctx, tx, d.Desk.Keys, a, d.From.ID)
	if err != nil {
		return a, err
	}
	entry := d.entry(a.Organization, "account:person:added", a.ID,
		map[string]string{"name": a.Name, "address": a.Email, "authority": string(a.Authority)})
	if err := audit.Record(ctx, tx, d.Desk.Keys, entry); err != nil {
		return a, err
	}
	_, err = d.Desk.GuideFrom(ctx, tx, d.From, a)
	return a, err
}

// Suspend closes an organization: its people are signed out at their next request,
// and reminders that wait for them go nowhere. store.ErrNone when it is suspended.
func (d Deed) Suspend(ctx context.Context, tx *store.Tx, o organization.Organization) error {
	told, err := account.Admins(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	if err := organization.Suspend(ctx, tx, o.ID, d.From.ID); err != nil {
		return err
	}
	sessions, err := session.EndOrganization(ctx, tx, o.ID, "organization suspended")
	if err != nil {
		return err
	}
	letters, err := mail.CancelAll(ctx, tx, o.ID, mail.Reminder)
	if err != nil {
		return err
	}
	detail := map[string]string{"name": o.Name, "sessions": strconv.FormatInt(sessions, 10), "reminders": strconv.FormatInt(letters, 10)}
	if err := audit.Record(ctx, tx, d.Desk.Keys, d.entry(o.ID, "organization:standing:suspended", o.ID, detail)); err != nil {
		return err
	}
	return d.tell(ctx, tx, told, "suspended", o)
}

// Return opens a suspended organization again; store.ErrNone when it stands. What
// an end has closed meanwhile stays closed: the rule asks the clock.
func (d Deed) Return(ctx context.Context, tx *store.Tx, o organization.Organization) error {
	if err := organization.Return(ctx, tx, o.ID); err != nil {
		return err
	}
	entry := d.entry(o.ID, "organization:standing:returned", o.ID, map[string]string{"name": o.Name})
	if err := audit.Record(ctx, tx, d.Desk.Keys, entry); err != nil {
		return err
	}
	told, err := account.Admins(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	return d.tell(ctx, tx, told, "returned", o)
}

// Rename gives an organization another name, which all its Portal Admins are told;
// Refusals say whose it is already.
func (d Deed) Rename(ctx context.Context, tx *store.Tx, o organization.Organization, name string) error {
	if name == o.Name {
		return nil
	}
	switch there, err := organization.ByName(ctx, tx, name); {
	case err == nil && there.ID != o.ID:
		return Refusals{fault.Field("organization", "registry.name_taken", "name", there.Name)}
	case err != nil && !errors.Is(err, store.ErrNone):
		return err
	}
	if err := organization.Rename(ctx, tx, o.ID, name); err != nil {
		return err
	}
	entry := d.entry(o.ID, "organization:name:changed", o.ID, map[string]string{"from": o.Name, "to": name})
	if err := audit.Record(ctx, tx, d.Desk.Keys, entry); err != nil {
		return err
	}
	told, err := account.Admins(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	return d.tell(ctx, tx, told, "renamed", o, "to", name)
}

// entry is the record of a deed.
func (d Deed) entry(chain, act, subject string, detail map[string]string) audit.Entry {
	return audit.Entry{Chain: chain, Act: act, Actor: d.From.Actor, Subject: subject, Network: d.From.Network, Detail: detail}
}

// tell writes to Portal Admins what was done to their organization.
func (d Deed) tell(ctx context.Context, tx *store.Tx, to []account.Account, what string, o organization.Organization, more ...any) error {
	for _, a := range to {
		say := d.Desk.Site.Speaker(a.Language, a.Location())
		args := append([]any{"name", a.Name, "portal", d.Desk.Site.Name, "organization", o.Name, "when", say.Moment(tx.Now()), "by", d.From.Name}, more...)
		err := mail.Queue(ctx, tx, d.Desk.Keys, mail.Letter{Organization: a.Organization, Holder: a.ID, Lane: mail.Notice, Kind: "organization-" + what,
			To: a.Email, Language: a.Language,
			Subject: say.T("registry.letter_"+what+"_subject", args...), Text: say.T("registry.letter_"+what, args...)})
		if err != nil {
			return err
		}
	}
	return nil
}
