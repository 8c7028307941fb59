package pass

import (
	"context"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/session"
	"nidan/internal/store"
)

// held is a pass that still opens something, with its holder.
type held struct {
	id   string
	kind Kind
	to   account.Account
}

// WithdrawGiven ends what was given by a Portal Admin who no longer acts for the
// organization, since he was suspended, deleted or given another authority. Of each
// pass and guide that still opened something there is one record, and one letter to
// its holder: whoever has it in hand has to know that he needs another.
func (d *Desk) WithdrawGiven(ctx context.Context, tx *store.Tx, v *session.Visit, giver account.Account, because string) error {
	list, err := opening(ctx, tx, giver.Organization, giver.ID, tx.Now())
	if err != nil {
		return err
	}
	if err := WithdrawGiven(ctx, tx, giver.Organization, giver.ID); err != nil {
		return err
	}
	for _, h := range list {
		verb, key := "account:pass:withdrawn", "pass.lapsed"
		if h.kind == Guide {
			verb, key = "account:guide:withdrawn", "pass.lapsed_guide"
		}
		detail := map[string]string{"pass": h.id, "giver": giver.ID, "because": because}
		if err := audit.Record(ctx, tx, d.Keys, entry(v, h.to.Ref, verb, detail)); err != nil {
			return err
		}
		say := d.Site.Speaker(h.to.Language, h.to.Location())
		args := []any{"name", h.to.Name, "portal", d.Site.Name, "when", say.Moment(tx.Now()), "who", giver.Name}
		err := mail.Queue(ctx, tx, d.Keys, mail.Letter{Organization: h.to.Organization, Holder: h.to.ID, Lane: mail.Notice, Kind: "pass-withdrawn",
			To: h.to.Email, Language: h.to.Language, Subject: say.T(key+"_subject", args...), Text: say.T(key+"_text", args...)})
		if err != nil {
			return err
		}
	}
	return nil
}
