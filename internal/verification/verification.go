package verification

import (
	"time"

	"nidan/internal/account"
)

// Numbers of security.md, "wrong second steps". Three six-digit codes match at any
// time, so 25 tries in 30 days are under 1 in 1,000 per account and year.
const (
	RunBeforeWait = 5 // wrong codes in a row before waits begin
	FirstWait     = 30 * time.Second
	LongestWait   = time.Hour
	Hourly        = 10 // wrong codes evaluated in an hour
	Cap           = 25 // wrong codes in CapSpan: stopped until the password is reset
	CapSpan       = 30 * 24 * time.Hour
	VoidRun       = 100 // wrong codes without a right one between: void until a pass
	TellFrom      = 3   // the owner is told from this wrong code in a row on
)

// Door is where a code was typed.
type Door string

// The doors. A sign-in's door is passed once in a session.
const (
	SignIn  Door = "signin"
	Confirm Door = "confirm"
	Setup   Door = "setup" // proves the new method
	Phone   Door = "phone" // proves a new secret from the profile
	Mailbox Door = "mailbox"
	Method  Door = "method" // the own mailbox, before one's own change to MailOTP
)

// Attempt is one typed code.
type Attempt struct {
	account.Ref
	Person  account.Account // whose mails tell of it
	Session string
	Door    Door
	Method  account.Method
	Code    string // in its canonical form
	Network string
	Pass    bool // the session redeemed a pass that is valid: only this ends a void second verification
}

// Verdict is what became of a code. The zero Verdict refuses.
type Verdict int

// The verdicts.
const (
	Refused Verdict = iota
	Wrong           // counted
	Late            // right for another time: counted, and burnt
	Expired         // a mailed code, right or not, after its ten minutes: counted
	Spent           // a right code that was used before: not counted, not accepted
	Waiting         // not looked at: too many wrong ones before
	Stopped         // not looked at: only a reset of the password helps
	Right
)

// Outcome is a verdict with what a page says about it. The zero Outcome refuses.
type Outcome struct {
	Verdict  Verdict
	Left     int           // tries left in this session
	Ended    bool          // the session was ended by it
	Until    time.Time     // Waiting: when a code is looked at again
	Off      time.Duration // Late: how far the device's clock is off
	WorksAt  time.Time     // Late, Spent: from when a code works again
	Enrolled bool          // Right: it proved the method for the first time, or in a set-up
}

// Ledger is an account's second steps so far. Its zero value has failed nothing.
type Ledger struct {
	Run         int // wrong codes since the last right one
	Forgiven    int // of them: those before waits were last ended by somebody
	LastFailure time.Time
	InHour      int       // wrong codes in the last hour, and not forgiven
	FirstInHour time.Time // the first of them
	InSpan      int       // wrong codes in CapSpan, since the last reset of the password
	Stopped     bool
	Void        bool
}

// Wait is how long nothing is looked at after a run of wrong codes.
func Wait(run int) time.Duration {
	if run < RunBeforeWait {
		return 0
	}
	wait := FirstWait
	for ; run > RunBeforeWait && wait < LongestWait; run-- {
		wait *= 2
	}
	return min(wait, LongestWait)
}

// Again is when the next code is looked at; the zero time means now.
func (l Ledger) Again(now time.Time) time.Time {
	again := l.LastFailure.Add(Wait(l.Run - l.Forgiven))
	if l.InHour >= Hourly {
		if hour := l.FirstInHour.Add(time.Hour); hour.After(again) {
			again = hour
		}
	}
	if !again.After(now) {
		return time.Time{}
	}
	return again
}

// stops says whether one more wrong code reaches the cap.
func (l Ledger) stops() bool { return l.InSpan+1 >= Cap }

// voids says whether one more wrong code makes the second verification void.
func (l Ledger) voids() bool { return !l.Void && l.Run+1 >= VoidRun }
