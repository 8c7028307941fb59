package pass

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

// asked are the ages of what the able ones were told.
var asked = []struct {
	name string
	ago  time.Duration
}{{"not asked for", 0}, {"asked now", time.Nanosecond}, {"23:59:59 ago", Answer - time.Second}, {"24:00:00 ago", Answer}}

// each calls do with every combination of facts.
func each(do func(f Facts, age string)) {
	yesNo := []bool{false, true}
	for _, f := range cross(Facts{},
		choose(func(f *Facts, g Giver) { f.Giver = g }, GiverNobody, GiverAdmin, GiverOperator),
		choose(func(f *Facts, on bool) { f.SameOrganization = on }, yesNo...),
		choose(func(f *Facts, on bool) { f.Self = on }, yesNo...),
		choose(func(f *Facts, on bool) { f.Stands = on }, yesNo...),
		choose(func(f *Facts, a account.Authority) { f.Authority = a }, "", account.GeneralUser, account.PortalAdmin),
		choose(func(f *Facts, m account.Method) { f.Method = m }, account.TOTP, account.MailOTP),
		choose(func(f *Facts, on bool) { f.BackToTOTP = on }, yesNo...),
		choose(func(f *Facts, on bool) { f.OthersAble = on }, yesNo...),
		choose(func(f *Facts, on bool) { f.Signed = on }, yesNo...)) {
		for _, a := range asked {
			f.Asked = time.Time{}
			if a.ago > 0 {
				f.Asked = noon.Add(-a.ago)
			}
			do(f, a.name)
		}
	}
}

type setting []func(*Facts)

func choose[T any](set func(*Facts, T), values ...T) (s setting) {
	for _, v := range values {
		s = append(s, func(f *Facts) { set(f, v) })
	}
	return s
}

func cross(f Facts, settings ...setting) (all []Facts) {
	if len(settings) == 0 {
		return []Facts{f}
	}
	for _, set := range settings[0] {
		next := f
		set(&next)
		all = append(all, cross(next, settings[1:]...)...)
	}
	return all
}

var giverNames = map[Giver]string{GiverNobody: "nobody", GiverAdmin: "Portal Admin", GiverOperator: "operator"}

// The whole table, told by what matters to each giver: lines that differ only in
// what that giver's answer never looks at stand once.
func TestWhoMayGiveWhomAPass(t *testing.T) {
	var lines []string
	n := 0
	each(func(f Facts, age string) {
		n++
		where, whose, standing := "elsewhere", "another's", "suspended"
		if f.SameOrganization {
			where = "own organization"
		}
		if f.Self {
			whose = "himself"
		}
		if f.Stands {
			standing = "stands"
		}
		method := string(f.Method)
		if f.Method == account.MailOTP && f.BackToTOTP {
			method = "mailotp, back to totp"
		}
		others := "no other able one"
		if f.OthersAble {
			others = "others able, " + age
			if f.Signed {
				others += ", one signed in"
			}
		}
		authority := string(f.Authority)
		why := string(MayGive(noon, f))
		if why == "" {
			why = "may"
		}
		switch {
		case f.Giver == GiverNobody:
			lines = append(lines, "nobody | whatever else | "+why)
			return
		case f.Authority == "":
			lines = append(lines, giverNames[f.Giver]+"; an authority that cannot be read | whatever else | "+why)
			return
		case f.Giver == GiverAdmin && why == string(WhyForeign):
			lines = append(lines, "Portal Admin; elsewhere | whatever else | "+why)
			return
		case why == string(WhySelf):
			lines = append(lines, giverNames[f.Giver]+"; himself | whatever else | "+why)
			return
		case why == string(WhyStands):
			lines = append(lines, giverNames[f.Giver]+"; suspended | whatever else | "+why)
			return
		}
		if why == string(WhyNotAdmin) {
			lines = append(lines, "operator; not a Portal Admin | whatever else | "+why)
			return
		}
		if f.Giver == GiverAdmin {
			others = "whoever else is able" // not looked at; a line with two answers would stand twice
		} else {
			where = "any organization"
		}
		lines = append(lines, fmt.Sprintf("%s; %s; %s; %s; %s | %s; %s | %s", giverNames[f.Giver], where, whose, standing, authority, method, others, why))
	})
	slices.Sort(lines)
	lines = slices.Compact(lines)
	seen := map[string]string{}
	for _, line := range lines { // what was left out of a line must not have mattered
		facts, why := line[:strings.LastIndex(line, "|")], line[strings.LastIndex(line, "|"):]
		if other, ok := seen[facts]; ok {
			t.Errorf("%s has two answers: %s and %s", facts, other, why)
		}
		seen[facts] = why
	}
	golden(t, "testdata/may_give.golden", fmt.Sprintf("%d combinations of facts\n%s\n", n, strings.Join(lines, "\n")))
}

func TestTheZeroFactsGiveNothing(t *testing.T) {
	if MayGive(time.Time{}, Facts{}) == "" {
		t.Error("they may")
	}
	each(func(f Facts, age string) {
		if MayGive(noon, f) != "" {
			return
		}
		switch {
		case f.Self, !f.Stands, f.Giver == GiverNobody, f.Method == account.MailOTP && !f.BackToTOTP,
			f.Giver == GiverAdmin && !f.SameOrganization,
			f.Giver == GiverOperator && f.Authority != account.PortalAdmin,
			f.Giver == GiverOperator && f.OthersAble && (f.Signed || age != "24:00:00 ago"):
			t.Errorf("given: %+v", f)
		}
	})
}
