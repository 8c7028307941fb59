package password

import (
	"unicode"
	"unicode/utf8"
)

// The length of a password in characters, after settling. The least is the caller's: 8 where a second step
// follows, 15 where the password may stand alone for a while (NIST SP 800-63B-4, section 3.1.1.2).
const (
	Shortest      = 8
	ShortestAlone = 15
	longest       = 128
)

// Fault is why a password is refused, as a phrase key. The zero value is none.
type Fault string

const (
	None     Fault = ""
	Control  Fault = "password.control"   // holds something that cannot be typed or seen
	TooShort Fault = "password.too_short" // the phrase takes the least length
	TooLong  Fault = "password.too_long"  // the phrase takes the greatest length
	Personal Fault = "password.personal"  // made of what others know about the person
	Simple   Fault = "password.simple"    // one piece repeated, a run of neighbours, a date
	Common   Fault = "password.common"    // among those tried first, plain or dressed up
)

// Faults are all there are but None, in the order in which Check looks for them.
var Faults = []Fault{TooLong, Control, TooShort, Personal, Simple, Common}

// Person is what a guesser who knows whom he attacks tries first.
type Person struct {
	Email        string
	Name         string
	Organization string
	Phone        string
	Portal       string // the portal's own name
}

// Check is the password rule: the first fault that applies, or None. It asks for no kinds of characters
// (NIST SP 800-63B-4 forbids that), and judges by one thought: a word that others know is worth nothing,
// neither in capitals, backwards, with 4 for a, nor with a year behind it; what else there is has to
// stand for itself.
func Check(password string, least int, person Person) Fault {
	if len(password) > longestTyped {
		return TooLong // before any work that grows with the length
	}
	if !typeable(password) {
		return Control
	}
	settled := settle(password)
	switch n := utf8.RuneCountInString(settled); {
	case n < least:
		return TooShort
	case n > longest:
		return TooLong
	}
	folded := fold(settled)
	switch {
	case personal(folded, person):
		return Personal
	case simple(folded, least):
		return Simple
	case common(folded):
		return Common
	}
	return None
}

// typeable refuses what the owner could neither see nor type again: broken UTF-8, control characters, and
// invisible ones but the two joiners that scripts and emoji need.
func typeable(password string) bool {
	for _, r := range password {
		if r == utf8.RuneError { // broken here, or by whoever sent it: different passwords would look the same
			return false
		}
		joiner := r == '\u200c' || r == '\u200d'
		if !joiner && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) {
			return false
		}
	}
	return true
}
