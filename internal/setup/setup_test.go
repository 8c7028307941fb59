package setup

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nidan/internal/account"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everyFact calls do with each combination of facts.
func everyFact(do func(Facts)) {
	methods := []account.Method{"", account.TOTP, account.MailOTP}
	for bits := range 1 << 8 {
		is := func(n int) bool { return bits&(1<<n) != 0 }
		for _, chosen := range methods {
			for _, proved := range methods {
				f := Facts{Operator: is(0), Assigned: account.TOTP, Authority: account.GeneralUser, Chosen: chosen, CodeProved: proved,
					Pass: is(3), CodeSent: is(4), Mailbox: is(5), WeakOrNone: is(6), NewPassword: is(7)}
				if is(1) {
					f.Authority = account.PortalAdmin
				}
				if is(2) {
					f.Assigned = account.MailOTP
				}
				do(f)
			}
		}
	}
}

// walk is the way from facts to the end.
func walk(f Facts) (steps []Step) {
	for len(steps) < 10 {
		next := Next(f)
		steps = append(steps, next)
		if next == Done {
			return steps
		}
		f = f.With(next)
	}
	return steps
}

func has(steps []Step, step Step) bool {
	for _, s := range steps {
		if s == step {
			return true
		}
	}
	return false
}

func TestEverySetUpComesToItsEnd(t *testing.T) {
	everyFact(func(f Facts) {
		steps := walk(f)
		if steps[len(steps)-1] != Done {
			t.Fatalf("%+v: walks %v", f, steps)
		}
		for _, s := range steps {
			if n := strings.Count(fmt.Sprint(steps)+" ", string(s)+" "); s != Address && n > 1 {
				t.Fatalf("%+v: meets %s %d times in %v", f, s, n, steps)
			}
		}
	})
}

func TestTheLastStepIsTheProofOfTheMethod(t *testing.T) {
	everyFact(func(f Facts) {
		steps, want := walk(f), App
		if f.With(Choose).Method() == account.MailOTP {
			want = Mailbox
		}
		if last := steps[len(steps)-2]; last != want {
			t.Fatalf("%+v: %s is proved by %s in %v", f, f.Method(), last, steps)
		}
	})
}

func TestAPasswordAloneNeverReachesTheSecret(t *testing.T) {
	everyFact(func(f Facts) {
		known := f.Operator || f.Pass || f.Mailbox || f.CodeProved == account.MailOTP
		if Next(f) == App && !known {
			t.Fatalf("%+v: the secret is shown to whoever has the password", f)
		}
		if steps := walk(f); !known && !has(steps, Mailbox) {
			t.Fatalf("%+v: no mailbox is asked in %v", f, steps)
		}
	})
}

func TestOnlyAPortalAdminMeetsTheChoice(t *testing.T) {
	everyFact(func(f Facts) {
		if has(walk(f), Choose) && (f.Authority != account.PortalAdmin || f.Operator) {
			t.Fatalf("%+v: is offered a choice", f)
		}
		general := f.Authority == account.GeneralUser && !f.Operator
		if general && f.Method() != f.Assigned {
			t.Fatalf("%+v: sets up %s", f, f.Method())
		}
		if f.Operator && f.Method() != account.TOTP {
			t.Fatalf("%+v: an operator sets up %s", f, f.Method())
		}
	})
}

func TestAWeakPasswordIsAlwaysReplaced(t *testing.T) {
	everyFact(func(f Facts) {
		if got, want := has(walk(f), Password), f.WeakOrNone && !f.NewPassword; got != want {
			t.Fatalf("%+v: a new password is asked: %t", f, got)
		}
	})
}

const golden = "testdata/steps.golden"

const preface = `The pages of set-up, in their order, for everybody who can come there.
`

// The golden file is for people: it says whom a change of the order hits.
func TestTheOrderOfThePagesIsTheGoldenFile(t *testing.T) {
	var text strings.Builder
	text.WriteString(preface)
	for _, who := range []struct {
		name     string
		operator bool
		facts    Facts
	}{
		{"an operator, by a one-time link", true, Facts{Operator: true, Assigned: account.TOTP, Pass: true}},
		{"a General User", false, Facts{Authority: account.GeneralUser, Assigned: account.TOTP}},
		{"a General User, MailOTP set by a Portal Admin", false, Facts{Authority: account.GeneralUser, Assigned: account.MailOTP}},
		{"a Portal Admin who chooses TOTP", false, Facts{Authority: account.PortalAdmin, Assigned: account.TOTP}},
		{"a Portal Admin who chooses MailOTP", false, Facts{Authority: account.PortalAdmin, Assigned: account.MailOTP}},
	} {
		fmt.Fprintf(&text, "\n%s\n", who.name)
		for _, way := range []struct {
			name   string
			change func(*Facts)
		}{
			{"in the period, by the password", func(*Facts) {}},
			{"by a starting guide or a pass", func(f *Facts) { f.Pass = true }},
			{"after a change to TOTP, by a code of MailOTP", func(f *Facts) { f.CodeProved, f.Assigned = account.MailOTP, account.TOTP }},
		} {
			if who.operator && !strings.HasPrefix(way.name, "by") || strings.Contains(who.name, "MailOTP") && strings.HasPrefix(way.name, "after") {
				continue
			}
			for _, weak := range []bool{false, true} {
				f := who.facts
				way.change(&f)
				f.WeakOrNone = weak
				name := way.name
				if weak {
					name += ", password weak"
				}
				names := make([]string, 0, 6)
				for _, s := range walk(f) {
					names = append(names, string(s))
				}
				fmt.Fprintf(&text, "  %-62s %s\n", name, strings.Join(names, " → "))
			}
		}
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
		t.Errorf("the order changed (-golden +now):\n%s", diff)
	}
}

func TestTheMarkedMethodIsTheChoiceThenTheRecordThenTheImport(t *testing.T) {
	for _, c := range []struct {
		chosen, assigned, preset, want account.Method
	}{
		{"", account.TOTP, "", account.TOTP},
		{"", account.TOTP, account.TOTP, account.TOTP},
		{"", account.TOTP, account.MailOTP, account.MailOTP},
		{"", account.MailOTP, account.TOTP, account.MailOTP},
		{account.TOTP, account.MailOTP, account.MailOTP, account.TOTP},
		{account.MailOTP, account.TOTP, "", account.MailOTP},
	} {
		if got := preselected(Facts{Chosen: c.chosen, Assigned: c.assigned}, c.preset); got != c.want {
			t.Errorf("chosen %q, assigned %q, preset %q: marked %q", c.chosen, c.assigned, c.preset, got)
		}
	}
}
