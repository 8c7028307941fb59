package ticket

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"nidan/internal/account"
)

// Number names a ticket, unique in the whole portal. The zero Number is none.
type Number int64

// String is the ticket as people write it: T-123.
func (n Number) String() string { return "T-" + strconv.FormatInt(int64(n), 10) }

// ParseNumber reads T-123 as people write it.
func ParseNumber(text string) (Number, bool) {
	text = fold(strings.TrimSpace(text))
	digits, ok := strings.CutPrefix(text, "t-")
	if !ok || len(digits) == 0 || len(digits) > 15 || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return Number(n), err == nil
}

// State is where a ticket stands. The zero State lets nobody do anything.
type State string

// The states.
const (
	Open     State = "open"
	Answered State = "answered" // shown as "Pending Closure"
	Closed   State = "closed"
)

// Act is what somebody does with a ticket.
type Act string

// The acts.
const (
	Comment Act = "comment"
	Answer  Act = "answer"
	Note    Act = "note" // seen by operators alone
	Close   Act = "close"
	Tell    Act = "tell" // names contacts
)

// Who acts. The zero Who is nobody.
type Who int

// From nothing to the desk.
const (
	Nobody   Who = iota
	Customer     // of those who see the ticket
	Desk         // an operator
)

// Next is the state after an act; ok is false where the act is not to be done. A
// closed ticket stays as it is: it can be read, and operators can note something.
func Next(s State, a Act, who Who) (next State, ok bool) {
	if s != Open && s != Answered && s != Closed {
		return "", false
	}
	switch {
	case who == Desk && a == Note:
		return s, true
	case s == Closed:
		return s, false
	case a == Comment && who == Customer:
		return Open, true
	case a == Answer && who == Desk:
		return Answered, true
	case a == Close && (who == Customer || who == Desk):
		return Closed, true
	case a == Tell && (who == Customer || who == Desk):
		return s, true
	}
	return s, false
}

// Audience is what decides who sees a ticket. The zero Audience is of nobody.
type Audience struct {
	Organization string // "": nobody proved to be of one
	Shared       bool   // with everybody of the organization
	Author       string // account id; "": none
	Contacts     []string
}

// WhoIs says as what somebody stands before a ticket: Nobody for whom it is like a
// ticket that never was.
func WhoIs(ref account.Ref, a Audience) Who {
	switch {
	case ref.ID == "" || ref.Organization == "":
		return Nobody
	case ref.IsOperator():
		return Desk
	case ref.Organization != a.Organization:
		return Nobody
	case a.Shared || ref.ID == a.Author || slices.Contains(a.Contacts, ref.ID):
		return Customer
	}
	return Nobody
}

// Service is what a ticket is about, within a category.
type Service struct {
	Category, Name string
	Shared         bool // everybody of the organization sees its tickets
}

// Services are all there are, by category.
var Services = []Service{
	{"portal", "business-portal", true},
	{"account", "sign-in", false},
	{"account", "people", false},
	{"other", "contract", false},
	{"other", "general", false},
}

// Categories are the categories in their order.
func Categories() (names []string) {
	for _, s := range Services {
		if !slices.Contains(names, s.Category) {
			names = append(names, s.Category)
		}
	}
	return names
}

// ServiceOf is a service by its category and name.
func ServiceOf(category, name string) (Service, bool) {
	for _, s := range Services {
		if s.Category == category && s.Name == name {
			return s, true
		}
	}
	return Service{}, false
}

// Kinds are what a ticket asks for.
var Kinds = []string{"question", "trouble", "request"}

// Urgency is how soon an answer is wanted. The zero Urgency promises nothing.
type Urgency string

// Urgencies are all there are, from the usual to the least.
var Urgencies = []Urgency{"normal", "high", "urgent", "low"}

// workday is the business time of a day of 9:00 to 17:30.
const workday = 8*time.Hour + 30*time.Minute

// Promise is the business time in which an answer is due.
func (u Urgency) Promise() time.Duration {
	switch u {
	case "urgent":
		return 4 * time.Hour
	case "high":
		return workday
	case "normal":
		return 2 * workday
	case "low":
		return 5 * workday
	}
	return 0
}

// Limits of a ticket.
const (
	LongSummary = 200 // characters
	MostTold    = 10  // contacts
)

// Author is who opens a ticket: an account, or somebody who only has an address.
type Author struct {
	account.Ref        // zero: no account was proved
	Name        string // kept when the account is deleted
	Email       string // of who has no account; an account's own is looked up
}

// Ticket is one question with where it stands.
type Ticket struct {
	Number
	Audience
	Author       Author
	AuthorKey    string // of the address of who has no account
	Language     string
	Category     string
	Service      string
	Kind         string
	Urgency      Urgency
	Summary      string
	State        State
	Version      int64
	Opened       time.Time
	Changed      time.Time
	Due          time.Time // zero: nothing is due
	AssignedTo   string    // operator's id, or empty
	AssignedName string
	Answered     time.Time // the first time; zero: never
	AnsweredBy   string
	Closed       time.Time
	ClosedBy     string
	About        account.Ref // whom it concerns, as an operator found
}
