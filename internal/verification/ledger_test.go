package verification

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

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
	if string(want) != got {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func TestWaitsDoubleFromTheFifthWrongCodeUpToAnHour(t *testing.T) {
	var b strings.Builder
	b.WriteString("wrong codes in a row | nothing is looked at for\n")
	for run := range 16 {
		fmt.Fprintf(&b, "%20d | %s\n", run, Wait(run))
	}
	fmt.Fprintf(&b, "%20d | %s\n", 99, Wait(99))
	golden(t, "testdata/waits.golden", b.String())
}

func TestTheTenthWrongCodeOfAnHourIsTheLastThatIsLookedAt(t *testing.T) {
	now := time.Date(2018, 3, 10, 3, 0, 0, 0, time.UTC)
	first := now.Add(-50 * time.Minute)
	for _, one := range []struct {
		l    Ledger
		want time.Time
	}{
		{Ledger{}, time.Time{}},
		{Ledger{InHour: 9, FirstInHour: first}, time.Time{}},
		{Ledger{InHour: 10, FirstInHour: first}, first.Add(time.Hour)},
		{Ledger{Run: 5, LastFailure: now.Add(-29 * time.Second)}, now.Add(time.Second)},
		{Ledger{Run: 5, LastFailure: now.Add(-30 * time.Second)}, time.Time{}},
		{Ledger{Run: 40, LastFailure: now, InHour: 10, FirstInHour: first}, now.Add(time.Hour)},
	} {
		if got := one.l.Again(now); !got.Equal(one.want) {
			t.Errorf("%+v: %v, wanted %v", one.l, got, one.want)
		}
	}
}

// The promise of security.md: with the right password in hand, under 1 in 1,000 per account and year.
func TestTheCapKeepsThePromise(t *testing.T) {
	const valid, codes = 3.0, 1e6 // three steps' codes count at any time
	tries := float64(Cap) * float64(366*24*time.Hour) / float64(CapSpan)
	if chance := valid / codes * tries; chance >= 1.0/1000 {
		t.Errorf("%.2g a year", chance)
	}
}
