package pass

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Kind is what a pass is for. The zero Kind is nothing.
type Kind string

// The kinds, each with how long it is valid.
const (
	Guide     Kind = "guide"    // a new account's starting guide
	Latecomer Kind = "pass"     // lost device, missed end
	Operator  Kind = "operator" // an operator's one-time link
)

// Valid is how long a pass of a kind can be used.
func (k Kind) Valid() time.Duration {
	switch k {
	case Guide:
		return 72 * time.Hour
	case Latecomer:
		return 24 * time.Hour
	case Operator:
		return time.Hour
	}
	return 0
}

// Pass is one permission. The zero Pass is not valid.
type Pass struct {
	ID        string
	Kind      Kind
	Expires   time.Time
	Spent     time.Time
	Withdrawn time.Time
	Replaced  time.Time
}

// Valid says whether the pass still opens set-up at now.
func (p Pass) Valid(now time.Time) bool {
	return p.ID != "" && p.Spent.IsZero() && p.Withdrawn.IsZero() && p.Replaced.IsZero() && now.Before(p.Expires)
}

// State is what became of a pass. The zero State is none.
type State string

// The states.
const (
	IsOpen      State = "open"
	IsSpent     State = "spent"
	IsWithdrawn State = "withdrawn"
	IsReplaced  State = "replaced"
	IsExpired   State = "expired"
)

// State is what has become of the pass by now.
func (p Pass) State(now time.Time) State {
	switch {
	case p.ID == "":
		return ""
	case !p.Spent.IsZero():
		return IsSpent
	case !p.Withdrawn.IsZero():
		return IsWithdrawn
	case !p.Replaced.IsZero():
		return IsReplaced
	case !p.Valid(now):
		return IsExpired
	}
	return IsOpen
}

// Numbers of product.md 4.4 for a pass that is handed over in person.
const (
	Characters = 12 // base32, 60 bits
	Tries      = 5  // wrong ones, then it no longer opens by its code
)

// Typed is the one canonical form of a code that somebody typed: capitals, without
// blanks, hyphens and the width of full-width letters. ok is false for what
// cannot be such a code; every check and counter sees this form alone.
func Typed(text string) (code string, ok bool) {
	if len(text) > 200 {
		return "", false
	}
	var b strings.Builder
	for _, c := range strings.ToUpper(norm.NFKC.String(text)) {
		switch {
		case c >= 'A' && c <= 'Z', c >= '2' && c <= '7':
			b.WriteRune(c)
		case unicode.IsSpace(c), unicode.Is(unicode.Dash, c), unicode.Is(unicode.Cf, c), c == 'ー':
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == Characters
}

// Grouped is a code as it is handed over: `ABCD-EFGH-IJKL`.
func Grouped(code string) string {
	var groups []string
	for len(code) > 4 {
		groups, code = append(groups, code[:4]), code[4:]
	}
	return strings.Join(append(groups, code), "-")
}
