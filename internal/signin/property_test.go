package signin

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

// The histories below play on a line of 40 instants, so that equal and adjoining
// ones come up often.
func instants(from, to int) *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		at := opens.Add(time.Duration(rapid.IntRange(from, to).Draw(t, "instant")) * time.Hour)
		return at.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "moments")) * moment)
	})
}

const last = 40

// plans are rollouts as the portal lets them be saved: ahead of their opening, two
// of one scope never overlapping. Withdrawals come at any time.
func plans(t *rapid.T, organizations ...string) []rollout.Plan {
	var list []rollout.Plan
	for _, organization := range organizations {
		from := 1
		for n := rapid.IntRange(0, 2).Draw(t, "rollouts"); n > 0 && from < last-2; n-- {
			opensAt := rapid.IntRange(from, last-2).Draw(t, "opens")
			endsAt := rapid.IntRange(opensAt+1, last-1).Draw(t, "ends")
			p := rollout.Plan{ID: organization + string(rune('0'+n)), Organization: organization,
				Opens: opens.Add(time.Duration(opensAt) * time.Hour), Ends: opens.Add(time.Duration(endsAt) * time.Hour)}
			p.Planned = opens.Add(time.Duration(rapid.IntRange(0, opensAt-1).Draw(t, "planned")) * time.Hour)
			if rapid.IntRange(0, 3).Draw(t, "withdrawn") == 0 {
				p.Withdrawn = p.Planned.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "after")) * time.Hour)
			}
			if rapid.Bool().Draw(t, "organization's extension") {
				p.Extended = instants(1, last).Draw(t, "until")
			}
			list = append(list, p)
			from = endsAt
		}
	}
	return list
}

func policies(t *rapid.T) Policy {
	p := Policy{Plans: plans(t, "", "yamada", "aoba")}
	for n := rapid.IntRange(0, 2).Draw(t, "windows"); n > 0; n-- {
		from := rapid.IntRange(0, last-1).Draw(t, "from")
		p.Windows = append(p.Windows, maintenance.Window{ID: string(rune('a' + n)),
			Opens:     opens.Add(time.Duration(from) * time.Hour),
			Closes:    opens.Add(time.Duration(rapid.IntRange(from+1, last).Draw(t, "to")) * time.Hour),
			Operators: rapid.SampledFrom([][]string{nil, {"sato"}, {"mori", "sato"}}).Draw(t, "operators")})
	}
	return p
}

func facts(t *rapid.T) Facts {
	yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
	rarely := func(name string) bool { return rapid.IntRange(0, 7).Draw(t, name) == 0 }
	f := Facts{OpenInWindow: rarely("open in a window"), PasswordProved: yes("password proved"), CodeProved: yes("code proved"),
		Suspended: rarely("suspended"), Barred: rarely("barred"), Stopped: rarely("stopped"), Void: rarely("void"), Pass: rarely("pass"),
		Assigned: rapid.SampledFrom([]account.Method{"", account.TOTP, account.MailOTP, "sms"}).Draw(t, "assigned"),
		TOTP:     rarely("TOTP"), MailOTP: rarely("MailOTP"), Claim: claims(t)}
	if rarely("operator") {
		f.OperatorID = "sato"
	}
	return f
}

func claims(t *rapid.T) rollout.Claim {
	c := rollout.Claim{Organization: rapid.SampledFrom([]string{"yamada", "aoba", ""}).Draw(t, "organization"),
		Imported: rapid.Bool().Draw(t, "imported"), Finished: rapid.IntRange(0, 7).Draw(t, "finished") == 0}
	if rapid.IntRange(0, 7).Draw(t, "has a password") > 0 {
		c.FirstPassword = instants(-2, last).Draw(t, "first password")
	}
	if rapid.Bool().Draw(t, "extended") {
		c.Extended = instants(1, last).Draw(t, "until")
	}
	return c
}

func (s Step) oneStep() bool { return s.Kind == Admit && s.OneStep }

func TestWithoutAPolicyNobodyComesInByOneStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if got := Next(instants(-2, last).Draw(t, "now"), facts(t), Policy{}); got.OneStep {
			t.Errorf("%+v", got)
		}
	})
}

func TestFactsThatProveNothingOpenNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := Next(instants(-2, last).Draw(t, "now"), Facts{}, policies(t))
		if got.Kind != AskPassword && got.Kind != Closed {
			t.Errorf("%+v", got)
		}
	})
}

func TestAStepSaysWhatItsKindNeedsAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now, f, p := instants(-2, last).Draw(t, "now"), facts(t), policies(t)
		got := Next(now, f, p)
		if (got.Kind == AskCode) != (got.Method == account.TOTP || got.Method == account.MailOTP) {
			t.Errorf("the method: %+v", got)
		}
		if (got.Kind == Refused) != (got.Why != "") {
			t.Errorf("the reason: %+v", got)
		}
		if got.Kind == Closed && !got.Until.After(now) {
			t.Errorf("closed until the past: %+v", got)
		}
		if got.Kind == Admit && (!f.PasswordProved || !f.CodeProved && !got.OneStep || f.CodeProved && got.OneStep) {
			t.Errorf("admitted by what was not proved: %+v", got)
		}
		if got.oneStep() && (f.OperatorID != "" || f.TOTP || f.MailOTP || f.Claim.Finished || !now.Before(got.OwnEnd) || got.Setup != !now.Before(got.Opens)) {
			t.Errorf("admitted by 1 step: %+v", got)
		}
	})
}

// opened is how far a step lets somebody in.
func opened(s Step) int {
	switch s.Kind {
	case Admit:
		return 2
	case AskCode, MustEnroll:
		return 1
	}
	return 0
}

func TestProvingWhatIsAskedLeadsInOrToARefusalAndNeverBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now, f, p := instants(-2, last).Draw(t, "now"), facts(t), policies(t)
		f.PasswordProved, f.CodeProved = false, false
		before := Next(now, f, p)
		for range 4 {
			switch before.Kind {
			case AskPassword:
				f.PasswordProved = true
			case AskCode:
				f.CodeProved = true
				if before.Method == account.MailOTP { // its right code enrolls it
					f.MailOTP = true
				}
			case MustEnroll:
				f.CodeProved, f.Pass = true, false
				f.TOTP = f.assigned() == account.TOTP || f.TOTP
				f.MailOTP = f.assigned() == account.MailOTP || f.MailOTP
			case Admit, Closed, Refused, MustResetPassword:
				return
			}
			after := Next(now, f, p)
			if opened(after) < opened(before) {
				t.Fatalf("after %+v, having proved it: %+v", before, after)
			}
			before = after
		}
		t.Fatalf("still %+v after every proof", before)
	})
}

func TestWhatSpeaksAgainstSomebodyNeverOpensMore(t *testing.T) {
	against := map[string]func(*Facts, *Policy){
		"suspended":   func(f *Facts, _ *Policy) { f.Suspended = true },
		"barred":      func(f *Facts, _ *Policy) { f.Barred = true },
		"stopped":     func(f *Facts, _ *Policy) { f.Stopped = true },
		"void":        func(f *Facts, _ *Policy) { f.Void = true },
		"grace over":  func(f *Facts, _ *Policy) { f.Claim.Finished = true },
		"no password": func(f *Facts, _ *Policy) { f.PasswordProved = false },
		"no rollout":  func(_ *Facts, p *Policy) { p.Plans = nil },
		"in a window": func(_ *Facts, p *Policy) {
			p.Windows = append([]maintenance.Window{{ID: "z", Opens: opens.AddDate(-1, 0, 0), Closes: opens.AddDate(1, 0, 0)}}, p.Windows...)
		},
	}
	for name, worsen := range against {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				now, f, p := instants(-2, last).Draw(t, "now"), facts(t), policies(t)
				before := Next(now, f, p)
				worsen(&f, &p)
				after := Next(now, f, p)
				if after.Kind == Admit && before.Kind != Admit || after.oneStep() && !before.oneStep() {
					t.Errorf("%+v became %+v", before, after)
				}
			})
		})
	}
}

