package rollout

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// on is noon of a day of 2018, a readable instant for the table.
func on(month time.Month, day int) time.Time {
	return time.Date(2018, month, day, 12, 0, 0, 0, time.UTC)
}

// The rollouts of the table, named by their id there.
var (
	portal = Plan{ID: "portal", Opens: on(3, 4), Ends: on(4, 24), Planned: on(1, 10)}
	second = Plan{ID: "second", Opens: on(6, 1), Ends: on(7, 1), Planned: on(1, 15)}
	own    = Plan{ID: "own", Organization: "yamada", Opens: on(4, 1), Ends: on(6, 30), Planned: on(2, 1)}
	early  = Plan{ID: "early", Organization: "yamada", Opens: on(2, 10), Ends: on(3, 20), Planned: on(2, 1)}
	late   = Plan{ID: "late", Organization: "yamada", Opens: on(4, 1), Ends: on(6, 30), Planned: on(3, 4)}
	next   = Plan{ID: "next", Organization: "yamada", Opens: on(6, 1), Ends: on(7, 1), Planned: on(5, 1)}
)

func withdrawn(p Plan, at time.Time) Plan        { p.Withdrawn = at; return p }
func extendedTo(p Plan, until time.Time) Plan    { p.Extended = until; return p }
func moved(p Plan, ends time.Time) Plan          { p.Ends = ends; return p }
func forOthers(p Plan, organization string) Plan { p.Organization = organization; return p }

type plansCase struct {
	name  string
	plans []Plan
}

// The golden file holds each of these with each of the claims below.
var plansCases = []plansCase{
	{"no rollout", nil},
	{"the portal's, 4 Mar to 24 Apr", []Plan{portal}},
	{"the portal's, withdrawn before it opens", []Plan{withdrawn(portal, on(2, 20))}},
	{"the portal's, withdrawn in its period", []Plan{withdrawn(portal, on(3, 20))}},
	{"the portal's, withdrawn at its opening", []Plan{withdrawn(portal, portal.Opens)}},
	{"the portal's twice, one after the other", []Plan{second, portal}},
	{"the portal's withdrawn before it opens, and planned anew with an earlier opening",
		[]Plan{withdrawn(portal, on(2, 20)), {ID: "anew", Opens: on(3, 1), Ends: on(5, 31), Planned: on(2, 21)}}},
	{"only the organization's own, 1 Apr to 30 Jun", []Plan{own}},
	{"only another organization's own", []Plan{forOthers(own, "aoba")}},
	{"the portal's, and another organization's own", []Plan{portal, forOthers(own, "aoba")}},
	{"the portal's, and the organization's own saved before either opens", []Plan{portal, own}},
	{"the same with the own one earlier than the portal's", []Plan{portal, early}},
	{"the portal's, and an own one saved as the portal's opens", []Plan{portal, late}},
	{"the portal's, and an own one saved a microsecond earlier",
		[]Plan{portal, {ID: "late", Organization: "yamada", Opens: on(4, 1), Ends: on(6, 30), Planned: portal.Opens.Add(-time.Microsecond)}}},
	{"the portal's, and an own one saved before it opens but after the own one did",
		[]Plan{portal, {ID: "backdated", Organization: "yamada", Opens: on(2, 10), Ends: on(3, 20), Planned: on(2, 15)}}},
	{"the portal's, and an own one saved after it, for later", []Plan{portal, next}},
	{"the portal's, and the own withdrawn before the own opens", []Plan{portal, withdrawn(own, on(2, 20))}},
	{"the portal's, and the own withdrawn between both openings", []Plan{portal, withdrawn(own, on(3, 20))}},
	{"the portal's, and the own withdrawn as the own opens", []Plan{portal, withdrawn(own, own.Opens)}},
	{"the portal's, and the own withdrawn in its period", []Plan{portal, withdrawn(own, on(5, 1))}},
	{"only an own one, withdrawn before it opens", []Plan{withdrawn(own, on(2, 20))}},
	{"the portal's withdrawn before it opens, and an own one saved afterwards",
		[]Plan{withdrawn(portal, on(2, 20)), {ID: "rescue", Organization: "yamada", Opens: on(2, 25), Ends: on(6, 30), Planned: on(2, 21)}}},
	{"the portal's withdrawn before it opens, and an own one saved before that",
		[]Plan{withdrawn(portal, on(2, 20)), own}},
	{"two own ones, one after the other", []Plan{next, early}},
	{"the portal's moved to end on 10 Apr", []Plan{moved(portal, on(4, 10))}},
	{"the portal's moved to end on 31 May", []Plan{moved(portal, on(5, 31))}},
}

type claimCase struct {
	name  string
	claim Claim
}

