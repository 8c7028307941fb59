package organization

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Operators is the organization_id of those who are in no organization: operators.
const Operators = "operators"

// Organization is a customer company.
type Organization struct {
	ID        string
	Name      string
	Suspended time.Time // zero: it stands
}

// NameKey is the one form under which names are compared: NFKC, lower case, single blanks.
func NameKey(name string) string {
	fold := norm.NFKC.String(strings.ToLower(norm.NFKC.String(name))) // again: lower letters may compose where capital ones do not
	return strings.Join(strings.Fields(fold), " ")
}
