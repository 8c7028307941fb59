package notice

import (
	"context"
	"fmt"

	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// batch is how many people are written to in one transaction.
const batch = 200

// Mailing writes the letters of notices that are to be mailed. Any number of nodes
// may run it: a batch's letters and how far the mailing has come are one
// transaction, so that a node killed half-way neither doubles nor forgets anybody.
type Mailing struct {
	DB      *store.DB
	Keys    *secret.Keys
	Site    *page.Site
	Address string // the portal's, as people type it: host and path, no scheme
	Wake    func()
}

// Run writes to everybody whom a notice that shows now is for and who was not
// written to.
func (m *Mailing) Run(ctx context.Context) error {
	now := m.Site.Now()
	list, err := upcoming(ctx, m.DB, now)
	if err != nil {
		return err
	}
	for _, n := range list {
		for n.Mails(m.Site.Now()) {
			if n, err = m.step(ctx, n); err != nil {
				return fmt.Errorf("notice %s: %w", n.ID, err)
			}
		}
	}
	return nil
}

// step writes one batch and answers how the notice stands then.
func (m *Mailing) step(ctx context.Context, n Notice) (Notice, error) {
	people, err := addressees(ctx, m.DB, n, batch)
	if err != nil {
		return n, err
	}
	// Written and sealed before the transaction, which holds the database for its
	// inserts alone.
	letters := make([]mail.Ready, 0, len(people))
	for _, a := range people {
		ready, err := mail.Prepare(m.Keys, m.letter(n, a), m.Site.Now())
		if err != nil {
			return n, err
		}
		letters = append(letters, ready)
	}
	last, to := len(people) < batch, n.after
	if len(people) > 0 {
		to = people[len(people)-1].Ref
	}
	err = m.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		moved, err := advance(ctx, tx, n, to, len(letters), last)
		if err != nil || !moved {
			return err
		}
		return mail.QueueAll(ctx, tx, letters)
	})
	if err != nil {
		return n, err
	}
	if len(letters) > 0 {
		m.Wake()
	}
	now, err := Find(ctx, m.DB, n.ID) // how it stands, whoever was faster
	return now.Notice, err
}

// letter is a notice by mail: the words as they were written, and where they stand.
func (m *Mailing) letter(n Notice, to addressee) mail.Letter {
	say, words := m.Site.Speaker(to.Language, phrase.Location(to.Zone)), n.In(to.Language)
	until := ""
	if !n.Until.IsZero() {
		until = say.T("notice.letter_until", "until", say.End(n.Until)) + "\n\n"
	}
	return mail.Letter{Organization: to.Organization, Holder: to.ID, Lane: mail.Bulk, Kind: "notice", To: to.Email, Language: to.Language,
		Subject: say.T("notice.letter_subject", "portal", m.Site.Name, "title", words.Title), Expires: n.Until,
		Text: say.T("notice.letter_text", "name", to.Name, "portal", m.Site.Name, "title", words.Title, "text", words.Body,
			"until", until, "address", m.Address)}
}