var claimCases = []claimCase{
	{"password from last year", Claim{FirstPassword: on(1, 1).AddDate(-1, 0, 0)}},
	{"password from last year, enrolled once", Claim{FirstPassword: on(1, 1).AddDate(-1, 0, 0), Finished: true}},
	{"imported on 1 Mar", Claim{FirstPassword: on(3, 1), Imported: true}},
	{"first password as the portal's opens", Claim{FirstPassword: portal.Opens}},
	{"first password on 15 Mar", Claim{FirstPassword: on(3, 15)}},
	{"imported on 15 Mar", Claim{FirstPassword: on(3, 15), Imported: true}},
	{"imported on 15 Mar, enrolled once", Claim{FirstPassword: on(3, 15), Imported: true, Finished: true}},
	{"imported a microsecond before the portal's end", Claim{FirstPassword: portal.Ends.Add(-time.Microsecond), Imported: true}},
	{"imported at the portal's end", Claim{FirstPassword: portal.Ends, Imported: true}},
	{"imported on 5 Jul", Claim{FirstPassword: on(7, 5), Imported: true}},
	{"no password", Claim{}},
	{"imported without a password", Claim{Imported: true}},
}

func day(t time.Time) string { return t.Format("2 Jan 15:04") }

func say(term Term, grace bool) string {
	switch {
	case term.Plan.ID == "":
		return "not covered"
	case !grace:
		return fmt.Sprintf("no grace by %q", term.Plan.ID)
	}
	return fmt.Sprintf("grace by %q until %s", term.Plan.ID, day(term.OwnEnd))
}

func TestWhoIsBoundByWhichRolloutIsAsInTheGoldenFile(t *testing.T) {
	var got strings.Builder
	for _, p := range plansCases {
		fmt.Fprintf(&got, "%s\n", p.name)
		for _, c := range claimCases {
			c.claim.Organization = "yamada"
			term, grace := For(p.plans, c.claim)
			fmt.Fprintf(&got, "  %-46s %s\n", c.name, say(term, grace))
			if term.Plan.ID != "" && term.Opens != term.Plan.Opens {
				t.Errorf("%s, %s: it opens %s, the plan %s", p.name, c.name, term.Opens, term.Plan.Opens)
			}
			reversed := make([]Plan, 0, len(p.plans))
			for i := range p.plans {
				reversed = append(reversed, p.plans[len(p.plans)-1-i])
			}
			if other, otherGrace := For(reversed, c.claim); other != term || otherGrace != grace {
				t.Errorf("%s, %s: in the other order %s", p.name, c.name, say(other, otherGrace))
			}
		}
	}
	compare(t, "testdata/rollout.golden", got.String())
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the answers changed (-golden +now):\n%s", diff)
	}
}

// Which instants an own end is made of: each of the three, before, at and after the others.
func TestTheOwnEndIsAsInTheGoldenFile(t *testing.T) {
	limit := portal.Ends.Add(LongestExtension)
	extensions := []struct {
		name string
		at   time.Time
	}{
		{"none", time.Time{}}, {"earlier", on(4, 1)}, {"the end itself", portal.Ends}, {"30 Jun", on(6, 30)},
		{"the 90th day", limit}, {"beyond it", limit.Add(time.Microsecond)},
	}
	var got strings.Builder
	for _, end := range []time.Time{portal.Ends, on(4, 10), on(5, 15)} {
		plan := moved(portal, end)
		fmt.Fprintf(&got, "the rollout ends %s\n", day(end))
		for _, organization := range extensions {
			for _, account := range extensions {
				ownEnd := OwnEnd(extendedTo(plan, organization.at), account.at)
				fmt.Fprintf(&got, "  organization: %-13s account: %-13s %s\n", organization.name, account.name, ownEnd.Format("2 Jan 15:04:05.000000"))
				if ownEnd.Before(end) || ownEnd.After(end.Add(LongestExtension)) {
					t.Errorf("%s, %s: %s is outside the end and 90 days", organization.name, account.name, ownEnd)
				}
				if other := OwnEnd(extendedTo(plan, account.at), organization.at); other != ownEnd {
					t.Errorf("%s, %s: the other way round %s", organization.name, account.name, other)
				}
			}
		}
	}
	compare(t, "testdata/own_end.golden", got.String())
}

func TestTheZeroClaimAndTheZeroPlanGiveNothing(t *testing.T) {
	if term, grace := For([]Plan{portal}, Claim{}); grace || term != (Term{}) {
		t.Errorf("the zero claim: %+v, grace %t", term, grace)
	}
	if _, grace := For([]Plan{{}}, Claim{FirstPassword: on(1, 1), Imported: true}); grace {
		t.Error("the zero plan gives grace")
	}
	if _, grace := For(nil, Claim{FirstPassword: on(1, 1), Imported: true}); grace {
		t.Error("no plan gives grace")
	}
}
