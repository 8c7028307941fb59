package signin

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nidan/internal/account"
	"nidan/internal/rollout"
)

// question is one that a page lets somebody ask: a rollout that stands and has
// not ended, at a time since it was planned. ok is false where there is none.
func question(t *rapid.T, all []rollout.Plan) (plan rollout.Plan, now time.Time, ok bool) {
	var standing []rollout.Plan
	for _, p := range all {
		if p.Withdrawn.IsZero() {
			standing = append(standing, p)
		}
	}
	if len(standing) == 0 {
		return rollout.Plan{}, time.Time{}, false
	}
	plan = rapid.SampledFrom(standing).Draw(t, "plan")
	return plan, hour(t, plan.Planned, plan.Ends.Add(-time.Hour), "now"), true
}

// hour is a full hour between two, both included.
func hour(t *rapid.T, from, to time.Time, name string) time.Time {
	return from.Add(time.Duration(rapid.IntRange(0, int(to.Sub(from)/time.Hour)).Draw(t, name)) * time.Hour)
}

// crowd is how many people each question is asked about: with few the test would
// now and then meet nobody who is locked out.
const crowd = 30

// with is the plans with one of them changed.
func with(all []rollout.Plan, id string, change func(*rollout.Plan)) []rollout.Plan {
	changed := slices.Clone(all)
	for i := range changed {
		if changed[i].ID == id {
			change(&changed[i])
		}
	}
	return changed
}

// The dry run promises who is locked out by an end. It is worth nothing if it is not
// the door that would lock them out, so both are asked about the same people.
func TestTheDryRunLocksOutExactlyWhomTheDoorWillRefuse(t *testing.T) {
	found := map[rollout.Fate]int{}
	rapid.Check(t, func(t *rapid.T) {
		all := plans(t, "", "yamada", "aoba")
		plan, now, ok := question(t, all)
		if !ok {
			return
		}
		after := plan.Opens
		if now.After(after) {
			after = now
		}
		end := hour(t, after.Add(time.Hour), after.Add(last*time.Hour), "end")
		moved := with(all, plan.ID, func(p *rollout.Plan) { p.Ends = end })
		run := rollout.NewDryRun(now, rollout.Book{Plans: all}, plan, end)
		for range crowd {
			o := person(t)
			f, policy := Facts{PasswordProved: true, Assigned: o.Method, Claim: o.Claim}, Policy{Plans: moved}
			before, then := Next(now, f, policy), Next(end, f, policy)
			fate := run.Fate(o)
			found[fate]++
			if !agree(fate, plan, o, moved, before, then) {
				t.Fatalf("%s, says the dry run; the door says %+v now and %+v at the end", fate, before, then)
			}
		}
	})
	for _, fate := range []rollout.Fate{rollout.NotConcerned, rollout.LockedOut, rollout.AskedByMail, rollout.Later, rollout.Already} {
		if found[fate] == 0 {
			t.Errorf("nobody was ever %s: the test is blind (%v)", fate, found)
		}
	}
}

// agree says whether what the door says now and at the end is what the dry run said.
func agree(fate rollout.Fate, plan rollout.Plan, o rollout.Open, moved []rollout.Plan, before, then Step) bool {
	switch fate {
	case rollout.LockedOut:
		return before.OneStep && then.Kind == Refused
	case rollout.AskedByMail:
		return then.Kind == AskCode || then.OneStep
	case rollout.Later:
		return before.OneStep && then.OneStep
	case rollout.Already:
		return before.Kind == Refused
	}
	term, _ := rollout.For(moved, o.Claim)
	return term.Plan.ID != plan.ID || !before.OneStep || then.Kind != Refused
}

func TestTheDryRunOfAWithdrawalLocksOutExactlyWhomTheDoorRefusesFromThenOn(t *testing.T) {
	locked := 0
	rapid.Check(t, func(t *rapid.T) {
		all := plans(t, "", "yamada", "aoba")
		plan, now, ok := question(t, all)
		if !ok {
			return
		}
		withdrawn := with(all, plan.ID, func(p *rollout.Plan) { p.Withdrawn = now })
		run := rollout.NewWithdrawal(now, rollout.Book{Plans: all}, plan)
		for range crowd {
			o := person(t)
			f := Facts{PasswordProved: true, Assigned: o.Method, Claim: o.Claim}
			before, then := Next(now, f, Policy{Plans: all}), Next(now, f, Policy{Plans: withdrawn})
			lost := before.OneStep && then.Kind == Refused
			if fate := run.Fate(o); (fate == rollout.LockedOut) != lost {
				t.Fatalf("the dry run says %s; the door says %+v before and %+v after", fate, before, then)
			}
			if lost {
				locked++
			}
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
