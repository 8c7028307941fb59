package mail

import (
	"nidan/internal/keyring"
	"nidan/internal/secret"
)

// Sealed is where letters stand that are not sent yet, for a change of keys.
func Sealed() keyring.Column {
	return keyring.Column{
		Name: "mail.body", Purpose: secret.ForMail, First: []any{"", ""},
		Row: func(key []any) string { return key[0].(string) },
		Next: `select id, organization_id, body from mail where (id, organization_id) > ($1, $2) and substr(body, 1, 1) <> $3
			order by id, organization_id limit $4`,
		Put:   `update mail set body = $1 where id = $2 and organization_id = $3 and body = $4`,
		Count: `select substr(body, 1, 1), count(*) from mail where body is not null group by substr(body, 1, 1)`,
	}
}

// SealedDemo is where the mails of a demo stand, for a change of keys.
func SealedDemo() keyring.Column {
	return keyring.Column{
		Name: "demo_mail.body", Purpose: secret.ForMail, First: []any{""},
		Row:   func(key []any) string { return caughtRow(key[0].(string)) },
		Next:  `select id, body from demo_mail where id > $1 and substr(body, 1, 1) <> $2 order by id limit $3`,
		Put:   `update demo_mail set body = $1 where id = $2 and body = $3`,
		Count: `select substr(body, 1, 1), count(*) from demo_mail group by substr(body, 1, 1)`,
	}
}
