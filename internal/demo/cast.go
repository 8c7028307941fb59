package demo

import (
	"nidan/internal/account"
	"nidan/internal/phrase"
)

// Passwords of the demo. They are no secret: everybody who can open the demo reads
// them on its first page.
const (
	usual        = "harbor-lantern-47"  // everybody's who set one that keeps the rule
	ofOperator   = "granite-compass-82" // the operator's
	weakPassword = "password2016"       // of those whose password fails the rule
)

// The operator, and where people sign in from (RFC 5737).
const (
	operatorName    = "Mika Tachibana"
	operatorEmail   = "mika.tachibana@desk.example"
	operatorNetwork = "198.51.100.200/32"
	strangerNetwork = "203.0.113.66/32"
)

// company is a customer of the demo.
type company struct {
	name    string
	domain  string
	network string // permitted to nobody in particular: where its people are
	members []member
}

// member is one person of a company, and what becomes of the account.
type member struct {
	local  string // of the mail address
	name   string
	phone  string
	title  string
	admin  bool
	lang   phrase.Lang
	zone   string
	state  State
	method account.Method // Enrolled and what comes after it: what was proved
	day    float64        // when that was, in days since the opening
	joined float64        // added after the opening, by a starting guide; 0: imported before
	hash   hashKind       // Imported: as the old portal kept the password
}

// Zones of the demo's people.
const (
	inTokyo   = "Asia/Tokyo"
	inBerlin  = "Europe/Berlin"
	inNewYork = "America/New_York"
)

// Methods and languages, short, for the tables.
const (
	app    = account.TOTP
	mailed = account.MailOTP
	en     = phrase.English
	ja     = phrase.Japanese
)

// companies are the demo's customers.
var companies = []company{
	{name: "青空商事株式会社 (Aozora Trading Co., Ltd.)", domain: "aozora.example", network: "192.0.2.17/32", members: aozora},
	{name: "Brennhof GmbH", domain: "brennhof.example", network: "198.51.100.84/32", members: brennhof},
}

// password is what a member signs in with; empty when none was set yet.
func (m member) password() string {
	switch m.state {
	case Invited, Lapsed:
		return ""
	case Weak:
		return weakPassword
	}
	return usual
}

// email is a member's address.
func (m member) email(c company) string { return m.local + "@" + c.domain }

// assigned is a member's method when the demo begins.
func (m member) assigned() account.Method {
	switch {
	case m.state == Waiting:
		return account.MailOTP
	case m.method != "":
		return m.method
	}
	return account.TOTP
}

// authority is what a member may do.
func (m member) authority() account.Authority {
	if m.admin {
		return account.PortalAdmin
	}
	return account.GeneralUser
}

// preset is what the import asked for: MailOTP can only be asked for.
func (m member) preset() account.Method {
	if m.state == Requested {
		return account.MailOTP
	}
	return ""
}
