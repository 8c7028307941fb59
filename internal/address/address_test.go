package address

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2018, 3, 10, 12, 0, 0, 0, time.UTC)

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

// ages are how long ago the old address was told.
var ages = []struct {
	name string
	ago  time.Duration
}{{"not asked for", 0}, {"asked now", time.Nanosecond}, {"23:59:59.999999 ago", Wait - time.Microsecond}, {"24:00:00 ago", Wait}, {"9 days ago", 9 * Wait}}

// each calls do with every combination of facts.
func each(do func(f Facts, age string)) {
	yesNo := []bool{false, true}
	for _, operator := range yesNo {
		for _, stands := range yesNo {
			for _, authority := range []account.Authority{"", account.GeneralUser, account.PortalAdmin} {
				for _, able := range yesNo {
					for _, owner := range yesNo {
						for _, others := range yesNo {
							for _, age := range ages {
								f := Facts{Operator: operator, Stands: stands, Authority: authority, OthersAble: able, OwnerSigned: owner, OthersSigned: others}
								if age.ago > 0 {
									f.Asked = noon.Add(-age.ago)
								}
								do(f, age.name)
							}
						}
					}
				}
			}
		}
	}
}

func told(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

// The whole table. Lines in which the answer never looks at the rest stand once; one
// with two answers would stand twice, and fail.
func TestWhenAnOperatorMayCorrectAnAddressIsAsInTheGoldenFile(t *testing.T) {
	var lines []string
	n := 0
	each(func(f Facts, age string) {
		n++
		why := string(MayCorrect(noon, f))
		if why == "" {
			why = "may"
		}
		var facts string
		switch {
		case !f.Operator:
			facts = "not an operator"
		case f.Authority == "":
			facts = "operator; an authority that cannot be read"
		case !f.Stands:
			facts = "operator; suspended"
		default:
			facts = fmt.Sprintf("operator; %s; %s; %s", f.Authority, told(f.OthersAble, "others able", "no other able one"), age)
			if !f.Asked.IsZero() && (f.Authority == account.PortalAdmin || !f.OthersAble) {
				facts += told(f.OwnerSigned, "; the owner signed in", "")
				facts += told(f.OthersSigned, "; another Portal Admin signed in", "")
			}
		}
		lines = append(lines, facts+" | "+why)
	})
	slices.Sort(lines)
	lines = slices.Compact(lines)
	seen := map[string]bool{}
	for _, line := range lines {
		facts, _, _ := strings.Cut(line, " | ")
		if seen[facts] {
			t.Errorf("two answers: %s", line)
		}
		seen[facts] = true
	}
	golden(t, "testdata/may.golden", fmt.Sprintf("%d combinations\n%s\n", n, strings.Join(lines, "\n")))
}

func TestNothingButTheWholeOfItLetsAnOperatorCorrect(t *testing.T) {
	if why := MayCorrect(noon, Facts{}); why != WhyNobody {
		t.Errorf("no facts at all: %q", why)
	}
	each(func(f Facts, age string) {
		if MayCorrect(noon, f) == "" && (!f.Operator || !f.Stands || f.OwnerSigned || f.OthersSigned || f.Asked.IsZero() || noon.Before(f.Asked.Add(24*time.Hour)) ||
			f.Authority != account.PortalAdmin && f.OthersAble) {
			t.Errorf("%+v, %s: may", f, age)
		}
	})
}

func TestWhatHasBecomeOfAChange(t *testing.T) {
	at := noon.Add(-time.Minute)
	for _, c := range []struct {
		change Change
		want   State
		open   bool
	}{
		{Change{}, "", false},
		{Change{ID: "1"}, IsWaiting, true},
		{Change{ID: "1", Sent: at, Expires: noon.Add(time.Nanosecond)}, IsSent, true},
		{Change{ID: "1", Sent: at, Expires: noon}, IsExpired, false},
		{Change{ID: "1", Until: at, Sent: at, Expires: noon}, IsExpired, true},
		{Change{ID: "1", Sent: at, Expires: noon, Used: at}, IsUsed, false},
		{Change{ID: "1", Replaced: at}, IsReplaced, false},
		{Change{ID: "1", Until: at, Withdrawn: at}, IsWithdrawn, false},
		{Change{ID: "1", Used: at, Withdrawn: at, Replaced: at}, IsUsed, false},
	} {
		if got := c.change.State(noon); got != c.want || c.change.Open(noon) != c.open {
			t.Errorf("%+v: %q, open %t", c.change, got, c.change.Open(noon))
		}
	}
}
