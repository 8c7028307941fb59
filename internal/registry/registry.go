package registry

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/progress"
)

// Show is a filter of the list. The zero Show is every organization.
type Show string

// The filters. Of those that nobody leads, only organizations that stand are shown.
const (
	ShowAll       Show = ""
	ShowSuspended Show = "suspended"
	ShowUnled     Show = "unled"    // no able Portal Admin
	ShowNobody    Show = "no_admin" // no Portal Admin at all
)

// shows are the filters in the order in which they are offered.
var shows = []Show{ShowAll, ShowUnled, ShowNobody, ShowSuspended}

// parseShow reads a filter; what is none shows everything.
func parseShow(text string) Show {
	for _, show := range shows {
		if Show(text) == show {
			return show
		}
	}
	return ShowAll
}

// Listed is an organization as the register shows it.
type Listed struct {
	organization.Organization
	Created     time.Time
	SuspendedBy string           // a name, or what the column says where it names nobody
	Figures     progress.Figures // of whoever stands
	Admins      int              // Portal Admins who stand
	Able        int              // of them, who can act
	Own         Period           // of the rollout of its own
}

// Period is that of an organization's own rollout. The zero Period is none.
type Period struct{ Opens, Ends time.Time }

// Stands says whether the organization is open to its people.
func (l Listed) Stands() bool { return l.Suspended.IsZero() }

// Admin is a Portal Admin as the register shows him, with what decides which help
// an operator can give.
type Admin struct {
	account.Admin
	EverEnrolled bool
	Guide        time.Time // when his open starting guide runs out; zero: he has none
	ResetWaits   bool      // a new password of his waits for somebody's yes
}

// State is how a Portal Admin stands. The zero State is none.
type State string

// The states; the first that holds is told.
const (
	IsSuspended State = "suspended"
	IsVoid      State = "void"
	IsStopped   State = "stopped"
	IsAble      State = "able"
	IsUnproved  State = "unproved" // enrolled once, and the assigned method was not proved
	IsGuided    State = "guided"   // never enrolled, with an open starting guide
	IsNew       State = "new"      // never enrolled, with none
)

// State is his at now.
func (a Admin) State(now time.Time) State {
	switch {
	case !a.Suspended.IsZero():
		return IsSuspended
	case a.Void:
		return IsVoid
	case a.Stopped:
		return IsStopped
	case a.Able():
		return IsAble
	case a.EverEnrolled:
		return IsUnproved
	case now.Before(a.Guide):
		return IsGuided
	}
	return IsNew
}

// Person is somebody found by the mail address.
type Person struct {
	account.Account
	OrganizationName string
	OperatorName     string // where it is an operator's
}

// Limits of what is written into the register, in characters.
const (
	longestName = 100
	longestText = 200
	fewestPhone = 5  // digits
	mostPhone   = 20 // digits
)

// Refusals are what is wrong with what was typed, each with its field.
type Refusals []*fault.Fault

// Error names the first.
func (r Refusals) Error() string { return r[0].Error() }

// Written is a name as it is kept: with single blanks, and none around it.
func Written(name string) string { return strings.Join(strings.Fields(name), " ") }

// NameFault says what is wrong with an organization's name; nil: nothing.
func NameFault(name string) *fault.Fault {
	switch {
	case name == "":
		return fault.Field("organization", "registry.organization_missing")
	case utf8.RuneCountInString(name) > longestName:
		return fault.Field("organization", "page.field_long", "n", longestName)
	case !readable(name), organization.NameKey(name) == organization.NameKey(organization.Operators): // the record has a chain of that name
		return fault.Field("organization", "registry.name_unreadable")
	}
	return nil
}

// readable says whether people can tell a name from another by looking at it: it
// has a letter or digit, and nothing that nobody sees.
func readable(name string) bool {
	seen := false
	for _, c := range name {
		if !unicode.IsGraphic(c) {
			return false
		}
		seen = seen || unicode.IsLetter(c) || unicode.IsDigit(c)
	}
	return seen
}

// PersonFaults says what is wrong with a Portal Admin who is to be added.
func PersonFaults(a account.Account) (wrong Refusals) {
	add := func(field, phrase string, args ...any) { wrong = append(wrong, fault.Field(field, phrase, args...)) }
	switch {
	case a.Name == "":
		add("name", "registry.person_missing")
	case utf8.RuneCountInString(a.Name) > longestName:
		add("name", "page.field_long", "n", longestName)
	case !readable(a.Name):
		add("name", "registry.name_unreadable")
	}
	switch {
	case strings.TrimSpace(a.Email) == "":
		add("email", "registry.email_missing")
	case account.Key(a.Email) == "" || mail.Addressable(account.Written(a.Email)) != nil:
		add("email", "registry.email_shape")
	}
	switch digits := len(account.PhoneKey(a.Phone)); {
	case strings.TrimSpace(a.Phone) == "":
		add("phone", "registry.phone_missing")
	case digits < fewestPhone || digits > mostPhone:
		add("phone", "registry.phone_shape", "min", fewestPhone, "max", mostPhone)
	}
	if _, ok := phrase.Parse(string(a.Language)); !ok {
		add("language", "registry.language_missing")
	}
	if _, ok := phrase.Zone(a.Zone); !ok {
		add("time_zone", "page.zone_unknown")
	}
	if utf8.RuneCountInString(a.JobTitle) > longestText {
		add("job_title", "page.field_long", "n", longestText)
	}
	if utf8.RuneCountInString(a.Mobile) > longestText {
		add("mobile", "page.field_long", "n", longestText)
	}
	return wrong
}
