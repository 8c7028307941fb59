package signin

import (
	"testing"

	"pgregory.net/rapid"

	"nidan/internal/account"
	"nidan/internal/rollout"
)

// The dry run promises who is locked out by an end. It is worth nothing if it is not
// the door that would lock them out, so both are asked about the same people.
func TestTheDryRunLocksOutExactlyWhomTheDoorWillRefuse(t *testing.T) {
	locked, seen := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		all := plans(t, "", "yamada", "aoba")
		if len(all) == 0 {
			return
		}
		plan := rapid.SampledFrom(all).Draw(t, "plan")
		now := instants(0, last).Draw(t, "now")
		end := instants(1, last).Draw(t, "end")
		if !plan.Withdrawn.IsZero() || plan.Planned.After(now) || !end.After(plan.Opens) || !end.After(now) || !plan.Ends.After(now) {
			return // what no page lets anybody ask
		}
		o := person(t)
		moved := make([]rollout.Plan, 0, len(all))
		for _, p := range all {
			if p.ID == plan.ID {
				p.Ends = end
			}
			moved = append(moved, p)
		}
		f := Facts{PasswordProved: true, Assigned: o.Method, Claim: o.Claim}
		policy := Policy{Plans: moved}
		before, after := Next(now, f, policy), Next(end, f, policy)
		seen++
		switch fate := rollout.NewDryRun(now, rollout.Book{Plans: all}, plan, end).Fate(o); fate {
		case rollout.LockedOut:
			locked++
			if !before.OneStep || after.Kind != Refused {
				t.Fatalf("locked out by the dry run; the door says %+v now and %+v at the end", before, after)
			}
		case rollout.AskedByMail:
			if after.Kind != AskCode && !after.OneStep {
				t.Fatalf("asked by mail, says the dry run; the door says %+v at the end", after)
			}
		case rollout.Later:
			if !before.OneStep || !after.OneStep {
				t.Fatalf("bound later, says the dry run; the door says %+v now and %+v at the end", before, after)
			}
		case rollout.Already:
			if before.Kind != Refused {
				t.Fatalf("refused already, says the dry run; the door says %+v now", before)
			}
		case rollout.NotConcerned:
			if covered := rollout.For; before.OneStep && after.Kind == Refused {
				if term, _ := covered(moved, o.Claim); term.Plan.ID == plan.ID {
					t.Fatalf("not concerned, says the dry run; the door says %+v now and %+v at the end", before, after)
				}
			}
		}
	})
	if locked == 0 || seen == 0 {
		t.Errorf("of %d people the dry run locked %d out: the test is blind", seen, locked)
	}
}

func TestTheDryRunOfAWithdrawalLocksOutExactlyWhomTheDoorRefusesFromThenOn(t *testing.T) {
	locked := 0
	rapid.Check(t, func(t *rapid.T) {
		all := plans(t, "", "yamada", "aoba")
		if len(all) == 0 {
			return
		}
		plan := rapid.SampledFrom(all).Draw(t, "plan")
		now := instants(1, last).Draw(t, "now")
		if !plan.Withdrawn.IsZero() || plan.Planned.After(now) || !plan.Ends.After(now) {
			return
		}
		o := person(t)
		withdrawn := make([]rollout.Plan, 0, len(all))
		for _, p := range all {
			if p.ID == plan.ID {
				p.Withdrawn = now
			}
			withdrawn = append(withdrawn, p)
		}
		f := Facts{PasswordProved: true, Assigned: o.Method, Claim: o.Claim}
		before, after := Next(now, f, Policy{Plans: all}), Next(now, f, Policy{Plans: withdrawn})
		fate := rollout.NewWithdrawal(now, rollout.Book{Plans: all}, plan).Fate(o)
		lost := before.OneStep && after.Kind == Refused
		if (fate == rollout.LockedOut) != lost {
			t.Fatalf("the dry run says %s; the door says %+v before and %+v after", fate, before, after)
		}
		if lost {
			locked++
		}
	})
	if locked == 0 {
		t.Error("nobody was ever locked out: the test is blind")
	}
}

func person(t *rapid.T) rollout.Open {
	claim := claims(t)
	return rollout.Open{Ref: account.Ref{Organization: claim.Organization, ID: "1"}, Claim: claim,
		Method: rapid.SampledFrom([]account.Method{account.TOTP, account.TOTP, account.MailOTP}).Draw(t, "method")}
}
