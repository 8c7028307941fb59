package pass

import (
	"testing"
	"time"
)

var noon = time.Date(2018, 3, 10, 12, 0, 0, 0, time.UTC)

func TestEachKindIsValidAsLongAsSaid(t *testing.T) {
	for kind, want := range map[Kind]time.Duration{
		Guide: 72 * time.Hour, Latecomer: 24 * time.Hour, Operator: time.Hour, "": 0, "other": 0,
	} {
		if got := kind.Valid(); got != want {
			t.Errorf("%q: %s, want %s", kind, got, want)
		}
	}
}

func TestAPassOpensSetUpUntilItsEndUnlessSpentWithdrawnOrReplaced(t *testing.T) {
	open := Pass{ID: "p", Kind: Latecomer, Expires: noon}
	before := noon.Add(-time.Microsecond)
	for name, c := range map[string]struct {
		change func(*Pass)
		now    time.Time
		valid  bool
	}{
		"just before its end": {func(*Pass) {}, before, true},
		"at its end":          {func(*Pass) {}, noon, false},
		"spent":               {func(p *Pass) { p.Spent = before }, before, false},
		"withdrawn":           {func(p *Pass) { p.Withdrawn = before }, before, false},
		"replaced":            {func(p *Pass) { p.Replaced = before }, before, false},
		"the zero pass":       {func(p *Pass) { *p = Pass{} }, time.Time{}, false},
		"one that was not found, whatever its end": {func(p *Pass) { p.ID = "" }, before, false},
	} {
		p := open
		c.change(&p)
		if got := p.Valid(c.now); got != c.valid {
			t.Errorf("%s: %t", name, got)
		}
	}
}
