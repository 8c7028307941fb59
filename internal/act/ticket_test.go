package act

import (
	"strings"
	"testing"
)

func TestATicketIsAShortNameOfPlainLetters(t *testing.T) {
	for typed, want := range map[string]Ticket{
		"T-123": "T-123", "  t - 1 ": "t - 1", "Ｔ－１２": "T-12", "2018/03.7_#1": "2018/03.7_#1", strings.Repeat("a", 40): Ticket(strings.Repeat("a", 40)),
		"": "", "  ": "", strings.Repeat("a", 41): "", "<b>": "", "T-1\x00": "", "チケット": "", "T=1": "",
	} {
		if got, ok := ParseTicket(typed); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", typed, got, ok)
		}
	}
}
