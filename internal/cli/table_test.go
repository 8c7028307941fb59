package cli

import (
	"strings"
	"testing"
)

var people = [][]string{
	{"Who", "Email address", "Name", "Password"},
	{"Portal Admin", "haruka@example.com", "佐藤 春香", "harbor"},
	{"General User", "jan@example.com", "Jan Novák", "lantern"},
}

func TestJapaneseNamesLineUp(t *testing.T) {
	want := strings.Join([]string{
		"  Who           Email address       Name       Password",
		"  Portal Admin  haruka@example.com  佐藤 春香  harbor",
		"  General User  jan@example.com     Jan Novák  lantern",
		""}, "\n")
	if got := table(people, 80); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestANarrowTerminalGetsNarrowTables(t *testing.T) {
	for width, want := range map[int]string{
		50: "  Portal Admin\n    haruka@example.com  佐藤 春香  harbor\n  General User\n    jan@example.com     Jan Novák  lantern\n",
		39: "  Portal Admin\n    Email address: haruka@example.com\n    Name: 佐藤 春香\n    Password: harbor\n" +
			"  General User\n    Email address: jan@example.com\n    Name: Jan Novák\n    Password: lantern\n",
		30: "  Portal Admin\n    haruka@example.com\n    佐藤 春香\n    harbor\n  General User\n    jan@example.com\n    Jan Novák\n    lantern\n",
	} {
		if got := table(people, width); got != want {
			t.Errorf("%d columns: got\n%s", width, got)
		}
	}
}

func TestAMarkOnALetterTakesNoColumn(t *testing.T) {
	for text, want := range map[string]int{"": 0, "Jan": 3, "佐藤": 4, "ﾊﾟ": 2, "a\u0301": 1, "５": 2} {
		if got := columns(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}
