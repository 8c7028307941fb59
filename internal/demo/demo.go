package demo

import (
	"strings"
	"time"
)

// Facts are what a demo was seeded with, as DIR/demo.json tells it to people and programs.
type Facts struct {
	URL      string    `json:"url"`
	Database string    `json:"database"`
	KeyFile  string    `json:"key_file"`
	Operator Staff     `json:"operator"`
	Accounts []Account `json:"accounts"`
	Rollout  Period    `json:"rollout"`
	Windows  []Window  `json:"windows"`
}

// Staff is the demo's operator.
type Staff struct {
	Email      string `json:"email"`
	Password   string `json:"password"`
	TOTPSecret string `json:"totp_secret"`
}

// Account is one of the demo's people.
type Account struct {
	Email        string `json:"email"`
	Password     string `json:"password"` // empty: none was set so far
	Name         string `json:"name"`
	Phone        string `json:"phone"`
	Authority    string `json:"authority"`
	Organization string `json:"organization"`
	Method       string `json:"method"`
	Enrolled     bool   `json:"enrolled"`
	TOTPSecret   string `json:"totp_secret"` // base32; empty when not enrolled by TOTP
	State        State  `json:"state"`
}

// Period is the demo's rollout.
type Period struct {
	Opens time.Time `json:"opens"`
	Ends  time.Time `json:"ends"`
}

// Window is one of the demo's maintenance windows.
type Window struct {
	Opens  time.Time `json:"opens"`
	Closes time.Time `json:"closes"`
}

// State is what has become of an account by the time the demo begins.
type State string

// The states.
const (
	Enrolled  State = "enrolled"  // set up by the own choice or duty
	Granted   State = "granted"   // a Portal Admin set MailOTP, and it was proved
	Waiting   State = "waiting"   // a Portal Admin set MailOTP, and it was not proved yet
	InGrace   State = "in_grace"  // a password, nothing set up yet
	Imported  State = "imported"  // as InGrace, with a hash of the old portal: never signed in here
	Weak      State = "weak"      // as InGrace, with a password that fails the rule
	Requested State = "requested" // as InGrace; the import asked for MailOTP
	Extended  State = "extended"  // as InGrace, with an own end later than the rollout's
	Invited   State = "invited"   // new, without grace: the starting guide was not used yet
	Lapsed    State = "lapsed"    // new, without grace: the starting guide ran out
	Suspended State = "suspended" // closed by a Portal Admin
	Stopped   State = "stopped"   // 25 wrong codes: until the password is reset
	Void      State = "void"      // 100 wrong codes in a row: until set-up by a pass
)

// Where the demo stands in its rollout when it begins, as the announcement's 52 days.
const (
	daysOpen = 14
	daysLeft = 38
)

// period is the rollout that opened 14 days before now and ends 38 days after it,
// at midnights of the house zone: those nearest to now decide.
func period(now time.Time, house *time.Location) Period {
	at := now.In(house).Add(12 * time.Hour)
	day := func(days int) time.Time {
		return time.Date(at.Year(), at.Month(), at.Day()+days, 0, 0, 0, 0, house).UTC()
	}
	return Period{Opens: day(-daysOpen), Ends: day(daysLeft)}
}

// Moment is an instant of the story that the clock page jumps to.
type Moment string

// The moments, in their order.
const (
	BeforeWindow Moment = "before-window"
	InWindow     Moment = "in-window"
	InPeriod     Moment = "in-period"
	LastMinute   Moment = "last-minute"
	AfterEnd     Moment = "after-end"
)

// Moments are all there are.
var Moments = []Moment{BeforeWindow, InWindow, InPeriod, LastMinute, AfterEnd}

// momentOf reads a moment as people write it: "before the window".
func momentOf(text string) Moment {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c == ' ' || c == '-' || c == '_' })
	kept := words[:0]
	for _, word := range words {
		if word != "the" {
			kept = append(kept, word)
		}
	}
	return Moment(strings.Join(kept, "-"))
}

// ofWindow says whether a moment is one of the window at the opening.
func (m Moment) ofWindow() bool { return m == BeforeWindow || m == InWindow }

// at is when a moment is, by the rollout and the window at its opening.
func (m Moment) at(p Period, w Window) (time.Time, bool) {
	switch m {
	case BeforeWindow:
		return w.Opens.Add(-time.Hour), true
	case InWindow:
		return w.Opens.Add(w.Closes.Sub(w.Opens) / 2), true
	case InPeriod:
		return p.Opens.Add(p.Ends.Sub(p.Opens) * daysOpen / (daysOpen + daysLeft)), true
	case LastMinute:
		return p.Ends.Add(-time.Minute), true
	case AfterEnd:
		return p.Ends.Add(time.Hour), true
	}
	return time.Time{}, false
}

// everybody is the demo's people as they are when it begins, without the secrets
// of their apps.
func everybody() Facts {
	f := Facts{Operator: Staff{Email: operatorEmail, Password: ofOperator}}
	for _, c := range companies {
		for _, m := range c.members {
			f.Accounts = append(f.Accounts, Account{Email: m.email(c), Password: m.password(), Name: m.name,
				Authority: string(m.authority()), Organization: c.name, Method: string(m.assigned()),
				Enrolled: m.method != "", State: m.state})
		}
	}
	return f
}

// Person is somebody to begin with.
type Person struct {
	Part     string // phrase key of what this person shows
	Name     string
	Email    string
	Password string
	Operator bool // signs in at /operator/signin
}

// parts are those to begin with: the first account that fits plays the part.
var parts = []struct {
	key, authority, method string
	state                  State
}{
	{"demo.part_admin_totp", "portal_admin", "totp", Enrolled},
	{"demo.part_user_totp", "general_user", "totp", Enrolled},
	{"demo.part_admin_mailotp", "portal_admin", "mailotp", Enrolled},
	{"demo.part_in_grace", "general_user", "totp", InGrace},
	{"demo.part_admin_in_grace", "portal_admin", "totp", InGrace},
}

// Guide names the few people a newcomer begins with, the operator last.
func Guide(f Facts) []Person {
	var people []Person
	for _, part := range parts {
		for _, a := range f.Accounts {
			if a.Authority == part.authority && a.Method == part.method && a.State == part.state {
				people = append(people, Person{Part: part.key, Name: a.Name, Email: a.Email, Password: a.Password})
				break
			}
		}
	}
	return append(people, Person{Part: "demo.part_operator", Name: operatorName, Email: f.Operator.Email,
		Password: f.Operator.Password, Operator: true})
}
