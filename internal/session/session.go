package session

import (
	"time"

	"nidan/internal/account"
)

// Numbers of security.md.
const (
	Idle       = 30 * time.Minute // without a request
	Absolute   = 12 * time.Hour   // since the password
	PendingFor = 10 * time.Minute // a sign-in not finished
	FreshFor   = 15 * time.Minute // a proof counts as fresh
	SeenEvery  = time.Minute      // how exactly the last request is kept
	WrongCodes = 5                // wrong codes that end it
	Ahead      = time.Minute      // by how much another node's clock may be ahead
)

// Session is what one browser has proved. The zero Session has proved nothing.
type Session struct {
	account.Ref
	ID            string
	Started       time.Time
	PasswordAt    time.Time
	CodeAt        time.Time // zero: no code was proved
	CodeMethod    account.Method
	FreshPassword time.Time // the latest proof of the password
	FreshCode     time.Time // the latest proof of the second verification
	Seen          time.Time
	WrongCodes    int
	PassID        string // the pass it redeemed, or empty
	Network       string // where it was begun
	Agent         string
}

// Live says whether the session still counts at now. One that was seen in a time
// still to come is of a clock that was set back since, and would never be idle.
func (s Session) Live(now time.Time) bool {
	return s.ID != "" && !s.Seen.After(now.Add(Ahead)) && now.Before(s.Seen.Add(Idle)) && now.Before(s.Started.Add(Absolute))
}

// Pending says whether a sign-in that was not finished may still be.
func (s Session) Pending(now time.Time) bool { return now.Before(s.PasswordAt.Add(PendingFor)) }

// CodeFresh says whether the second verification was proved within 15 minutes.
func (s Session) CodeFresh(now time.Time) bool {
	return !s.FreshCode.IsZero() && now.Before(s.FreshCode.Add(FreshFor))
}

// PasswordFresh says whether the password was proved within 15 minutes.
func (s Session) PasswordFresh(now time.Time) bool {
	return !s.FreshPassword.IsZero() && now.Before(s.FreshPassword.Add(FreshFor))
}

// Stale says whether the last request should be written down.
func (s Session) Stale(now time.Time) bool { return now.Sub(s.Seen) >= SeenEvery }
