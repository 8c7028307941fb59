package address

import (
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
)

// Numbers of product.md 4.4 and security.md.
const (
	LinkFor = time.Hour      // how long a link to the new mailbox works
	Wait    = 24 * time.Hour // how long a correction waits after the old address was told
)

// Change is one change of somebody's address. The zero Change is none.
type Change struct {
	ID          string
	account.Ref        // whose
	Email       string // where the link goes, and nothing else does
	EmailKey    string
	Asked       time.Time
	AskedBy     string // id
	By          string // name of who asked, or what AskedBy says where it names nobody
	Why         string // corrections: the reason
	Ticket      act.Ticket
	Until       time.Time // corrections: the end of the wait; zero: not an operator's
	Sent        time.Time
	Expires     time.Time
	Used        time.Time
	Replaced    time.Time
	Withdrawn   time.Time
}

// Correction says whether an operator asked for it.
func (c Change) Correction() bool { return !c.Until.IsZero() }

// Own says whether the owner of the account asked for it.
func (c Change) Own() bool { return c.AskedBy == c.Ref.ID }

// State is what has become of a change. The zero State is none.
type State string

// The states.
const (
	IsWaiting   State = "waiting" // no link was sent yet
	IsSent      State = "sent"    // the new mailbox has not answered yet
	IsUsed      State = "used"
	IsReplaced  State = "replaced"
	IsWithdrawn State = "withdrawn"
	IsExpired   State = "expired"
)

// State is what has become of the change by now.
func (c Change) State(now time.Time) State {
	switch {
	case c.ID == "":
		return ""
	case !c.Used.IsZero():
		return IsUsed
	case !c.Withdrawn.IsZero():
		return IsWithdrawn
	case !c.Replaced.IsZero():
		return IsReplaced
	case c.Sent.IsZero():
		return IsWaiting
	case !now.Before(c.Expires):
		return IsExpired
	}
	return IsSent
}

// Open says whether it may still come to something: it waits, or its link works. A
// correction whose link ran out can be sent again.
func (c Change) Open(now time.Time) bool {
	state := c.State(now)
	return state == IsWaiting || state == IsSent || state == IsExpired && c.Correction()
}

// Facts are what decides whether an operator may correct an address. The zero Facts
// may not.
type Facts struct {
	Operator     bool // with a fresh code of his own
	Stands       bool // account and organization are not suspended
	Authority    account.Authority
	OthersAble   bool      // another Portal Admin of that organization is able on record
	Asked        time.Time // when the old address and the Portal Admins were told; zero: they were not
	OwnerSigned  bool      // the owner proved a code since
	OthersSigned bool      // one of the other Portal Admins did
}

// Why says why an address is not corrected; the zero Why is that it may be.
type Why string

// The reasons, as phrase keys.
const (
	WhyNobody    Why = "address.why_nobody"
	WhyStands    Why = "address.why_suspended"
	WhyAdminsCan Why = "address.why_admins" // a General User whose Portal Admins can do it
	WhyAsk       Why = "address.why_ask"    // it may be asked for: the old address is told first
	WhyOwner     Why = "address.why_owner"  // the owner signed in: he can change it himself
	WhySigned    Why = "address.why_signed" // a Portal Admin signed in: he can change it
	WhyWaits     Why = "address.why_waits"  // the 24 hours are not over
)

// MayCorrect is the one rule of correcting an address (product.md 4.4), asked by
// every page that does. It is pure and total; the first reason that holds is told.
func MayCorrect(now time.Time, f Facts) Why {
	switch {
	case !f.Operator, f.Authority != account.PortalAdmin && f.Authority != account.GeneralUser:
		return WhyNobody
	case !f.Stands:
		return WhyStands
	case f.Authority != account.PortalAdmin && f.OthersAble:
		return WhyAdminsCan
	case f.Asked.IsZero():
		return WhyAsk
	case f.OwnerSigned:
		return WhyOwner
	case f.OthersSigned:
		return WhySigned
	case now.Before(f.Asked.Add(Wait)):
		return WhyWaits
	}
	return ""
}
