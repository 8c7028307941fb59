package rollout

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// tellExtended writes to somebody whose own end is later now.
func (d Deed) tellExtended(ctx context.Context, tx *store.Tx, o Open, until time.Time) error {
	say := d.Site.Speaker(o.Language, phrase.Location(o.Zone))
	return mail.Queue(ctx, tx, d.Keys, mail.Letter{
		Organization: o.Organization, Holder: o.ID, Lane: mail.Notice, Kind: "extension", To: o.Email, Language: o.Language,
		Subject: say.T("rollout.letter_extended_subject", "portal", d.Site.Name, "end", say.End(until)),
		Text:    say.T("rollout.letter_extended", "name", o.Name, "portal", d.Site.Name, "end", say.End(until)),
	})
}

// tellOrganization writes to the Portal Admins of an organization whose own end is
// later now.
func (d Deed) tellOrganization(ctx context.Context, tx *store.Tx, o organization.Organization, until time.Time) error {
	admins, err := account.Admins(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	for _, a := range admins {
		say := d.Site.Speaker(a.Language, a.Location())
		err := mail.Queue(ctx, tx, d.Keys, mail.Letter{
			Organization: a.Organization, Holder: a.ID, Lane: mail.Notice, Kind: "extension", To: a.Email, Language: a.Language,
			Subject: say.T("rollout.letter_extended_subject", "portal", d.Site.Name, "end", say.End(until)),
			Text: say.T("rollout.letter_extended_all", "name", a.Name, "organization", o.Name, "portal", d.Site.Name,
				"end", say.End(until)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tellOperators writes to every other operator what was done to a rollout.
func (d Deed) tellOperators(ctx context.Context, tx *store.Tx, what string, plan Titled) error {
	others, err := operator.All(ctx, tx)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID == d.By {
			continue
		}
		say := d.Site.Speaker(o.Language, phrase.Location(o.Zone))
		scope := plan.Scope
		if scope == "" {
			scope = say.T("rollout.portal")
		}
		err := mail.Queue(ctx, tx, d.Keys, mail.Letter{
			Organization: o.Ref().Organization, Holder: o.ID, Lane: mail.Notice, Kind: "rollout-" + what, To: o.Email, Language: o.Language,
			Subject: say.T("rollout.letter_"+what+"_subject", "portal", d.Site.Name, "scope", scope),
			Text: say.T("rollout.letter_"+what, "name", o.Name, "by", d.Name, "portal", d.Site.Name, "scope", scope,
				"opens", say.Moment(plan.Opens), "end", say.End(plan.Ends)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
