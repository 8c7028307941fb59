package address

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// letter is one mail of this room: phrases key_subject and key_text, said in the
// language and zone of its reader.
type letter struct {
	holder  account.Account // whose letter it is, and who reads it
	to      string
	lane    mail.Lane
	key     string
	about   Case
	change  Change
	link    string
	expires time.Time
}

func (rm *Room) write(ctx context.Context, tx *store.Tx, v *session.Visit, l letter) error {
	say := rm.Site.Speaker(l.holder.Language, l.holder.Location())
	args := []any{"name", l.holder.Name, "portal", rm.Site.Name, "when", say.Moment(tx.Now()), "who", who(say, v), "holder", l.about.Name,
		"old", l.about.Email, "new", account.Mask(l.change.Email), "why", l.change.Why, "ticket", string(l.change.Ticket),
		"wait", say.Moment(l.change.Until), "until", say.Moment(l.change.Expires), "link", l.link}
	return mail.Queue(ctx, tx, rm.Keys, mail.Letter{Organization: l.holder.Organization, Holder: l.holder.ID, Lane: l.lane, Kind: kinds[l.key],
		To: l.to, Language: l.holder.Language, Expires: l.expires,
		Subject: say.T("address."+l.key+"_subject", args...), Text: say.T("address."+l.key+"_text", args...)})
}

// kinds are what operators see of a letter.
var kinds = map[string]string{"told_own": "address-asked", "told_admin": "address-asked", "told_operator": "address-asked",
	"told_admins": "address-asked", "told_colleagues": "address-asked", "link_own": "address-link", "link_other": "address-link", "withdrawn": "address-withdrawn",
	"changed_old": "address-changed", "changed_new": "address-changed"}

// who is who asked for it, as the owner is told.
func who(say page.Speaker, v *session.Visit) string {
	if v.Operator() {
		return say.T("address.who_operator", "name", v.Person.Name)
	}
	return say.T("address.who_admin", "name", v.Person.Name)
}

// toOld tells the owner at the address that stands in the account, or stood there
// until this transaction.
func (rm *Room) toOld(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, change Change, key string) error {
	return rm.write(ctx, tx, v, letter{holder: c.Account, to: c.Email, lane: mail.Notice, key: key, about: c, change: change})
}

// toNew mails the link to the one address that stands in the row. Somebody sits
// before the screen and waits for it, and after its hour it is of no use.
func (rm *Room) toNew(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, change Change, token string) error {
	key := "link_own"
	if !change.Own() {
		key = "link_other"
	}
	return rm.write(ctx, tx, v, letter{holder: c.Account, to: change.Email, lane: mail.Code, key: key, about: c, change: change,
		link: rm.BaseURL + "/address/" + token, expires: change.Expires})
}

// welcome tells the new address that it counts.
func (rm *Room) welcome(ctx context.Context, tx *store.Tx, c Case) error {
	return rm.write(ctx, tx, &session.Visit{}, letter{holder: c.Account, to: c.Change.Email, lane: mail.Notice, key: "changed_new", about: c, change: c.Change})
}

// toAdmin tells another Portal Admin of a correction, or of a colleague's new address.
func (rm *Room) toAdmin(ctx context.Context, tx *store.Tx, v *session.Visit, c Case, change Change, admin account.Account, key string) error {
	return rm.write(ctx, tx, v, letter{holder: admin, to: admin.Email, lane: mail.Notice, key: key, about: c, change: change})
}
