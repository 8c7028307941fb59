package ticket

import (
	"context"
	"encoding/hex"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/limit"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Question is what somebody asks who has not signed in: at the contact form, or by
// a mail to the desk.
type Question struct {
	Email, Name     string
	Language        string
	Summary, Detail string
	Form            string // one form makes one ticket
	Network         string // empty: by mail
	ByMail          bool
	Quiet           bool // nobody is told that it was received
	Attachments     []string
}

// acknowledged is how often an address is told that something was received: the form
// and a forged From must not become a way to write to others.
var acknowledged = limit.Rate{Burst: 1, Every: 24 * time.Hour}

// FromContact makes a ticket of somebody who is not signed in, in the same way
// whether or not an account has that address: nothing here proves whose it is, so
// the ticket is of no organization and no account sees it.
func (d *HelpDesk) FromContact(ctx context.Context, tx *store.Tx, q Question) (Number, error) {
	n := Asked{By: stranger(q.Name), Email: q.Email, Language: q.Language, Category: "account", Service: "sign-in", Kind: "trouble", Urgency: "normal",
		Summary: q.Summary, Detail: q.Detail, Form: q.Form, Attachments: q.Attachments, Quiet: q.Quiet, ByMail: q.ByMail}
	n.By.Network = q.Network
	if q.ByMail {
		n.Category, n.Service, n.Kind = "other", "general", "question"
	}
	if made, ok, err := d.Made(ctx, tx, q.Form); err != nil || ok {
		return made, err
	}
	if !n.Quiet {
		full, err := limit.Try(ctx, tx, d.allowance("acknowledged", account.Key(q.Email), acknowledged))
		if err != nil {
			return 0, err
		}
		n.Quiet = !full.IsZero()
	}
	return d.Open(ctx, tx, n)
}

// Made is the ticket that a form of somebody without an account has made, if any.
func (d *HelpDesk) Made(ctx context.Context, r store.Reader, form string) (n Number, ok bool, err error) {
	n, err = madeBy(ctx, r, account.Ref{}, form)
	if isNone(err) {
		return 0, false, nil
	}
	return n, err == nil, err
}

// FormOf is the form of somebody without an account by all that is in it: another
// text is another form, and nobody's form stands in the way of somebody else's.
func (d *HelpDesk) FormOf(parts ...string) string {
	return hex.EncodeToString(d.Keys.Digest(secret.ForForm, append([]string{"form"}, parts...)...)[:24])
}

// allowance names a counter by a keyed digest: no address stands in it.
func (d *HelpDesk) allowance(what, of string, rate limit.Rate) limit.Key {
	digest := d.Keys.Digest(secret.ForAddress, "ticket", what, of)
	return limit.Key{Name: "ticket:" + hex.EncodeToString(digest[:16]), Rate: rate}
}

// stranger is somebody without a proved account.
func stranger(name string) By {
	return By{Name: name, Actor: audit.Actor{Kind: audit.KindStranger, ID: "-"}}
}

// WritesTo is where the desk writes to somebody without a proved account: the
// address that was typed, or where that is an account's, or an operator linked one,
// the address stored there. What was typed never gets mail that is an account's.
func (c Case) WritesTo() string {
	if c.AboutEmail != "" {
		return c.AboutEmail
	}
	return c.Author.Email
}
