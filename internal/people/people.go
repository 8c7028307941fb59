package people

import (
	"slices"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/verification"
)

// Show is a filter of the list. The zero Show is everybody.
type Show string

// The filters.
const (
	ShowAll       Show = ""
	ShowOpen      Show = "open" // stands, and has proved no method
	ShowEnrolled  Show = "enrolled"
	ShowLocked    Show = "locked" // stopped, void, or waiting after wrong codes
	ShowSuspended Show = "suspended"
	ShowNever     Show = "never" // has not signed in, as far as is known
	ShowAsks      Show = "asks"  // MailOTP was asked for by an import
)

// shows are the filters as they are offered.
var shows = []Show{ShowAll, ShowOpen, ShowEnrolled, ShowLocked, ShowSuspended, ShowNever, ShowAsks}

// parseShow reads a filter; what is none shows everybody.
func parseShow(text string) Show {
	if slices.Contains(shows, Show(text)) {
		return Show(text)
	}
	return ShowAll
}

// mark is a place in the list: behind the person of that name and id. The zero mark
// is its beginning.
type mark struct{ key, id string }

// String is a mark as it stands in an address.
func (m mark) String() string { return m.id + m.key }

// parseMark reads a mark; what is none is the beginning.
func parseMark(text string) mark {
	if len(text) < idLength || !plainID(text[:idLength]) {
		return mark{}
	}
	return mark{key: text[idLength:], id: text[:idLength]}
}

// idLength is how long an id is.
const idLength = 36

// plainID says whether a text can be an id at all; no other reaches the store.
func plainID(id string) bool {
	return len(id) == idLength && strings.Trim(id, "0123456789abcdef-") == ""
}

// Person is an account as the list shows it, and (below) as its own page does.
type Person struct {
	account.Account
	NameKey       string    // the name as it is sorted and found
	TOTP, MailOTP time.Time // proved; zero: not
	Unreached     time.Time // mail to the address did not arrive, since; zero: it does
	UnreachedWhy  string
	Pass          pass.Pass // the latest
	Stopped, Void bool

	Ledger     verification.Ledger // wrong codes, without those of the cap
	Guide      pass.Pass           // the latest starting guide
	GuideGiven time.Time
	Signed     time.Time // the latest right password, of 90 days
	Ever       bool      // some method was proved, now or before
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

// Asks says whether an import asked for MailOTP and nobody has decided. For a Portal
// Admin it is no request: he chooses in his set-up.
func (p Person) Asks() bool {
	return p.Preset == account.MailOTP && p.Method != account.MailOTP && p.Authority == account.GeneralUser
}

// pattern is what a search looks for, as a like-pattern with ! before its signs.
func pattern(typed string) string {
	if typed == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(typed) + "%"
}
