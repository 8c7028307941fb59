package operator

import (
	"context"
	"time"

	"nidan/internal/mail"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// What is what was done to an operator.
type What string

// The deeds that the others are told of.
const (
	Added What = "added"
	Reset What = "reset"
)

// News is what the other operators are told of.
type News struct {
	What   What
	About  Operator
	By     string // the system user who did it
	Portal string // what the portal is called
	House  *time.Location
}

// Tell mails every operator who stands but the one it is about, in the deed's own
// transaction: nobody becomes one of them without their knowing.
func Tell(ctx context.Context, tx *store.Tx, keys *secret.Keys, book *phrase.Book, n News) error {
	others, err := All(ctx, tx)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.ID == n.About.ID {
			continue
		}
		if err := mail.Queue(ctx, tx, keys, n.letter(other, book, tx.Now())); err != nil {
			return err
		}
	}
	return nil
}

func (n News) letter(to Operator, book *phrase.Book, now time.Time) mail.Letter {
	zones := phrase.Zones{House: n.House}
	if zone, err := time.LoadLocation(to.Zone); err == nil {
		zones.Reader = zone
	}
	say := func(key string) string {
		return book.Say(to.Language, key, "name", to.Name, "when", zones.Moment(to.Language, now),
			"who", n.About.Name, "address", n.About.Email, "by", n.By, "portal", n.Portal)
	}
	return mail.Letter{
		Organization: to.Ref().Organization, Holder: to.ID, Lane: mail.Notice, Kind: "operator-" + string(n.What),
		To: to.Email, Language: to.Language,
		Subject: say("operator." + string(n.What) + "_subject"), Text: say("operator." + string(n.What) + "_text"),
	}
}
