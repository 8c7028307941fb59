package ticket

import (
	"context"
	"strings"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// tell writes to the author and the contacts, but for whoever did it, each in his
// own language and without the text: that is read in the portal. Only somebody
// without an account gets an answer's text, since there is no page where he could
// read it.
func (d *HelpDesk) tell(ctx context.Context, tx *store.Tx, c Case, what string, by account.Ref, text string) error {
	for _, p := range c.People {
		if !p.Stands || p.Ref == by {
			continue
		}
		if err := d.letter(ctx, tx, c, what, p, ""); err != nil {
			return err
		}
	}
	if c.Author.ID != "" || c.Author.Email == "" || what == "commented" {
		return nil
	}
	lang, _ := phrase.Parse(c.Ticket.Language)
	return d.letter(ctx, tx, c, what+"_stranger", Person{Name: c.Author.Name, Email: c.WritesTo(), Language: lang}, text)
}

func (d *HelpDesk) letter(ctx context.Context, tx *store.Tx, c Case, what string, to Person, text string) error {
	say := d.Site.Speaker(to.Language, phrase.Location(to.Zone))
	args := []any{"name", to.Name, "portal", d.Site.Name, "ticket", c.Number.String(), "address", page.Typed(d.Address) + "/tickets/" + c.Number.String(),
		"when", say.Moment(tx.Now()), "text", text, "contact", d.Site.Contact}
	letter := mail.Letter{Organization: to.Organization, Holder: to.ID, Lane: mail.Notice, Kind: "ticket-" + strings.TrimSuffix(what, "_stranger"),
		To: to.Email, Language: to.Language, Subject: say.T("ticket.mail_"+what+"_subject", args...), Text: say.T("ticket.mail_"+what, args...)}
	if d.Replies != nil {
		letter.ReplyTo, letter.Mark = d.Replies.Address(c.Number, to.ID), d.Replies.Mark(c.Number, to.ID)
		letter.Text += "\n\n" + say.T("ticket.mail_reply")
	}
	return mail.Queue(ctx, tx, d.Keys, letter)
}
