package house

// allowances is this file, for messages.
const allowances = "internal/house/organization_test.go"

// acrossOrganizations are the functions that may ask a table of organizations
// without naming one: "room.Function" and the reason why no organization can
// see another's rows by it. Every line here is a place to look at twice.
var acrossOrganizations = map[string]string{
	"account.Holder": "sign-in begins with an address, unique in the whole portal, and learns the organization from it",
}
