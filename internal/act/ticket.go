package act

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Ticket names the ticket that an operator acts against. The zero Ticket is none.
type Ticket string

// LongestTicket bounds a ticket's name, in characters.
const LongestTicket = 40

// ParseTicket reads the name of a ticket, such as "T-123": 1 to 40 letters, digits,
// blanks and - # / . _ of the plain alphabet.
func ParseTicket(text string) (Ticket, bool) {
	name := strings.Join(strings.Fields(norm.NFKC.String(text)), " ")
	if name == "" || len(name) > LongestTicket {
		return "", false
	}
	for _, c := range name {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !plain && !strings.ContainsRune(" -#/._", c) {
			return "", false
		}
	}
	return Ticket(name), true
}
