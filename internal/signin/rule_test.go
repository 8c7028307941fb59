package signin

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The announcement's dates.
var (
	opens    = time.Date(2018, 3, 3, 15, 0, 0, 0, time.UTC)
	ends     = time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)
	extended = time.Date(2018, 5, 24, 15, 0, 0, 0, time.UTC)
)

// The dimensions of the case table, in the order in which a reader asks. Authority
// is none of them: the rule looks at the assigned method alone, and who may assign
// or choose which stands in package account.
const (
	dimWho = iota
	dimWindow
	dimProved
	dimStanding
	dimAddress
	dimStopped
	dimPass
	dimVoid
	dimAssigned
	dimEnrolled
	dimGrace
	dimExtension
	dimInstant
)

var situations = grid{
	dimWho: {"who", []string{"account", "operator"}, nil},
	dimWindow: {"window", []string{"no window", "in a window, page open in it", "in a window, listed in it", "in a window, neither"},
		map[uint16]string{0b0011: "portal open to this page", 0b0111: "portal open to this operator's page",
			0b1000: "portal closed to this operator's page", 0b1100: "portal closed to this page"}},
	dimProved: {"proved in this session", []string{"nothing proved", "code proved without the password", "password proved, code not",
		"password and code proved"}, map[uint16]string{0b0011: "password not proved", 0b1100: "password proved, code so or so"}},
	dimStanding: {"standing", []string{"not suspended", "suspended"}, nil},
	dimAddress:  {"address", []string{"address permitted", "address not permitted"}, nil},
	dimStopped:  {"second verification stopped", []string{"not stopped", "stopped"}, nil},
	dimPass:     {"pass", []string{"no pass", "valid pass redeemed"}, nil},
	dimVoid:     {"second verification void", []string{"not void", "void"}, nil},
	dimAssigned: {"assigned", []string{"nothing assigned", "TOTP assigned", "MailOTP assigned"},
		map[uint16]string{0b011: "MailOTP not assigned"}},
	dimEnrolled: {"enrolled", []string{"nothing enrolled", "TOTP alone enrolled", "MailOTP alone enrolled", "both enrolled"},
		map[uint16]string{0b0101: "TOTP not enrolled", 0b1010: "TOTP enrolled", 0b1110: "something enrolled"}},
	dimGrace: {"grace", []string{"password before the opening", "imported in the period", "first password in the period",
		"grace finished", "rollout withdrawn", "no rollout"},
		map[uint16]string{0b000011: "grace given", 0b011100: "grace never given, finished or withdrawn",
			0b111100: "no grace given, by whatever rollout", 0b011111: "covered by a rollout"}},
	dimExtension: {"own end", []string{"no extension", "own extension"}, nil},
	dimInstant: {"instant", []string{"before the opening", "in the period", "from the rollout's end to the extension's", "from the extension's end"},
		map[uint16]string{0b0110: "from the opening to the extension's end", 0b1100: "from the rollout's end"}},
}

func is(c []int, dimension int, value string) bool {
	v := slices.Index(situations[dimension].values, value)
	if v < 0 {
		panic(value + " is no value of " + situations[dimension].name)
	}
	return c[dimension] == v
}

