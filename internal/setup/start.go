package setup

import (
	"time"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/pass"
)

// How often an identity may be tried. A link has ten tries and then one each half
// hour, so that whoever reads the mailbox does not find out a phone number before
// the link is over; a network has room for an office behind one address.
var (
	perLink     = limit.Rate{Burst: 10, Every: 30 * time.Minute}
	perNetwork  = limit.Rate{Burst: 30, Every: time.Minute}
	perPassword = limit.Rate{Burst: 10, Every: time.Minute} // hashes, by whoever was identified
)

// starter is who a starting guide was given to, as recorded now. The zero starter
// is what a link that never was leads to.
type starter struct {
	pass.Pass
	account.Account
	OrganizationName string
	Standing         bool // neither the account nor its organization is suspended
	Enrolled         bool // by any method: a guide is for who never was
}

// identity is what somebody typed of himself.
type identity struct{ Email, Name, Phone string }

// opens says whether this guide leads on for who typed this, at now. All of it is
// compared in every case, and nothing says what differs.
func (s starter) opens(now time.Time, typed identity) bool {
	same := s.Identified(typed.Email, typed.Name, typed.Phone)
	return same && s.Kind == pass.Guide && s.Valid(now) && s.Standing && !s.Enrolled && s.Account.ID != ""
}
