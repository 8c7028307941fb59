package password

import (
	"nidan/internal/account"
	"nidan/internal/keyring"
	"nidan/internal/secret"
)

// Sealed is where hashes of other systems stand, for a change of keys.
func Sealed() keyring.Column {
	return keyring.Column{
		Name: "password.sealed", Purpose: secret.ForOld, First: []any{"", ""},
		Row: func(key []any) string { return rowOf(account.Ref{Organization: key[0].(string), ID: key[1].(string)}) },
		Next: `select organization_id, holder_id, sealed from password where (organization_id, holder_id) > ($1, $2) and substr(sealed, 1, 1) <> $3
			order by organization_id, holder_id limit $4`,
		Put:   `update password set sealed = $1 where organization_id = $2 and holder_id = $3 and sealed = $4`,
		Count: `select substr(sealed, 1, 1), count(*) from password where sealed is not null group by substr(sealed, 1, 1)`,
	}
}

// SealedAside is where passwords stand that wait for their day, for a change of keys.
func SealedAside() keyring.Column {
	return keyring.Column{
		Name: "password_reset.aside", Purpose: secret.ForReset, First: []any{"", ""},
		Row: func(key []any) string { return key[0].(string) },
		Next: `select id, organization_id, aside from password_reset where (id, organization_id) > ($1, $2) and substr(aside, 1, 1) <> $3
			order by id, organization_id limit $4`,
		Put:   `update password_reset set aside = $1 where id = $2 and organization_id = $3 and aside = $4`,
		Count: `select substr(aside, 1, 1), count(*) from password_reset where aside is not null group by substr(aside, 1, 1)`,
	}
}
