package act

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/route"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Those who act, from the least to the most.
var (
	admin = account.Ref{Organization: "aozora", ID: "admin"}
	whos  = []string{"stranger", "pending", "general user", "foreign admin", "admin, 1 step", "admin, 1 step, fresh password", "admin", "admin, fresh code", "operator", "operator, fresh code"}
	whoOf = map[string]Who{
		"stranger":                      {},
		"pending":                       {Ref: admin, Authority: account.PortalAdmin, Standing: Pending},
		"general user":                  {Ref: account.Ref{Organization: "aozora", ID: "user"}, Authority: account.GeneralUser, Standing: TwoSteps, FreshCode: true},
		"foreign admin":                 {Ref: account.Ref{Organization: "brennhof", ID: "bruno"}, Authority: account.PortalAdmin, Standing: TwoSteps, FreshCode: true},
		"admin, 1 step":                 {Ref: admin, Authority: account.PortalAdmin, Standing: OneStep},
		"admin, 1 step, fresh password": {Ref: admin, Authority: account.PortalAdmin, Standing: OneStep, FreshPassword: true},
		"admin":                         {Ref: admin, Authority: account.PortalAdmin, Standing: TwoSteps},
		"admin, fresh code":             {Ref: admin, Authority: account.PortalAdmin, Standing: TwoSteps, FreshCode: true},
		"operator":                      {Ref: account.Ref{Organization: organization.Operators, ID: "mika"}, Standing: TwoSteps},
		"operator, fresh code":          {Ref: account.Ref{Organization: organization.Operators, ID: "mika"}, Standing: TwoSteps, FreshCode: true},
	}
	whoms  = []string{"nobody", "a new general user", "an enrolled general user", "a suspended general user", "an enrolled admin", "the last able admin", "an admin beside able ones", "oneself"}
	whomOf = map[string]Whom{
		"nobody":                    {},
		"a new general user":        {Ref: account.Ref{Organization: "aozora", ID: "1"}, Authority: account.GeneralUser},
		"an enrolled general user":  {Ref: account.Ref{Organization: "aozora", ID: "2"}, Authority: account.GeneralUser, Enrolled: true, EverEnrolled: true},
		"a suspended general user":  {Ref: account.Ref{Organization: "aozora", ID: "3"}, Authority: account.GeneralUser, Suspended: true},
		"an enrolled admin":         {Ref: account.Ref{Organization: "aozora", ID: "4"}, Authority: account.PortalAdmin, Enrolled: true, EverEnrolled: true},
		"the last able admin":       {Ref: account.Ref{Organization: "aozora", ID: "5"}, Authority: account.PortalAdmin, Enrolled: true, EverEnrolled: true, LastAble: true},
		"an admin beside able ones": {Ref: account.Ref{Organization: "aozora", ID: "6"}, Authority: account.PortalAdmin, OthersAble: true},
	}
)

func whomFor(name string, who Who) Whom {
	if name == "oneself" {
		return Whom{Ref: who.Ref, Authority: who.Authority, Enrolled: who.Standing == TwoSteps, EverEnrolled: who.Standing == TwoSteps}
	}
	return whomOf[name]
}

// The whole table: each act, who does it, to whom. "foreign admin" stands for
// whoever is of another organization than the person.
func TestWhoMayDoWhatToWhomIsAsInTheGoldenFile(t *testing.T) {
	var got strings.Builder
	for _, a := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(&got, "%s (%s)\n", a, Gate(a))
		for _, name := range whos {
			line := map[string][]string{}
			var order []string
			for _, whom := range whoms {
				answer := May(a, whoOf[name], whomFor(whom, whoOf[name])).String()
				if line[answer] == nil {
					order = append(order, answer)
				}
				line[answer] = append(line[answer], whom)
			}
			for _, answer := range order {
				to := strings.Join(line[answer], "; ")
				if len(line[answer]) == len(whoms) {
					to = "whoever it is"
				}
				fmt.Fprintf(&got, "  %-30s %-10s %s\n", name, answer, to)
			}
		}
	}
	const path = "testdata/acts.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got.String())
	}
}

func TestWhatIsNoActIsRefusedToEverybody(t *testing.T) {
	for name, who := range whoOf {
		for _, whom := range whoms {
			if answer := May("person:promote", who, whomFor(whom, who)); answer != Refused {
				t.Errorf("%s to %s: %s", name, whom, answer)
			}
		}
	}
	if Gate("").Who != route.Nobody || (Answer)(0) != Refused {
		t.Error("what is zero admits somebody")
	}
}

// A gate and May must not contradict each other: what the table allows passes the gate.
func TestNobodyOfAnotherOrganizationLearnsWhoIsThere(t *testing.T) {
	for a, r := range rules {
		if !r.person || r.gate.Who != route.PortalAdmin {
			continue
		}
		for _, whom := range whoms {
			if whom == "oneself" {
				continue
			}
			if answer := May(a, whoOf["foreign admin"], whomOf[whom]); answer != Hidden {
				t.Errorf("%s to %s: %s", a, whom, answer)
			}
		}
	}
}

func TestOneStepDoesNothingButSeeAndSuspend(t *testing.T) {
	for a := range rules {
		for _, whom := range whoms {
			who := whoOf["admin, 1 step, fresh password"]
			if May(a, who, whomFor(whom, who)) == Allowed && a != SeePeople && a != Suspend {
				t.Errorf("%s to %s is allowed by 1 step", a, whom)
			}
		}
	}
	if May(Suspend, whoOf["admin, 1 step, fresh password"], whomOf["an enrolled admin"]) != SetUpFirst {
		t.Error("an enrolled Portal Admin is suspended by 1 step")
	}
}
