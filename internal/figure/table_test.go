package figure

import (
	"strings"
	"testing"
)

func TestATableSaysWhatHoldsWhatIsMissedAndOnWhichMachine(t *testing.T) {
	got := Table([]Figure{
		{Bench: "gate", Name: "a | b", Value: 0.6543, Limit: "at least 0.65", Holds: true},
		{Bench: "gate", Name: "c", Value: 12.5, Unit: "ms", Limit: "at most 3"},
		{Bench: "gate", Name: "told", Value: 34219.6, Unit: "/s", Holds: true},
	}, "a machine", true)
	want := `On PostgreSQL; a machine.

| bench | what | figure | limit | |
| --- | --- | --- | --- | --- |
| gate | a \| b | 0.654 | at least 0.65 | holds |
| gate | c | 12.5 ms | at most 3 | **missed** |
| gate | told | 34220 /s |  |  |
`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
	if about := Machine(); !strings.Contains(about, "cores") || !strings.Contains(about, "go1.") {
		t.Errorf("the machine is called %q", about)
	}
}
