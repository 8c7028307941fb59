package setup

import (
	"nidan/internal/account"
	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/session"
)

// Sealed is where secrets stand that are not proved yet, for a change of keys.
func Sealed() keyring.Column {
	return keyring.Column{
		Name: "setup.secret", Purpose: secret.ForTOTP, First: []any{"", "", ""},
		Row: func(key []any) string {
			return row(session.Session{ID: key[0].(string), Ref: account.Ref{Organization: key[1].(string), ID: key[2].(string)}})
		},
		Next: `select session_id, organization_id, holder_id, secret from setup
			where (session_id, organization_id, holder_id) > ($1, $2, $3) and substr(secret, 1, 1) <> $4
			order by session_id, organization_id, holder_id limit $5`,
		Put:   `update setup set secret = $1 where session_id = $2 and organization_id = $3 and holder_id = $4 and secret = $5`,
		Count: `select substr(secret, 1, 1), count(*) from setup where secret is not null group by substr(secret, 1, 1)`,
	}
}
