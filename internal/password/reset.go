package password

import (
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
)

// Numbers of security.md and of product.md 4.7.
const (
	linkFor  = 30 * time.Minute
	asideFor = 24 * time.Hour
)

// Owner is what a reset knows of the person whose password it is. The zero Owner
// is nobody, and has nothing to reset.
type Owner struct {
	account.Account
	OrganizationName string
	Standing         bool // neither the account nor its organization is suspended
	Has              bool // a password: the first one comes by a starting guide alone
	TOTP, MailOTP    bool // enrolled
}

// Resettable says whether the mailed way is open to this person at all. Operators
// are in no organization and have the console for it.
func (o Owner) Resettable() bool {
	return o.Standing && o.Has && o.ID != "" && mail.Addressable(o.Email) == nil
}

// Least is how long a new password of this person must be.
func (o Owner) Least() int { return least(o.TOTP || o.MailOTP) }

// least is longer where no second step follows the password.
func least(enrolled bool) int {
	if enrolled {
		return Shortest
	}
	return ShortestAlone
}

// Person is the owner as the password rule sees him.
func (o Owner) Person(portal string) Person {
	return Person{Email: o.Email, Name: o.Name, Organization: o.OrganizationName, Phone: o.Phone, Portal: portal}
}

// Effect is how a new password set by a mailed link comes to count. The zero
// Effect is at once.
type Effect struct {
	Aside         bool
	WaitsUntil    time.Time
	NeedsApproval bool
}

// Effect decides how a new password that this owner sets at now comes to count.
// Where the second verification is mailed, the link and the code would come to one
// mailbox, and whoever reads it would need nothing else: the password waits. That
// is so wherever a mailed code may be asked, now or by what is assigned.
func (o Owner) Effect(now time.Time) Effect {
	if o.Method != account.MailOTP && (o.TOTP || !o.MailOTP) {
		return Effect{}
	}
	return Effect{Aside: true, WaitsUntil: now.Add(asideFor), NeedsApproval: o.Authority == account.PortalAdmin}
}

// Kept is a holder's password as it counts at one instant.
type Kept struct {
	Hash    string // empty: there is none
	Weak    bool   // it fails the password rule: a new one is asked for at set-up
	SetAt   time.Time
	ResetID string // not empty: Hash was kept aside by a reset and takes effect now, see TakeEffect

	sealed string // the Hash is another system's, and stands sealed until its first right use
}

// Foreign says that the hash is another system's, which the first right sign-in
// replaces by one of our own.
func (k Kept) Foreign() bool { return len(k.sealed) > 0 }

// Aside is a new password of a MailOTP account that waits (product.md 4.7).
type Aside struct {
	ID            string
	Hash          string // only Lookup fills it
	Set           time.Time
	WaitsUntil    time.Time
	NeedsApproval bool // time alone never suffices
	Approved      time.Time
	Refused       time.Time
	Replaced      time.Time // by a newer link that was used
}

// From is the instant from which the password counts, by its approval or by the
// end of a wait that needs none; the zero time when nothing so far makes it count.
func (a Aside) From() time.Time {
	from := a.Approved
	if !a.NeedsApproval && !a.WaitsUntil.IsZero() && (from.IsZero() || a.WaitsUntil.Before(from)) {
		from = a.WaitsUntil
	}
	// What was refused or replaced before it counted never does.
	for _, end := range []time.Time{a.Refused, a.Replaced} {
		if !end.IsZero() && (from.IsZero() || end.Before(from)) {
			return time.Time{}
		}
	}
	return from
}

// Waits says whether the password neither counts nor was refused or replaced.
func (a Aside) Waits(now time.Time) bool {
	if a.ID == "" || !a.Refused.IsZero() || !a.Replaced.IsZero() {
		return false
	}
	from := a.From()
	return from.IsZero() || now.Before(from)
}

// Effective is what counts at now of a stored password and one that was kept
// aside by a reset. The old one counts until the new one does.
func Effective(now time.Time, stored Kept, aside Aside) Kept {
	from := aside.From()
	if aside.ID == "" || aside.Hash == "" || from.IsZero() || now.Before(from) {
		return stored
	}
	return Kept{Hash: aside.Hash, ResetID: aside.ID}
}

// Link is one mailed link, and what became of it. The zero Link is not open.
type Link struct {
	ID       string
	Expires  time.Time
	Used     time.Time
	Replaced time.Time
	Refused  time.Time
	Finished time.Time // its password counts, or a newer one does
	Aside    Aside     // its ID is empty when the password counted at once
}

// Open says whether the link may still be used at now.
func (l Link) Open(now time.Time) bool {
	return l.ID != "" && l.Used.IsZero() && l.Replaced.IsZero() && l.Refused.IsZero() && l.Finished.IsZero() &&
		now.Before(l.Expires)
}

// Outcome is what a used link led to, as its page tells it.
type Outcome string

// The outcomes. The empty one tells nothing: the link was not used, or its time is over.
const (
	Counts   Outcome = "counts"   // the password counts
	Waits    Outcome = "waits"    // it will by itself
	Approval Outcome = "approval" // it will when a Portal Admin or an operator approves
	Void     Outcome = "void"     // it was refused or replaced
)

// Outcome says what the link led to, as long as the link itself would have lived.
func (l Link) Outcome(now time.Time) Outcome {
	switch {
	case l.ID == "" || l.Used.IsZero() || !now.Before(l.Expires):
		return ""
	case l.counts(now):
		return Counts
	case !l.Refused.IsZero() || !l.Replaced.IsZero():
		return Void
	case l.Aside.NeedsApproval:
		return Approval
	}
	return Waits
}

// counts says whether the password came to count, be it that a newer one does now.
func (l Link) counts(now time.Time) bool {
	from := l.Aside.From()
	return !l.Finished.IsZero() || !from.IsZero() && !now.Before(from)
}