// ask puts a combination into the rule's own terms.
func ask(c []int) (time.Time, Facts, Policy) {
	now := []time.Time{opens.Add(-24 * time.Hour), opens.Add(24 * time.Hour), ends.Add(24 * time.Hour), extended.Add(24 * time.Hour)}[c[dimInstant]]
	plan := rollout.Plan{ID: "spring", Opens: opens, Ends: ends, Planned: opens.AddDate(0, -1, 0)}
	claim := rollout.Claim{Organization: "yamada", FirstPassword: opens.AddDate(-1, 0, 0)}
	switch {
	case is(c, dimGrace, "imported in the period"):
		claim.FirstPassword, claim.Imported = opens.Add(time.Hour), true
	case is(c, dimGrace, "first password in the period"):
		claim.FirstPassword = opens.Add(time.Hour)
	case is(c, dimGrace, "grace finished"):
		claim.Finished = true
	case is(c, dimGrace, "rollout withdrawn"):
		plan.Withdrawn = opens.Add(time.Hour)
	}
	if is(c, dimExtension, "own extension") {
		claim.Extended = extended
	}
	var policy Policy
	if !is(c, dimGrace, "no rollout") {
		policy.Plans = []rollout.Plan{plan}
	}
	f := Facts{
		PasswordProved: is(c, dimProved, "password proved, code not") || is(c, dimProved, "password and code proved"),
		CodeProved:     is(c, dimProved, "code proved without the password") || is(c, dimProved, "password and code proved"),
		Suspended:      is(c, dimStanding, "suspended"),
		Barred:         is(c, dimAddress, "address not permitted"),
		Stopped:        is(c, dimStopped, "stopped"),
		Void:           is(c, dimVoid, "void"),
		Pass:           is(c, dimPass, "valid pass redeemed"),
		Assigned:       []account.Method{"", account.TOTP, account.MailOTP}[c[dimAssigned]],
		TOTP:           is(c, dimEnrolled, "TOTP alone enrolled") || is(c, dimEnrolled, "both enrolled"),
		MailOTP:        is(c, dimEnrolled, "MailOTP alone enrolled") || is(c, dimEnrolled, "both enrolled"),
		OpenInWindow:   is(c, dimWindow, "in a window, page open in it"),
		Claim:          claim,
	}
	if is(c, dimWho, "operator") {
		f.OperatorID = "sato"
	}
	if !is(c, dimWindow, "no window") {
		w := maintenance.Window{ID: "w", Opens: now.Add(-time.Hour), Closes: now.Add(time.Hour), Operators: []string{"mori"}}
		if is(c, dimWindow, "in a window, listed in it") {
			// An empty id on a list lets no account in.
			w.Operators = []string{"sato", ""}
		}
		policy.Windows = []maintenance.Window{w}
	}
	return now, f, policy
}

// line is one row of the table in product.md, section 3, as its words say it. The
// table is written down here a second time, from the text and not from the code.
type line struct {
	facts string
	holds func(c []int) bool
	step  func(c []int) Step
}

func always(s Step) func([]int) Step { return func([]int) Step { return s } }

