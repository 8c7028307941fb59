package account

import (
	"net/mail"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"nidan/internal/organization"
	"nidan/internal/phrase"
)

// Authority is what an account may do in its organization. The zero Authority may nothing.
type Authority string

// The authorities.
const (
	PortalAdmin Authority = "portal_admin"
	GeneralUser Authority = "general_user"
)

// Method is a second verification. The zero Method is none.
type Method string

// The methods.
const (
	TOTP    Method = "totp"
	MailOTP Method = "mailotp"
)

// Ref names one account (or operator) with its organization: every statement on
// a holder's rows carries both.
type Ref struct{ Organization, ID string }

// IsOperator says whether the holder is an operator and not an account.
func (r Ref) IsOperator() bool { return r.Organization == organization.Operators }

// Account is one person's sign-in in one organization.
type Account struct {
	Ref
	Email     string // as written
	EmailKey  string // canonical, see Key
	Name      string
	Phone     string // digits
	Authority Authority
	Method    Method // assigned; whether it was proved is another fact
	Preset    Method // what an import asked for: preset at set-up, or a request
	Language  phrase.Lang
	Zone      string // IANA name
	JobTitle  string
	Mobile    string
	Imported  time.Time // zero: it did not come by import
	Suspended time.Time // zero: it stands
}

// Location is the account's zone; UTC when it cannot be read.
func (a Account) Location() *time.Location { return phrase.Location(a.Zone) }

// Key is the canonical form of a mail address, the only one that is looked up,
// counted or digested: NFKC, lower case, no blanks around. It is empty when the
// text is not one plain address, or holds what nobody sees.
func Key(email string) string {
	key := fold(Written(email))
	if len(key) > 254 || strings.ContainsFunc(key, func(c rune) bool {
		return unicode.IsSpace(c) || !unicode.IsGraphic(c) || c == unicode.ReplacementChar || c == ',' || c == ';'
	}) {
		return ""
	}
	parsed, err := mail.ParseAddress(key)
	if err != nil || parsed.Name != "" || parsed.Address != key || strings.ContainsAny(key, `"<>()`) {
		return ""
	}
	return key
}

// Written is an address as mail is sent to it: as typed, but for blanks around and
// the width of its letters.
func Written(email string) string { return norm.NFKC.String(strings.TrimSpace(email)) }

// fold is NFKC in lower case. Lower letters may compose with a mark where capital
// ones do not, so it is settled again.
func fold(s string) string { return norm.NFKC.String(strings.ToLower(norm.NFKC.String(s))) }

// PhoneKey is a phone number as its digits, full-width ones included.
func PhoneKey(phone string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, norm.NFKC.String(phone))
}

// NameKey is the form under which a typed name equals the recorded one: NFKC,
// lower case, without any blanks, since people write 山田太郎 and 山田 太郎.
func NameKey(name string) string {
	return fold(strings.Join(strings.Fields(fold(name)), ""))
}

// Plain says whether a name is what it looks like: nothing in it that nobody sees,
// by which one could be told from another only by a machine.
func Plain(name string) bool {
	return !strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsGraphic(c) })
}

// Identified says whether what somebody typed is all equal to the record. It
// does not say which part differs.
func (a Account) Identified(email, name, phone string) bool {
	same := Key(email) == a.EmailKey && a.EmailKey != ""
	same = NameKey(name) == NameKey(a.Name) && NameKey(a.Name) != "" && same
	return PhoneKey(phone) == PhoneKey(a.Phone) && PhoneKey(a.Phone) != "" && same
}

// Why says why a governed act was refused; the zero Why is that it is allowed.
type Why string

// The reasons.
const (
	NotChoosable  Why = "account.method_not_choosable"   // a General User is set to TOTP
	OnlyAdmins    Why = "account.method_only_admins"     // only a Portal Admin changes a method
	OtherCompany  Why = "account.method_other_company"   // of the own organization alone
	NoSuchMethod  Why = "account.method_unknown"         // neither TOTP nor MailOTP
	MailboxFirst  Why = "account.method_mailbox_first"   // own change to MailOTP: a code from that mailbox first
	OperatorsTOTP Why = "account.method_operators_never" // operators have TOTP and cannot set MailOTP
)

// Choose is the first half of method governance (product.md 4.1): what somebody
// may choose in the own set-up. assigned is what stands in the record: a General
// User keeps it (TOTP, or MailOTP where a Portal Admin has set it).
func Choose(authority Authority, assigned, wanted Method) Why {
	switch {
	case wanted != TOTP && wanted != MailOTP:
		return NoSuchMethod
	case authority == PortalAdmin, wanted == assigned && authority == GeneralUser:
		return ""
	}
	return NotChoosable
}

// Actor is who governs a method. The zero Actor may nothing.
type Actor struct {
	Ref
	Authority Authority
	Operator  bool
}

// Govern is the second half (product.md 4.3): whether actor may set the method of
// target to wanted. mailboxProved says that the actor has just typed a code that
// his own mailbox received; it matters only for his own change to MailOTP.
func Govern(actor Actor, target Ref, wanted Method, mailboxProved bool) Why {
	switch {
	case wanted != TOTP && wanted != MailOTP:
		return NoSuchMethod
	case actor.Operator:
		return OperatorsTOTP
	case actor.Authority != PortalAdmin || actor.ID == "":
		return OnlyAdmins
	case actor.Organization != target.Organization || actor.Organization == "":
		return OtherCompany
	case actor.ID == target.ID && wanted == MailOTP && !mailboxProved:
		return MailboxFirst
	}
	return ""
}

// Demoted is the method of a Portal Admin who becomes a General User: TOTP, unless
// the Portal Admin who does it keeps MailOTP.
func Demoted(assigned Method, keep bool) Method {
	if keep && assigned == MailOTP {
		return MailOTP
	}
	return TOTP
}

// Permits says whether an address is in one of the permitted networks. No
// networks permit nothing: the check is switched per account, and off by default.
func Permits(networks []netip.Prefix, client netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(client.Unmap()) {
			return true
		}
	}
	return false
}

// Mask is an address as shown to somebody who has not proved to own it: h…o@example.com.
func Mask(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	runes := []rune(local)
	switch {
	case !ok || len(runes) == 0:
		return "…"
	case len(runes) < 3:
		return string(runes[0]) + "…@" + domain
	}
	return string(runes[0]) + "…" + string(runes[len(runes)-1]) + "@" + domain
}
