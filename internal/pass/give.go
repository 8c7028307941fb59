package pass

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Way is how a pass reaches its holder. The zero Way is none.
type Way string

// The ways.
const (
	ByMail Way = "mail" // a link to the stored address
	ByHand Way = "hand" // a code, shown once to the giver
)

// Desk gives passes: the pass, its one record and the letters, in the deed's own
// transaction.
type Desk struct {
	Keys    *secret.Keys
	Site    *page.Site
	BaseURL string // of the portal, without a slash at its end
}

// Order is one pass that was decided on.
type Order struct {
	To         account.Account
	Why        string
	Ticket     act.Ticket // operators: against which ticket
	Way        Way
	BackToTOTP bool // the account is MailOTP's and is set back with it
}

// Handed is a pass that was given: its Code is empty unless it is handed over in
// person, and is shown on the answer to this very request alone.
type Handed struct {
	Pass
	Code string
}

// Give gives a pass, after MayGive has said that the visitor may: it asks nothing
// itself. Who, why and the ticket are one record; the owner is told.
func (d *Desk) Give(ctx context.Context, tx *store.Tx, v *session.Visit, o Order) (h Handed, err error) {
	if o.BackToTOTP {
		if err := d.backToTOTP(ctx, tx, v, o.To); err != nil {
			return Handed{}, err
		}
	}
	given, token := Given{By: v.Ref.ID, Why: o.Why, Ticket: o.Ticket}, ""
	if o.Way == ByHand {
		h.Code, h.Pass, err = GiveByHand(ctx, tx, d.Keys, o.To.Ref, given)
	} else {
		token, h.Pass, err = Give(ctx, tx, o.To.Ref, Latecomer, given)
	}
	if err != nil {
		return Handed{}, err
	}
	detail := map[string]string{"pass": h.ID, "why": o.Why, "way": string(o.Way), "until": h.Expires.UTC().Format(time.RFC3339)}
	if o.Ticket != "" {
		detail["ticket"] = string(o.Ticket)
	}
	if err := audit.Record(ctx, tx, d.Keys, entry(v, o.To.Ref, "account:pass:given", detail)); err != nil {
		return Handed{}, err
	}
	return h, d.tell(ctx, tx, v, o, h, token)
}

// entry is a record of what a visitor did to somebody else, in his organization's chain.
func entry(v *session.Visit, to account.Ref, act string, detail map[string]string) audit.Entry {
	return audit.Entry{Chain: to.Organization, Act: act, Actor: v.Actor(), Subject: to.ID, Network: v.From, Detail: detail}
}

// backToTOTP assigns TOTP to a MailOTP account: all its sessions end, and an older
// MailOTP works until TOTP is proved.
func (d *Desk) backToTOTP(ctx context.Context, tx *store.Tx, v *session.Visit, to account.Account) error {
	if err := account.Assign(ctx, tx, to.Ref, account.TOTP, v.Ref.ID); err != nil {
		return err
	}
	if _, err := session.EndAll(ctx, tx, to.Ref, "", "method changed"); err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.Keys, entry(v, to.Ref, "account:method:changed",
		map[string]string{"from": string(account.MailOTP), "to": string(account.TOTP), "door": "pass"}))
}

// tell writes to the owner: the link, or that a code will be handed over. The link
// is not sent after it has run out.
func (d *Desk) tell(ctx context.Context, tx *store.Tx, v *session.Visit, o Order, h Handed, token string) error {
	say := d.Site.Speaker(o.To.Language, o.To.Location())
	args := []any{"name", o.To.Name, "portal", d.Site.Name, "when", say.Moment(tx.Now()), "until", say.Moment(h.Expires),
		"who", giver(say, v), "why", o.Why, "link", d.BaseURL + "/pass/" + token}
	text := say.T("pass.given_"+string(o.Way), args...)
	if o.BackToTOTP {
		text += "\n\n" + say.T("pass.given_totp")
	}
	letter := mail.Letter{Organization: o.To.Organization, Holder: o.To.ID, Lane: mail.Notice, Kind: "pass",
		To: o.To.Email, Language: o.To.Language, Subject: say.T("pass.given_subject", args...), Text: text + "\n\n" + say.T("pass.given_not_you", args...)}
	if o.Way == ByMail {
		letter.Expires = h.Expires
	}
	return mail.Queue(ctx, tx, d.Keys, letter)
}

// giver is who gave a pass, as its holder is told.
func giver(say page.Speaker, v *session.Visit) string {
	if v.Operator() {
		return say.T("pass.giver_operator", "name", v.Person.Name)
	}
	return say.T("pass.giver_admin", "name", v.Person.Name)
}

// Withdraw ends a holder's open pass, with its record and a letter to the owner;
// store.ErrNone when there is none.
func (d *Desk) Withdraw(ctx context.Context, tx *store.Tx, v *session.Visit, to account.Account) error {
	has, err := current(ctx, tx, to.Ref)
	if err != nil {
		return err
	}
	if has.Kind != Latecomer || !has.Valid(tx.Now()) {
		return store.ErrNone
	}
	if err := Withdraw(ctx, tx, to.Ref); err != nil {
		return err
	}
	say := d.Site.Speaker(to.Language, to.Location())
	err = mail.Queue(ctx, tx, d.Keys, mail.Letter{Organization: to.Organization, Holder: to.ID, Lane: mail.Notice, Kind: "pass-withdrawn",
		To: to.Email, Language: to.Language, Subject: say.T("pass.withdrawn_subject", "portal", d.Site.Name),
		Text: say.T("pass.withdrawn_text", "name", to.Name, "portal", d.Site.Name, "when", say.Moment(tx.Now()), "who", giver(say, v))})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.Keys, entry(v, to.Ref, "account:pass:withdrawn", map[string]string{"pass": has.ID}))
}
