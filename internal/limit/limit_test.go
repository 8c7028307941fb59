package limit_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"nidan/internal/limit"
)

var update = flag.Bool("update", false, "write the golden file anew")

var noon = time.Date(2018, 3, 10, 12, 0, 0, 0, time.UTC)

// The rule from both sides of each of its edges; a rate that is none has no edges.
func TestTheRuleIsAsWritten(t *testing.T) {
	var b strings.Builder
	b.WriteString("# burst   every   full again          allowed                   full again after one more\n")
	line := func(rate limit.Rate, fullAt time.Time) {
		fmt.Fprintf(&b, "%7d %7s   %-19s %-25s %s\n", rate.Burst, rate.Every, relative(fullAt),
			allowed(rate.Next(noon, fullAt)), relative(rate.Spent(noon, fullAt)))
	}
	for _, rate := range []limit.Rate{{1, time.Minute}, {2, time.Minute}, {5, 6 * time.Minute}, {3, 10 * time.Microsecond}} {
		for used := range rate.Burst + 2 {
			for _, edge := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
				line(rate, noon.Add(time.Duration(used)*rate.Every+edge))
			}
		}
	}
	for _, none := range []limit.Rate{{}, {0, time.Minute}, {-1, time.Minute}, {5, 0}, {5, -time.Minute}, {1 << 40, time.Hour}} {
		line(none, noon)
	}
	const golden = "testdata/rule.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the rule has changed; if it should have: go test -update\n%s", b.String())
	}
}

func relative(at time.Time) string {
	if at.Equal(noon) {
		return "now"
	}
	text := at.Sub(noon).String()
	if at.After(noon) {
		text = "+" + text
	}
	return "now" + text
}

func allowed(ok bool, again time.Time) string {
	switch {
	case ok && again.IsZero():
		return "yes"
	case ok:
		return "yes, and again?"
	case again.Sub(noon) > 365*24*time.Hour:
		return "never"
	}
	return "from " + relative(again)
}

func TestANewAllowanceGivesItsBurstAndThenOneForEachInterval(t *testing.T) {
	rate := limit.Rate{Burst: 5, Every: time.Minute}
	var fullAt time.Time
	taken := 0
	for second := range 600 {
		now := noon.Add(time.Duration(second) * time.Second)
		if ok, _ := rate.Next(now, fullAt); ok {
			fullAt = rate.Spent(now, fullAt)
			taken++
		}
	}
	if want := 5 + 9; taken != want { // ten minutes, the last second of them excluded
		t.Errorf("%d tries in ten minutes, want %d", taken, want)
	}
}

func TestAgainIsTheFirstInstantThatAllows(t *testing.T) {
	rate := limit.Rate{Burst: 3, Every: 20 * time.Second}
	fullAt := noon.Add(time.Minute)
	ok, again := rate.Next(noon, fullAt)
	if ok {
		t.Fatal("an empty allowance allows a try")
	}
	if ok, _ := rate.Next(again.Add(-time.Microsecond), fullAt); ok {
		t.Error("a try is allowed before the instant that was promised")
	}
	if ok, _ := rate.Next(again, fullAt); !ok {
		t.Error("no try is allowed at the instant that was promised")
	}
}

func TestANetworkIsOneSpellingOfWhatOnePersonHas(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.7":                "203.0.113.7/32",
		"::ffff:203.0.113.7":         "203.0.113.7/32",
		"2001:db8:0:1::7":            "2001:db8:0:1::/64",
		"2001:db8:0:1:ffff:ffff:0:1": "2001:db8:0:1::/64",
		"2001:0DB8:0000:0001::0007":  "2001:db8:0:1::/64",
		"2001:db8:0:2::7":            "2001:db8:0:2::/64",
		"fe80::1%eth0":               "fe80::/64",
		"::1":                        "::/64",
		"64:ff9b::203.0.113.7":       "64:ff9b::/64",
	} {
		if got := limit.Network(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
	if got := limit.Network(netip.Addr{}); got != "" {
		t.Errorf("no address is %q", got)
	}
}
