package pass

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Colleague is another able Portal Admin, with when he last proved a code since the
// request; zero: he did not.
type Colleague struct {
	account.Admin
	Signed time.Time
}

// Case is what an operator knows of a Portal Admin who asks for a pass.
type Case struct {
	Target
	Others  []Colleague // able on record, without himself
	Request Request     // the open one, or none
}

// ReadCase reads all that the rule asks. Read in the deciding transaction, a sign-in
// that happens meanwhile is not missed.
func ReadCase(ctx context.Context, r store.Reader, ref account.Ref) (c Case, err error) {
	if c.Target, err = target(ctx, r, ref); err != nil {
		return Case{}, err
	}
	if c.Request, err = request(ctx, r, ref); err != nil {
		return Case{}, err
	}
	signed := map[string]time.Time{}
	if c.Request.ID != "" {
		if signed, err = signedSince(ctx, r, ref.Organization, c.Request.Asked); err != nil {
			return Case{}, err
		}
	}
	admins, err := account.Abilities(ctx, r, ref.Organization)
	if err != nil {
		return Case{}, err
	}
	for _, a := range account.Able(admins) {
		if a.ID != ref.ID {
			c.Others = append(c.Others, Colleague{Admin: a, Signed: signed[a.ID]})
		}
	}
	return c, nil
}

// MayGive says why an operator does not give this pass; the zero Why is that he may.
func (c Case) MayGive(now time.Time, v *session.Visit, back bool) Why {
	return MayGive(now, c.facts(v, back))
}

// facts are what the rule of giving asks, of an operator.
func (c Case) facts(v *session.Visit, back bool) Facts {
	f := Facts{Self: c.Ref == v.Ref, Stands: c.Stands, Authority: c.Authority, Method: c.Method, BackToTOTP: back,
		OthersAble: len(c.Others) > 0, Asked: c.Request.Asked}
	if v.Operator() {
		f.Giver = GiverOperator
	}
	for _, other := range c.Others {
		f.Signed = f.Signed || !other.Signed.IsZero()
	}
	return f
}

// Ask notes that a pass was asked for, and tells the able ones and whom it is for:
// from now on they have 24 hours.
func (d *Desk) Ask(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, why string, ticket act.Ticket) error {
	q, err := ask(ctx, tx, c.Ref, Given{By: v.Ref.ID, Why: why, Ticket: ticket})
	if err != nil {
		return err
	}
	err = audit.Record(ctx, tx, d.Keys, entry(v, c.Ref, "account:pass:asked",
		map[string]string{"why": why, "ticket": string(ticket), "until": q.Until.UTC().Format(time.RFC3339)}))
	if err != nil {
		return err
	}
	for _, other := range c.Others {
		if err := d.letter(ctx, tx, v, c, other.Account, "asked", why, q.Until); err != nil {
			return err
		}
	}
	return d.letter(ctx, tx, v, c, c.Account, "asked_for_you", why, q.Until)
}

// GiveByOperator gives a pass to a Portal Admin, ends the request for it, and tells
// the other Portal Admins too.
func (d *Desk) GiveByOperator(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, o Order) (Handed, error) {
	o.To = c.Account
	h, err := d.Give(ctx, tx, v, o)
	if err != nil {
		return Handed{}, err
	}
	if err := closeGiven(ctx, tx, c.Ref); err != nil {
		return Handed{}, err
	}
	admins, err := account.Admins(ctx, tx, c.Organization)
	if err != nil {
		return Handed{}, err
	}
	for _, other := range admins {
		if other.ID == c.ID {
			continue
		}
		if err := d.letter(ctx, tx, v, c, other, "told", o.Why, h.Expires); err != nil {
			return Handed{}, err
		}
	}
	return h, nil
}

// letter tells one person what an operator does about somebody's pass.
func (d *Desk) letter(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, to account.Account, what, why string, until time.Time) error {
	say := d.Site.Speaker(to.Language, to.Location())
	args := []any{"name", to.Name, "portal", d.Site.Name, "when", say.Moment(tx.Now()), "until", say.Moment(until),
		"who", v.Person.Name, "holder", c.Name, "address", c.Email, "why", why}
	return mail.Queue(ctx, tx, d.Keys, mail.Letter{Organization: c.Organization, Holder: to.ID, Lane: mail.Notice, Kind: "pass-asked",
		To: to.Email, Language: to.Language, Subject: say.T("pass."+what+"_subject", args...), Text: say.T("pass."+what+"_text", args...)})
}
