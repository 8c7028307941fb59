package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Ready is a letter of a mailing, written and sealed before the transaction that
// queues it, so that the transaction holds the database for its inserts alone.
type Ready struct {
	ID      string
	letter  Letter
	subject string
	sealed  []byte
}

// Prepare seals a letter. at is its Date. Its HTML is made when it is sent: of a
// hundred thousand letters the outbox would hold twice as much for nothing.
func Prepare(keys *secret.Keys, l Letter, at time.Time) (Ready, error) {
	if err := l.refusal(); err != nil {
		return Ready{}, fmt.Errorf("mail %q: %w", l.Kind, err)
	}
	inside, err := json.Marshal(body{Language: l.Language, Text: plain(l.Text), At: at.UTC(), ReplyTo: l.ReplyTo, Mark: l.Mark})
	if err != nil {
		return Ready{}, fmt.Errorf("mail %q: %w", l.Kind, err)
	}
	id := secret.ID()
	l.Text = ""
	return Ready{ID: id, letter: l, subject: line(l.Subject), sealed: keys.Seal(secret.ForMail, id, inside)}, nil
}

// many is how many letters one statement inserts. SQLite's driver looks for each
// parameter among all, so that a long statement costs more than several.
const many = 8

// QueueAll puts prepared letters into the outbox, with the deed that they tell of,
// as Queue does one; keyring.ErrRetired when the key they were sealed with is gone: then
// they are prepared anew. Wake the Post after the commit.
func QueueAll(ctx context.Context, tx *store.Tx, letters []Ready) error {
	sealed := make([][]byte, len(letters))
	for i, r := range letters {
		sealed[i] = r.sealed
	}
	if err := keyring.InUse(ctx, tx, sealed...); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	now := store.Micros(tx.Now())
	for len(letters) > 0 {
		n := min(many, len(letters))
		args := make([]any, 0, n*columns)
		for _, r := range letters[:n] {
			due := now
			if !r.letter.Due.IsZero() {
				due = store.Micros(r.letter.Due)
			}
			args = append(args, r.ID, r.letter.Organization, r.letter.Holder, string(r.letter.Lane), r.letter.Kind, r.letter.To,
				r.subject, r.sealed, now, due, store.When(r.letter.Expires))
		}
		if _, err := tx.Exec(ctx, `insert into mail (id, organization_id, holder_id, lane, kind, recipient, subject, body,
			created_at, due_at, expires_at, tries, lease_until) values `+rowsOf[n], args...); err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		letters = letters[n:]
	}
	return nil
}

const columns = 11

// rowsOf are the parameters of n letters.
var rowsOf = func() (texts [many + 1]string) {
	var b strings.Builder
	for n := 1; n <= many; n++ {
		if n > 1 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for c := 1; c <= columns; c++ {
			b.WriteString("$" + strconv.Itoa((n-1)*columns+c) + ", ")
		}
		b.WriteString("0, 0)")
		texts[n] = b.String()
	}
	return texts
}()
