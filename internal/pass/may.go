package pass

import (
	"time"

	"nidan/internal/account"
)

// Giver is who wants to give a pass. The zero Giver may not.
type Giver int

// The givers.
const (
	GiverNobody   Giver = iota // a General User, a 1-step session, a stranger
	GiverAdmin                 // a Portal Admin, with a fresh code of his own
	GiverOperator              // with a fresh code of his own
)

// Answer is how long a Portal Admin's own colleagues have to show that they can
// help, before an operator may.
const Answer = 24 * time.Hour

// Facts are what decides whether somebody may give a pass. The zero Facts may not.
type Facts struct {
	Giver            Giver
	SameOrganization bool // as the giver's; operators have none
	Self             bool
	Stands           bool // account and organization are not suspended
	Authority        account.Authority
	Method           account.Method // assigned
	BackToTOTP       bool           // a MailOTP account is set back to TOTP with it
	OthersAble       bool           // another Portal Admin of that organization is able on record
	Asked            time.Time      // when they were told that a pass was asked for; zero: they were not
	Signed           bool           // one of them signed in with a code since
}

// Why says why a pass is not given; the zero Why is that it may be.
type Why string

// The reasons, as phrase keys.
const (
	WhyNobody   Why = "pass.why_nobody"
	WhyForeign  Why = "pass.why_foreign" // answered like an account that is not there
	WhySelf     Why = "pass.why_self"
	WhyStands   Why = "pass.why_suspended"
	WhyNotAdmin Why = "pass.why_not_admin" // operators help Portal Admins, and they the rest
	WhySigned   Why = "pass.why_signed"    // an able one signed in: he can give it
	WhyTellThem Why = "pass.why_tell"      // the able ones have to be told first
	WhyWaits    Why = "pass.why_waits"     // they have not had their 24 hours
	WhyMailOTP  Why = "pass.why_mailotp"   // back to TOTP, or correct the address: that is asked first
)

// MayGive is the one rule of giving a pass (product.md 4.4), asked by every page
// that does. It is pure and total; the first reason that holds is told.
func MayGive(now time.Time, f Facts) Why {
	switch {
	case f.Giver != GiverAdmin && f.Giver != GiverOperator,
		f.Authority != account.PortalAdmin && f.Authority != account.GeneralUser:
		return WhyNobody
	case f.Giver == GiverAdmin && !f.SameOrganization:
		return WhyForeign
	case f.Self:
		return WhySelf
	case !f.Stands:
		return WhyStands
	case f.Giver == GiverOperator && f.Authority != account.PortalAdmin:
		return WhyNotAdmin
	}
	if f.Giver == GiverOperator && f.OthersAble {
		switch {
		case f.Asked.IsZero():
			return WhyTellThem
		case f.Signed:
			return WhySigned
		case now.Before(f.Asked.Add(Answer)):
			return WhyWaits
		}
	}
	if f.Method == account.MailOTP && !f.BackToTOTP {
		return WhyMailOTP
	}
	return ""
}
