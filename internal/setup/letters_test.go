package setup

import (
	"context"
	"encoding/json"
	"regexp"

	"nidan/internal/secret"
)

// letter is a mail in the outbox.
type letter struct{ To, Kind, Lane, Subject, Text, Language string }

// letters are the mails of a kind, in order.
func (p *portal) letters(kind string) (list []letter) {
	p.t.Helper()
	rows, err := p.DB.Query(context.Background(), `select id, recipient, kind, lane, subject, body from mail where kind = $1 order by created_at, id`, kind)
	p.must(err)
	defer rows.Close()
	for rows.Next() {
		var id string
		var l letter
		var sealed []byte
		p.must(rows.Scan(&id, &l.To, &l.Kind, &l.Lane, &l.Subject, &sealed))
		plain, err := p.Keys.Open(secret.ForMail, id, sealed)
		p.must(err)
		var body struct{ Language, Text string }
		p.must(json.Unmarshal(plain, &body))
		l.Text, l.Language = body.Text, body.Language
		list = append(list, l)
	}
	p.must(rows.Err())
	return list
}

var mailedCode = regexp.MustCompile(`\n +(\d{4} \d{4})\n`)

// mailed is the code in the newest mail.
func (p *portal) mailed() string {
	p.t.Helper()
	all := p.letters("code")
	found := mailedCode.FindStringSubmatch(all[len(all)-1].Text)
	if found == nil {
		p.t.Fatalf("no code in %q", all[len(all)-1].Text)
	}
	return found[1]
}