var lines = []line{
	{"a window covers now; not an operator on its list; the page is not one of those open in a window",
		func(c []int) bool {
			listed := is(c, dimWho, "operator") && is(c, dimWindow, "in a window, listed in it")
			return !is(c, dimWindow, "no window") && !listed && !is(c, dimWindow, "in a window, page open in it")
		},
		func(c []int) Step { now, _, _ := ask(c); return Step{Kind: Closed, Until: now.Add(time.Hour)} }},
	{"first verification not proved in this session",
		func(c []int) bool {
			return is(c, dimProved, "nothing proved") || is(c, dimProved, "code proved without the password")
		},
		always(Step{Kind: AskPassword})},
	{"account or organization suspended",
		func(c []int) bool { return is(c, dimStanding, "suspended") }, always(Step{Why: WhySuspended})},
	{"or address not permitted",
		func(c []int) bool { return is(c, dimAddress, "address not permitted") }, always(Step{Why: WhyAddress})},
	{"second verification stopped after too many wrong codes, and no code proved in this session",
		func(c []int) bool { return is(c, dimStopped, "stopped") && !codeProved(c) },
		always(Step{Kind: MustResetPassword})},
	{"this session redeemed a pass that is still valid, and has not yet proved a new second verification",
		func(c []int) bool { return is(c, dimPass, "valid pass redeemed") }, always(Step{Kind: MustEnroll})},
	{"a method can be asked, and its code is not proved in this session",
		func(c []int) bool { return methodAsked(c) != "" && !codeProved(c) },
		func(c []int) Step { return Step{Kind: AskCode, Method: methodAsked(c)} }},
	{"code proved, assigned TOTP, TOTP not enrolled",
		func(c []int) bool { return codeProved(c) && !assignedMail(c) && !enrolledTOTP(c) }, always(Step{Kind: MustEnroll})},
	{"code proved", codeProved, always(Step{Kind: Admit})},
	{"operator",
		func(c []int) bool { return is(c, dimWho, "operator") }, always(Step{Why: WhyOperator})},
	{"or no rollout covers the account",
		func(c []int) bool { return is(c, dimGrace, "no rollout") }, always(Step{Why: WhyNoRollout})},
	{"or no grace",
		func(c []int) bool { return !everGrace(c) },
		func(c []int) Step { return Step{Why: WhyNoGrace, Opens: opens, OwnEnd: ownEnd(c)} }},
	{"before the period opens",
		func(c []int) bool { return is(c, dimInstant, "before the opening") },
		func(c []int) Step { return Step{Kind: Admit, OneStep: true, Opens: opens, OwnEnd: ownEnd(c)} }},
	{"before the own end",
		func(c []int) bool { return !pastOwnEnd(c) },
		func(c []int) Step {
			return Step{Kind: Admit, OneStep: true, Setup: true, Opens: opens, OwnEnd: ownEnd(c)}
		}},
	{"otherwise",
		func([]int) bool { return true },
		func(c []int) Step { return Step{Why: WhyEnded, Until: ownEnd(c), Opens: opens, OwnEnd: ownEnd(c)} }},
}

// The words of section 3 that its rows use.

func codeProved(c []int) bool { return is(c, dimProved, "password and code proved") }

func assignedMail(c []int) bool {
	return is(c, dimWho, "account") && is(c, dimAssigned, "MailOTP assigned")
}

func enrolledTOTP(c []int) bool {
	return is(c, dimEnrolled, "TOTP alone enrolled") || is(c, dimEnrolled, "both enrolled")
}

func enrolledMail(c []int) bool {
	return is(c, dimWho, "account") && (is(c, dimEnrolled, "MailOTP alone enrolled") || is(c, dimEnrolled, "both enrolled"))
}

// everGrace: first enrollment finishes it for ever, in whatever record.
func everGrace(c []int) bool {
	given := is(c, dimGrace, "password before the opening") || is(c, dimGrace, "imported in the period")
	return is(c, dimWho, "account") && given && is(c, dimEnrolled, "nothing enrolled")
}

func pastOwnEnd(c []int) bool {
	return is(c, dimInstant, "from the extension's end") ||
		is(c, dimInstant, "from the rollout's end to the extension's") && is(c, dimExtension, "no extension")
}

func ownEnd(c []int) time.Time {
	if is(c, dimExtension, "own extension") {
		return extended
	}
	return ends
}

// methodAsked is "the method that can be asked", the note below the table.
func methodAsked(c []int) account.Method {
	hasGrace := everGrace(c) && !pastOwnEnd(c)
	switch {
	case is(c, dimVoid, "void"):
		return ""
	case assignedMail(c) && (enrolledMail(c) || !hasGrace):
		return account.MailOTP
	case enrolledTOTP(c):
		return account.TOTP
	case enrolledMail(c): // enrolled before a change to TOTP
		return account.MailOTP
	}
	return ""
}

func firstLine(c []int) (number int, step Step) {
	for i, l := range lines {
		if l.holds(c) {
			return i, l.step(c)
		}
	}
	panic("the last row holds always")
}

// decision is what the table and the rule say of one combination.
type decision struct {
	line       int
	want, said Step
}

// decisions are those of all combinations, by their numbers; made once for all tests.
var decisions = sync.OnceValue(func() []decision {
	all := make([]decision, situations.size())
	for n := range all {
		c := situations.at(n)
		all[n].line, all[n].want = firstLine(c)
		all[n].said = Next(ask(c))
	}
	return all
})

