package record

import "testing"

func TestATicketIsLinkedWhereItIsThePortalsOwn(t *testing.T) {
	for part, want := range map[Part]bool{{"ticket", "T-7"}: true, {"ticket", "INC-7"}: false, {"ticket", "t-7"}: false, {"ticket", "T-7/../x"}: false,
		{"ticket", ""}: false, {"why", "T-7"}: false} {
		if part.Ticket() != want {
			t.Errorf("%v: %t", part, !want)
		}
	}
}
