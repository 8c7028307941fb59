package signin

import (
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

const moment = time.Microsecond // the store's least

func spring() rollout.Plan {
	return rollout.Plan{ID: "spring", Opens: opens, Ends: ends, Planned: opens.AddDate(0, -1, 0)}
}

// inGrace is an account with a password from before the rollout, nothing enrolled.
func inGrace() Facts {
	return Facts{PasswordProved: true, Assigned: account.TOTP,
		Claim: rollout.Claim{Organization: "yamada", FirstPassword: opens.AddDate(-1, 0, 0)}}
}

func TestThePeriodBeginsAndEndsToTheMicrosecond(t *testing.T) {
	late := inGrace()
	late.Claim.Extended = extended
	beyond := inGrace()
	beyond.Claim.Extended = ends.AddDate(1, 0, 0)
	capped := ends.Add(rollout.LongestExtension)
	mail := inGrace()
	mail.Assigned = account.MailOTP
	at := func(end time.Time) Step { return Step{Kind: Admit, OneStep: true, Opens: opens, OwnEnd: end} }
	setUp := func(end time.Time) Step {
		return Step{Kind: Admit, OneStep: true, Setup: true, Opens: opens, OwnEnd: end}
	}
	refused := func(end time.Time) Step {
		return Step{Why: WhyEnded, Until: end, Opens: opens, OwnEnd: end}
	}
	for _, c := range []struct {
		name  string
		now   time.Time
		facts Facts
		want  Step
	}{
		{"just before the opening", opens.Add(-moment), inGrace(), at(ends)},
		{"at the opening", opens, inGrace(), setUp(ends)},
		{"just after the opening", opens.Add(moment), inGrace(), setUp(ends)},
		{"just before the end", ends.Add(-moment), inGrace(), setUp(ends)},
		{"at the end", ends, inGrace(), refused(ends)},
		{"just after the end", ends.Add(moment), inGrace(), refused(ends)},
		{"extended, at the rollout's end", ends, late, setUp(extended)},
		{"extended, just before the own end", extended.Add(-moment), late, setUp(extended)},
		{"extended, at the own end", extended, late, refused(extended)},
		{"extended by a year, just before the 90th day's end", capped.Add(-moment), beyond, setUp(capped)},
		{"extended by a year, at the 90th day's end", capped, beyond, refused(capped)},
		{"MailOTP assigned, just before the end", ends.Add(-moment), mail, setUp(ends)},
		{"MailOTP assigned, at the end its code is asked", ends, mail, Step{Kind: AskCode, Method: account.MailOTP}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Next(c.now, c.facts, Policy{Plans: []rollout.Plan{spring()}}); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestAPasswordOfTheOpeningsOwnInstantHasNoGrace(t *testing.T) {
	for _, c := range []struct {
		name  string
		first time.Time
		kind  Kind
	}{
		{"just before the opening", opens.Add(-moment), Admit},
		{"at the opening", opens, Refused},
		{"just after the opening", opens.Add(moment), Refused},
	} {
		f := inGrace()
		f.Claim.FirstPassword = c.first
		if got := Next(opens.Add(time.Hour), f, Policy{Plans: []rollout.Plan{spring()}}); got.Kind != c.kind {
			t.Errorf("%s: %s", c.name, got.say())
		}
	}
}

func TestAWindowClosesToTheMicrosecondAndThroughItsNeighbours(t *testing.T) {
	at := func(hour int) time.Time { return opens.Add(time.Duration(hour) * time.Hour) }
	w := func(id string, from, to int, operators ...string) maintenance.Window {
		return maintenance.Window{ID: id, Opens: at(from), Closes: at(to), Operators: operators}
	}
	cancelled := w("cancelled", 0, 9)
	cancelled.Cancelled = at(-1)
	for _, c := range []struct {
		name     string
		windows  []maintenance.Window
		now      time.Time
		operator string
		until    time.Time // zero: not closed
	}{
		{"just before it opens", []maintenance.Window{w("a", 0, 5)}, at(0).Add(-moment), "", time.Time{}},
		{"at its opening", []maintenance.Window{w("a", 0, 5)}, at(0), "", at(5)},
		{"just before it closes", []maintenance.Window{w("a", 0, 5)}, at(5).Add(-moment), "", at(5)},
		{"at its close", []maintenance.Window{w("a", 0, 5)}, at(5), "", time.Time{}},
		{"overlapping: until the last closes", []maintenance.Window{w("b", 3, 8), w("a", 0, 5)}, at(1), "", at(8)},
		{"adjoining: no instant is open between", []maintenance.Window{w("b", 5, 8), w("a", 0, 5)}, at(5).Add(-moment), "", at(8)},
		{"adjoining: at the seam", []maintenance.Window{w("b", 5, 8), w("a", 0, 5)}, at(5), "", at(8)},
		{"three in a row, in any order", []maintenance.Window{w("c", 8, 9), w("a", 0, 5), w("b", 5, 8)}, at(0), "", at(9)},
		{"a gap of a moment is open", []maintenance.Window{w("a", 0, 5), {ID: "b", Opens: at(5).Add(moment), Closes: at(8)}}, at(4), "", at(5)},
		{"one inside another", []maintenance.Window{w("a", 0, 8), w("b", 1, 2)}, at(1), "", at(8)},
		{"a cancelled one closes nothing", []maintenance.Window{cancelled}, at(1), "", time.Time{}},
		{"a cancelled one prolongs nothing", []maintenance.Window{w("a", 0, 5), cancelled}, at(1), "", at(5)},
		{"a listed operator", []maintenance.Window{w("a", 0, 5, "mori", "sato")}, at(1), "sato", time.Time{}},
		{"an operator not listed", []maintenance.Window{w("a", 0, 5, "mori")}, at(1), "sato", at(5)},
		{"listed in one of two that cover now", []maintenance.Window{w("a", 0, 5, "sato"), w("b", 1, 8)}, at(2), "sato", at(8)},
		{"listed in the first of two that adjoin", []maintenance.Window{w("a", 0, 5, "sato"), w("b", 5, 8)}, at(2), "sato", time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts := Facts{OperatorID: c.operator, PasswordProved: true, CodeProved: true, TOTP: true}
			want := Step{Kind: Admit}
			if !c.until.IsZero() {
				want = Step{Kind: Closed, Until: c.until}
			}
			if got := Next(c.now, facts, Policy{Windows: c.windows}); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestAPageOpenInAWindowIsStillAskedForItsProofs(t *testing.T) {
	policy := Policy{Windows: []maintenance.Window{{ID: "a", Opens: opens, Closes: ends}}}
	if got := Next(opens, Facts{OpenInWindow: true}, policy); got.Kind != AskPassword {
		t.Errorf("a stranger: %s", got.say())
	}
}

// security.md, lesson 5: the second step of an account that had one must not fail open.
func TestALostRecordOfTheEndOfGraceOpensNothing(t *testing.T) {
	for _, enrolled := range []Facts{{TOTP: true}, {MailOTP: true}, {TOTP: true, MailOTP: true}} {
		f := inGrace() // which says that grace was not finished
		f.TOTP, f.MailOTP, f.Void = enrolled.TOTP, enrolled.MailOTP, true
		for _, now := range []time.Time{opens.Add(-time.Hour), opens.Add(time.Hour)} {
			if got := Next(now, f, Policy{Plans: []rollout.Plan{spring()}}); got.Kind != Refused || got.Why != WhyNoGrace {
				t.Errorf("void, TOTP %t, MailOTP %t: %s", f.TOTP, f.MailOTP, got.say())
			}
		}
	}
}