func TestTheRuleIsTheTableOnEveryCombination(t *testing.T) {
	reached := map[int]bool{}
	for n, d := range decisions() {
		reached[d.line] = true
		if d.said != d.want {
			t.Fatalf("%s:\nthe table, by its row %q: %+v\nthe rule: %+v", situations.say(situations.at(n)), lines[d.line].facts, d.want, d.said)
		}
	}
	for i, l := range lines {
		if !reached[i] {
			t.Errorf("no combination reaches the row %q", l.facts)
		}
	}
}

// say is a step as support staff say it.
func (s Step) say() string {
	kinds := map[Kind]string{Refused: "Refused", Closed: "Closed", AskPassword: "AskPassword",
		MustResetPassword: "MustResetPassword", AskCode: "AskCode", MustEnroll: "MustEnroll", Admit: "Admit"}
	text := kinds[s.Kind]
	switch {
	case s.Kind == AskCode:
		text += " (" + string(s.Method) + ")"
	case s.Kind == Refused:
		text += " (" + string(s.Why) + ")"
	case s.OneStep && s.Setup:
		text += " by 1 step, set-up first"
	case s.OneStep:
		text += " by 1 step, no set-up yet"
	}
	return text
}

func answer(d decision) string { return fmt.Sprintf("%02d %s", d.line, d.said.say()) }

const golden = "testdata/rule.golden"

const preface = `The one rule, case by case. Below each row of the table in product.md, section 3,
stand the cases that it decides; what a case does not name does not matter to it.
Each combination of facts is in one case. No rule looks at the authority: it looks
at the method that is assigned.
`

// The golden file is for people: support looks a case up, a reviewer sees in its
// diff whom a change of the rule hits.
func TestTheCaseTableIsTheGoldenFile(t *testing.T) {
	numbers := map[string]int{} // of the answers: the row of the table, and the step
	for _, d := range decisions() {
		numbers[answer(d)] = 0
	}
	said := slices.Sorted(maps.Keys(numbers)) // in the order of the table
	for i, text := range said {
		numbers[text] = i
	}
	answers := make([]int, situations.size())
	for n, d := range decisions() {
		answers[n] = numbers[answer(d)]
	}
	var text strings.Builder
	text.WriteString(preface)
	before := ""
	for _, r := range situations.rows(answers) {
		if key := said[r.answer]; key != before {
			before = key
			var at int
			_, _ = fmt.Sscanf(key, "%d", &at)
			fmt.Fprintf(&text, "\n%d. %s\n→ %s\n", at+1, lines[at].facts, key[3:])
		}
		fmt.Fprintf(&text, "  - %s\n", situations.write(r))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("the rule changed (-golden +now):\n%s", diff)
	}
}

// The file is read back as support would read it.
func TestEachCombinationIsInOneCaseOfTheGoldenFileWithItsStep(t *testing.T) {
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var cases []row
	var steps []string
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSuffix(l, "\n")
		if step, ok := strings.CutPrefix(l, "→ "); ok {
			steps = append(steps, step)
		}
		if conditions, ok := strings.CutPrefix(l, "  - "); ok {
			r, err := situations.read(conditions)
			if err != nil {
				t.Fatal(err)
			}
			r.answer = len(steps) - 1
			cases = append(cases, r)
		}
	}
	for n, d := range decisions() {
		c, found := situations.at(n), 0
		for _, r := range cases {
			if !r.covers(c) {
				continue
			}
			found++
			if got := d.said.say(); got != steps[r.answer] {
				t.Fatalf("%s: the file says %q, the rule %q", situations.say(c), steps[r.answer], got)
			}
		}
		if found != 1 {
			t.Fatalf("%s: stands in %d cases of the file", situations.say(c), found)
		}
	}
}
