package password

import (
	"context"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// letter is one mail of this room: phrases key_subject and key_text, said in the
// reader's language and zone.
type letter struct {
	to      account.Account
	key     string
	lane    mail.Lane
	expires time.Time
	from    string // the network of the request that caused it
	more    func(say page.Speaker) []any
}

func (m *Room) send(ctx context.Context, tx *store.Tx, l letter) error {
	say := m.Site.Speaker(l.to.Language, l.to.Location())
	args := []any{"name", l.to.Name, "portal", m.Site.Name, "when", say.Moment(tx.Now()), "where", network(l.from)}
	if l.more != nil {
		args = append(args, l.more(say)...)
	}
	return mail.Queue(ctx, tx, m.Keys, mail.Letter{
		Organization: l.to.Organization, Holder: l.to.ID, Lane: l.lane, Kind: strings.ReplaceAll(l.key, "_", "-"),
		To: l.to.Email, Language: l.to.Language, Expires: l.expires,
		Subject: say.T("password."+l.key+"_subject", args...),
		Text:    say.T("password."+l.key+"_text", args...),
	})
}

// network is a network as people write one address.
func network(from string) string {
	if from == "" {
		return "-"
	}
	return strings.TrimSuffix(from, "/32")
}

// linkLetter goes by the lane of codes: somebody waits for it, and after its half
// hour it is of no use.
func (m *Room) linkLetter(ctx context.Context, tx *store.Tx, owner account.Account, link string, expires time.Time, from string) error {
	return m.send(ctx, tx, letter{to: owner, key: "mail_link", lane: mail.Code, expires: expires, from: from,
		more: func(say page.Speaker) []any { return []any{"link", link, "until", say.Moment(expires)} }})
}

func (m *Room) resetLetter(ctx context.Context, tx *store.Tx, owner account.Account, from string) error {
	return m.send(ctx, tx, letter{to: owner, key: "mail_reset", lane: mail.Notice, from: from})
}

// asideLetters tell the owner, by a way that the person at the mailbox cannot
// keep from the other Portal Admins, and these.
func (m *Room) asideLetters(ctx context.Context, tx *store.Tx, owner Owner, admins []account.Account, e Effect, from string) error {
	key := "mail_waits"
	if e.NeedsApproval {
		key = "mail_approval"
	}
	until := func(say page.Speaker) []any {
		return []any{"until", say.Moment(e.WaitsUntil), "who", owner.Name, "address", owner.Email}
	}
	if err := m.send(ctx, tx, letter{to: owner.Account, key: key, lane: mail.Notice, from: from, more: until}); err != nil {
		return err
	}
	return m.toAdmins(ctx, tx, owner.Ref, admins, letter{key: key + "_admin", lane: mail.Notice, from: from, more: until})
}

func (m *Room) changedLetter(ctx context.Context, tx *store.Tx, v *session.Visit) error {
	key := "mail_changed"
	if v.Operator() { // who has no Portal Admin to turn to
		key = "mail_changed_operator"
	}
	return m.send(ctx, tx, letter{to: v.Person, key: key, lane: mail.Notice, from: v.From})
}

func (m *Room) refusedLetters(ctx context.Context, tx *store.Tx, v *session.Visit, admins []account.Account) error {
	if err := m.send(ctx, tx, letter{to: v.Person, key: "mail_refused", lane: mail.Notice, from: v.From}); err != nil {
		return err
	}
	who := func(page.Speaker) []any { return []any{"who", v.Person.Name, "address", v.Person.Email} }
	return m.toAdmins(ctx, tx, v.Ref, admins, letter{key: "mail_refused_admin", lane: mail.Notice, from: v.From, more: who})
}

// answerLetters tell of a yes or a no to a password that waited: the owner, and the
// Portal Admins but the one who gave it.
func (m *Room) answerLetters(ctx context.Context, tx *store.Tx, v *session.Visit, w Waiting, reply Reply) error {
	key := "mail_approved"
	if reply == No {
		key = "mail_stopped"
	}
	more := func(say page.Speaker) []any {
		by := say.T("password.by_admin", "name", v.Person.Name)
		if v.Operator() {
			by = say.T("password.by_operator", "name", v.Person.Name)
		}
		return []any{"who", w.Name, "address", w.Email, "by", by}
	}
	if err := m.send(ctx, tx, letter{to: w.Account, key: key, lane: mail.Notice, from: v.From, more: more}); err != nil {
		return err
	}
	var others []account.Account
	for _, a := range w.admins {
		if a.Suspended.IsZero() && a.Ref != v.Ref {
			others = append(others, a.Account)
		}
	}
	return m.toAdmins(ctx, tx, w.Ref, others, letter{key: key + "_admin", lane: mail.Notice, from: v.From, more: more})
}

// toAdmins sends one letter to each Portal Admin but the one it is about.
func (m *Room) toAdmins(ctx context.Context, tx *store.Tx, about account.Ref, admins []account.Account, l letter) error {
	for _, admin := range admins {
		if admin.Ref == about {
			continue
		}
		l.to = admin
		if err := m.send(ctx, tx, l); err != nil {
			return err
		}
	}
	return nil
}

func (m *Room) record(ctx context.Context, tx *store.Tx, v *session.Visit, act string) error {
	return audit.Record(ctx, tx, m.Keys, v.Entry(act, nil))
}
