package people

import (
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
)

// Show is a filter of the list. The zero Show is everybody.
type Show string

// The filters.
const (
	ShowAll       Show = ""
	ShowOpen      Show = "open" // stands, and has proved no method
	ShowEnrolled  Show = "enrolled"
	ShowSuspended Show = "suspended"
)

// parseShow reads a filter; what is none shows everybody.
func parseShow(text string) Show {
	switch s := Show(text); s {
	case ShowOpen, ShowEnrolled, ShowSuspended:
		return s
	}
	return ShowAll
}

// Person is an account as the list shows it.
type Person struct {
	account.Account
	TOTP, MailOTP time.Time // proved; zero: not
	Unreached     time.Time // mail to the address did not arrive, since; zero: it does
	UnreachedWhy  string
	Pass          pass.Pass // the latest
	Stopped, Void bool
}

// Enrolled says whether any method was proved.
func (p Person) Enrolled() bool { return !p.TOTP.IsZero() || !p.MailOTP.IsZero() }

// Since is when the assigned method was proved; zero: it was not.
func (p Person) Since() time.Time {
	if p.Method == account.MailOTP {
		return p.MailOTP
	}
	return p.TOTP
}

// Asks says whether an import asked for MailOTP and nobody has decided.
func (p Person) Asks() bool { return p.Preset == account.MailOTP && p.Method != account.MailOTP }

// pattern is what a search looks for, as a like-pattern with ! before its signs.
func pattern(typed string) string {
	if typed == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(typed) + "%"
}
