package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// body is what is sealed of a letter.
type body struct {
	Language phrase.Lang `json:"language"`
	Text     string      `json:"text"` // the HTML is made of it when it is sent
	At       time.Time   `json:"at"`   // the mail's Date: when it was first due
	ReplyTo  string      `json:"reply_to,omitempty"`
	Mark     string      `json:"mark,omitempty"`
}

// Queue puts a letter into the outbox, with the deed that it tells of: the row is
// there exactly if tx commits. Wake the Post after the commit.
func Queue(ctx context.Context, tx *store.Tx, keys *secret.Keys, l Letter) error {
	if err := l.refusal(); err != nil {
		return fmt.Errorf("mail %q: %w", l.Kind, err)
	}
	due := l.Due
	if due.IsZero() {
		due = tx.Now()
	}
	id, subject, text := secret.ID(), line(l.Subject), plain(l.Text)
	inside, err := json.Marshal(body{l.Language, text, due.UTC(), l.ReplyTo, l.Mark})
	if err != nil {
		return fmt.Errorf("mail %q: %w", l.Kind, err)
	}
	err = tx.Later(ctx, nil, `
		insert into mail (id, organization_id, holder_id, lane, kind, recipient, subject, body,
			created_at, due_at, expires_at, tries, lease_until)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0)`,
		id, l.Organization, l.Holder, string(l.Lane), l.Kind, l.To, subject, keys.Seal(secret.ForMail, id, inside),
		store.Micros(tx.Now()), store.Micros(due), store.When(l.Expires))
	if err != nil {
		return fmt.Errorf("mail %q: %w", l.Kind, err)
	}
	return nil
}

// taken is a letter that one worker holds by its lease.
type taken struct {
	id, lease    string
	until        time.Time // when the lease ends
	organization string
	holder       string
	lane         Lane
	kind, to     string
	subject      string
	sealed       []byte
	expires      time.Time
	tries        int
}

// waiting are the letters of a lane that are due and held by nobody, oldest
// first. It reads outside a transaction: a range read inside would make the
// deeds that queue letters conflict with the post.
func waiting(ctx context.Context, r store.Reader, lane Lane, now time.Time, limit int) ([]string, error) {
	rows, err := r.Query(ctx, `
		select id from mail
		where lane = $1 and due_at <= $2 and lease_until < $2
			and sent_at is null and dropped_at is null and parked_at is null
		order by due_at, id limit $3`, string(lane), store.Micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return ids, nil
}

// keep writes a mail into a demo's mailbox.
func keep(ctx context.Context, tx *store.Tx, m Message, sealed []byte) error {
	_, err := tx.Exec(ctx, `insert into demo_mail (id, recipient, subject, body, at)
		values ($1, $2, $3, $4, $5) on conflict (id) do nothing`,
		m.ID, m.To, m.Subject, sealed, store.Micros(m.At))
	if err != nil {
		return fmt.Errorf("demo mailbox: %w", err)
	}
	return nil
}

type keptRow struct {
	id     string
	sealed []byte
	mail   CaughtMail
}

// kept is a demo's mailbox, still sealed, newest first.
func kept(ctx context.Context, r store.Reader, limit int) ([]keptRow, error) {
	rows, err := r.Query(ctx, `select id, recipient, subject, body, at from demo_mail
		order by at desc, id desc limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("demo mailbox: %w", err)
	}
	defer rows.Close()
	var list []keptRow
	for rows.Next() {
		var row keptRow
		var at store.Instant
		if err := rows.Scan(&row.id, &row.mail.To, &row.mail.Subject, &row.sealed, &at); err != nil {
			return nil, fmt.Errorf("demo mailbox: %w", err)
		}
		row.mail.At = at.Time
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("demo mailbox: %w", err)
	}
	return list, nil
}