func TestOnceTheEndHasPassedNoLaterInstantBringsOneStepBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := facts(t), policies(t)
		p.Windows = nil
		now := instants(-2, last).Draw(t, "now")
		later := now.Add(time.Duration(rapid.Int64Range(0, int64(2*last*time.Hour)).Draw(t, "later")))
		before, after := Next(now, f, p), Next(later, f, p)
		if after.oneStep() && !before.oneStep() {
			t.Errorf("%+v became %+v", before, after)
		}
		if before.Why == WhyEnded && after.Kind == Admit {
			t.Errorf("refused after the end, then %+v", after)
		}
	})
}

func TestAnEarlierEndBindsEverybodyAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := facts(t), policies(t)
		now := instants(2, last).Draw(t, "now")
		if !f.Claim.FirstPassword.Before(now) {
			return // an end is moved for those who are there
		}
		before := Next(now, f, p)
		if term, _ := rollout.For(p.Plans, f.Claim); term.Plan.ID == "" {
			return // not one of those whose end it was
		}
		f.Claim.Extended = time.Time{}
		for i := range p.Plans {
			p.Plans[i].Extended = time.Time{}
			if p.Plans[i].Ends.After(now) && p.Plans[i].Opens.Before(now) {
				p.Plans[i].Ends = now
			}
		}
		after := Next(now, f, p)
		if after.oneStep() && (after.Opens.Before(now) || !before.oneStep()) {
			t.Errorf("%+v became %+v", before, after)
		}
	})
}

func TestAWithdrawnRolloutGivesNoOneStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := facts(t), policies(t)
		now := instants(2, last).Draw(t, "now")
		f.Claim.Organization = "yamada"
		if !f.Claim.FirstPassword.Before(now) {
			return // it ends the grace of those who are there
		}
		before := Next(now, f, p)
		if term, _ := rollout.For(p.Plans, f.Claim); term.Plan.ID == "" {
			return // not one of those it covered
		}
		for i, plan := range p.Plans { // the portal's at any time, an organization's own after its opening
			if plan.Withdrawn.IsZero() && (plan.Organization == "" || !plan.Opens.After(now)) {
				p.Plans[i].Withdrawn = now
			}
		}
		after := Next(now, f, p)
		if !after.oneStep() {
			return
		}
		term, _ := rollout.For(p.Plans, f.Claim)
		if !term.Plan.Withdrawn.IsZero() || term.Plan.Organization == "" || !before.oneStep() {
			t.Errorf("%+v became %+v", before, after)
		}
	})
}

func TestALaterRolloutGivesNobodyOneStepBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		saved := rapid.IntRange(1, last-3).Draw(t, "saved")
		now := opens.Add(time.Duration(saved) * time.Hour)
		f := facts(t)
		f.Claim.FirstPassword = instants(-2, saved-1).Draw(t, "first password")
		p := Policy{}
		for _, plan := range plans(t, "", "yamada") { // what was known by then
			if plan.Planned.After(now) {
				continue
			}
			if plan.Withdrawn.After(now) {
				plan.Withdrawn = time.Time{}
			}
			p.Plans = append(p.Plans, plan)
		}
		term, grace := rollout.For(p.Plans, f.Claim)
		if term.Plan.ID == "" || grace && now.Before(term.OwnEnd) {
			return // never covered, or still in grace
		}
		opensAt := rapid.IntRange(saved+1, last-1).Draw(t, "opens")
		p.Plans = append(p.Plans, rollout.Plan{ID: "later", Organization: rapid.SampledFrom([]string{"", "yamada"}).Draw(t, "scope"),
			Planned: now, Opens: opens.Add(time.Duration(opensAt) * time.Hour),
			Ends: opens.Add(time.Duration(rapid.IntRange(opensAt+1, last).Draw(t, "ends")) * time.Hour)})
		then := now.Add(time.Duration(rapid.Int64Range(0, int64(last*time.Hour)).Draw(t, "then")))
		if got := Next(then, f, p); got.oneStep() {
			t.Errorf("bound by %+v without grace, then %+v", term, got)
		}
	})
}
