package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Catch is the sender of a demo: it keeps every mail for the mailbox page.
type Catch struct {
	db   *store.DB
	keys *secret.Keys
}

// NewCatch makes the sender of a demo.
func NewCatch(db *store.DB, keys *secret.Keys) *Catch { return &Catch{db: db, keys: keys} }

// Send keeps a mail, once however often it is tried.
func (c *Catch) Send(ctx context.Context, m Message) error {
	inside, err := json.Marshal(body{Language: m.Language, Text: m.Text, At: m.At, ReplyTo: m.ReplyTo})
	if err != nil {
		return fmt.Errorf("demo mailbox: %w", err)
	}
	sealed := c.keys.Seal(secret.ForMail, caughtRow(m.ID), inside)
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := keyring.InUse(ctx, tx, sealed); err != nil {
			return fmt.Errorf("demo mailbox: %w", err)
		}
		return keep(ctx, tx, m, sealed)
	})
}

// caughtRow tells a sealed body of the mailbox from one of the outbox.
func caughtRow(id string) string { return "demo " + id }

// CaughtMail is a mail in a demo's mailbox.
type CaughtMail struct {
	To, Subject, Text, HTML string
	At                      time.Time
}

// Caught is a demo's mailbox, newest first, at most 200.
func Caught(ctx context.Context, r store.Reader, keys *secret.Keys) ([]CaughtMail, error) {
	rows, err := kept(ctx, r, 200)
	if err != nil {
		return nil, err
	}
	mails := make([]CaughtMail, 0, len(rows))
	for _, row := range rows {
		plain, err := keys.Open(secret.ForMail, caughtRow(row.id), row.sealed)
		if err != nil {
			return nil, fmt.Errorf("demo mailbox: %w", err)
		}
		var inside body
		if err := json.Unmarshal(plain, &inside); err != nil {
			return nil, fmt.Errorf("demo mailbox: %w", err)
		}
		row.mail.Text, row.mail.HTML = inside.Text, page(inside.Language, row.mail.Subject, inside.Text)
		mails = append(mails, row.mail)
	}
	return mails, nil
}

// Both sends with one and then with the other; it has sent when both have. A try
// that fails at the second is repeated at the first, so the first is a Catch,
// which keeps a mail only once.
func Both(first, second Sender) Sender { return both{first, second} }

type both struct{ first, second Sender }

func (b both) Send(ctx context.Context, m Message) error {
	if err := b.first.Send(ctx, m); err != nil {
		return err
	}
	return b.second.Send(ctx, m)
}
