package mailotp

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2018, 3, 10, 12, 0, 0, 0, time.UTC)

// mails are n mails, the newest some time before noon and each older by a step.
func mails(n int, newest, step time.Duration, answered bool) (sent []Sent) {
	for i := range n {
		sent = append(sent, Sent{At: noon.Add(-newest - time.Duration(i)*step), Answered: answered})
	}
	return sent
}

// The golden file says for each of these when the next mail may go.
var nextCases = []struct {
	name string
	sent []Sent
}{
	{"none sent", nil},
	{"4 in the hour", mails(4, time.Minute, 10*time.Minute, false)},
	{"5 in the hour, the oldest 41 min ago", mails(5, time.Minute, 10*time.Minute, false)},
	{"5 at one instant", mails(5, time.Minute, 0, false)},
	{"5, the oldest 59 min 59.999999 s ago", mails(5, 59*time.Minute+59*time.Second+999999*time.Microsecond, 0, false)},
	{"5, the oldest an hour ago", mails(5, time.Hour, 0, false)},
	{"5 in the hour, rightly answered", mails(5, time.Minute, 10*time.Minute, true)},
	{"4 in the hour and 5 rightly answered", slices.Concat(mails(4, time.Minute, time.Minute, false), mails(5, time.Minute, time.Minute, true))},
	{"8 in the hour, as after a lowered limit", mails(8, time.Minute, 5*time.Minute, false)},
	{"9 in the day, 2 h apart", mails(9, time.Hour, 2*time.Hour, false)},
	{"10 in the day, 2 h apart", mails(10, time.Hour, 2*time.Hour, false)},
	{"10, the oldest 24 h ago", mails(10, 24*time.Hour, 0, false)},
	{"10 in the day, rightly answered", mails(10, time.Hour, 2*time.Hour, true)},
	{"10 in the day, the last 5 in the hour", slices.Concat(mails(5, time.Minute, 10*time.Minute, false), mails(5, 19*time.Hour, time.Hour, false))},
	{"39 in the day, rightly answered", mails(39, time.Minute, 30*time.Minute, true)},
	{"40 in the day, rightly answered", mails(40, time.Minute, 30*time.Minute, true)},
	{"35 rightly answered and 5 not, over the day", slices.Concat(mails(35, time.Minute, 30*time.Minute, true), mails(5, 2*time.Hour, 4*time.Hour, false))},
	{"40, the oldest 24 h ago, rightly answered", mails(40, 24*time.Hour, 0, true)},
}

func TestWhenTheNextCodeMayBeMailedIsAsInTheGoldenFile(t *testing.T) {
	var got strings.Builder
	for _, c := range nextCases {
		said := "now"
		if again := Next(noon, c.sent); !again.IsZero() {
			said = fmt.Sprintf("in %s", again.Sub(noon))
		}
		fmt.Fprintf(&got, "%-46s %s\n", c.name, said)
	}
	const golden = "testdata/next.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the limits changed (-golden +now):\n%s", diff)
	}
}

// Whoever mails at each first instant allowed never exceeds a limit, in whatever
// hour or day one looks.
func TestNoHourAndNoDayHoldsMoreThanItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now, sent := noon, []Sent(nil)
		for range 90 {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			if again := Next(now, sent); !again.IsZero() {
				if !again.After(now) {
					t.Fatalf("at %s wait until %s", now, again)
				}
				if wait := Next(again.Add(-time.Microsecond), sent); wait.IsZero() {
					t.Fatalf("told to wait until %s, and a moment before it is allowed", again)
				}
				now = again
				if more := Next(now, sent); !more.IsZero() {
					t.Fatalf("told to wait until %s, and then until %s", now, more)
				}
			}
			sent = append(sent, Sent{At: now, Answered: rapid.IntRange(0, 3).Draw(t, "answered") > 0})
			hour, day, all := 0, 0, 0
			for _, s := range sent {
				if now.Sub(s.At) < 24*time.Hour {
					all++
				}
				if now.Sub(s.At) < 24*time.Hour && !s.Answered {
					day++
				}
				if now.Sub(s.At) < time.Hour && !s.Answered {
					hour++
				}
			}
			if hour > 5 || day > 10 || all > 40 {
				t.Fatalf("%d in an hour and %d in a day not answered, %d in a day", hour, day, all)
			}
		}
	})
}
