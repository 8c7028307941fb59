package operator

import (
	"context"

	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// TellAll mails every operator who stands, in the deed's own transaction: the
// phrases key_subject and key_text, said in each one's language and zone. more are
// further words of them; name, portal and when are known.
func TellAll(ctx context.Context, tx *store.Tx, keys *secret.Keys, site *page.Site, kind, key string, more ...any) error {
	all, err := All(ctx, tx)
	if err != nil {
		return err
	}
	for _, o := range all {
		say := site.Speaker(o.Language, phrase.Location(o.Zone))
		args := append([]any{"name", o.Name, "portal", site.Name, "when", say.Moment(tx.Now())}, more...)
		err := mail.Queue(ctx, tx, keys, mail.Letter{
			Organization: o.Ref().Organization, Holder: o.ID, Lane: mail.Notice, Kind: kind, To: o.Email, Language: o.Language,
			Subject: say.T(key+"_subject", args...), Text: say.T(key+"_text", args...),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
