package operator

import (
	"time"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/phrase"
)

// Operator is one of the staff. The zero Operator is nobody.
type Operator struct {
	ID       string
	Email    string
	Name     string
	Language phrase.Lang
	Zone     string
	Removed  time.Time // zero: stands
}

// Ref is the operator as the holder of a password, a method, a session.
func (o Operator) Ref() account.Ref {
	return account.Ref{Organization: organization.Operators, ID: o.ID}
}

// First is the holder of the first operator's one-time link, before there is an operator.
var First = account.Ref{Organization: organization.Operators, ID: "first"}
