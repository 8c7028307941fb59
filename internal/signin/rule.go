package signin

import (
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/rollout"
)

// Kind is what comes next for a request. The zero Kind refuses.
type Kind int

// The kinds of step.
const (
	Refused           Kind = iota
	Closed                 // a maintenance window
	AskPassword            // the first verification
	MustResetPassword      // too many wrong codes: by the mailed way alone
	AskCode                // the second verification
	MustEnroll             // set-up, help, sign-out, nothing else
	Admit
)

// Why says why a step refuses, for the page that tells it.
type Why string

// The reasons.
const (
	WhySuspended Why = "suspended"  // account or organization
	WhyAddress   Why = "address"    // not a permitted network
	WhyEnded     Why = "ended"      // the own end has passed
	WhyNoGrace   Why = "no_grace"   // never had grace, or finished it
	WhyNoRollout Why = "no_rollout" // nothing covers the account: two steps
	WhyOperator  Why = "operator"   // operators have no grace at all
)

// pass says whether a pass leads on from a refusal: not from a suspension, nor
// from a place that is not permitted, and operators have one-time links.
func (w Why) pass() bool { return w == WhyEnded || w == WhyNoGrace || w == WhyNoRollout }

// Step is the rule's answer. The zero Step refuses.
type Step struct {
	Kind    Kind
	Method  account.Method // AskCode: which code
	Why     Why            // Refused
	Until   time.Time      // Closed: when it opens again; Refused after the end: that end
	OneStep bool           // Admit by the password alone
	Setup   bool           // Admit by 1 step in the period: set-up first
	Opens   time.Time      // of the period, where one covers the account
	OwnEnd  time.Time
}

// Facts are what is known of one request. The zero Facts have proved nothing.
type Facts struct {
	OpenInWindow   bool   // the page is one of those open in a window
	OperatorID     string // not empty: an operator
	PasswordProved bool   // in this session
	CodeProved     bool   // in this session
	Suspended      bool   // account or organization
	Barred         bool   // the address is not permitted
	Stopped        bool   // too many wrong codes; until the password is reset
	Void           bool   // 100 wrong codes in a row; until set-up by a pass
	Pass           bool   // this session redeemed a pass that is valid now, and proved nothing new since
	Assigned       account.Method
	TOTP, MailOTP  bool // enrolled
	Claim          rollout.Claim
}

// Policy is what was planned. The zero Policy has no rollout: two steps.
type Policy struct {
	Windows []maintenance.Window
	Plans   []rollout.Plan
}

// Next is the one rule (product.md section 3): what comes next, at now. It is
// pure and total; the first row that matches decides, in the order written here.
func Next(now time.Time, f Facts, p Policy) Step {
	if closed, until, lists := maintenance.Covering(p.Windows, now); closed && !f.OpenInWindow && !lists(f.OperatorID) {
		return Step{Kind: Closed, Until: until}
	}
	if !f.PasswordProved {
		return Step{Kind: AskPassword}
	}
	if f.Suspended {
		return Step{Kind: Refused, Why: WhySuspended}
	}
	if f.Barred {
		return Step{Kind: Refused, Why: WhyAddress}
	}
	if f.Stopped && !f.CodeProved {
		return Step{Kind: MustResetPassword}
	}
	if f.Pass {
		return Step{Kind: MustEnroll}
	}
	term, had := f.term(p)
	grace := had && now.Before(term.OwnEnd)
	if method := f.askable(grace); method != "" && !f.CodeProved {
		return Step{Kind: AskCode, Method: method}
	}
	if f.CodeProved {
		if f.assigned() == account.TOTP && !f.TOTP {
			return Step{Kind: MustEnroll}
		}
		return Step{Kind: Admit}
	}
	return f.byOneStep(now, term, had)
}

// byOneStep decides for a password alone, where no code can be asked: the rows
// from "operator; or no rollout covers the account; or no grace" on. had says
// whether the account ever had grace and did not finish it before its own end.
func (f Facts) byOneStep(now time.Time, term rollout.Term, had bool) Step {
	switch {
	case f.OperatorID != "":
		return Step{Kind: Refused, Why: WhyOperator}
	case term.Plan.ID == "":
		return Step{Kind: Refused, Why: WhyNoRollout}
	case !had:
		return Step{Kind: Refused, Why: WhyNoGrace, Opens: term.Opens, OwnEnd: term.OwnEnd}
	case now.Before(term.Opens):
		return Step{Kind: Admit, OneStep: true, Opens: term.Opens, OwnEnd: term.OwnEnd}
	case now.Before(term.OwnEnd):
		return Step{Kind: Admit, OneStep: true, Setup: true, Opens: term.Opens, OwnEnd: term.OwnEnd}
	}
	return Step{Kind: Refused, Why: WhyEnded, Until: term.OwnEnd, Opens: term.Opens, OwnEnd: term.OwnEnd}
}

// term is the rollout that binds the account, and whether it ever gave grace that
// was not finished. Being enrolled finishes it even where the record of that is lost.
func (f Facts) term(p Policy) (term rollout.Term, had bool) {
	if f.OperatorID != "" {
		return rollout.Term{}, false
	}
	term, had = rollout.For(p.Plans, f.Claim)
	return term, had && !f.TOTP && !f.MailOTP
}

// assigned is the assigned method; what cannot be read is TOTP, and operators have no other.
func (f Facts) assigned() account.Method {
	if f.Assigned == account.MailOTP && f.OperatorID == "" {
		return account.MailOTP
	}
	return account.TOTP
}

// askable is the method whose code can be asked: none while the second
// verification is void. Assigned MailOTP is asked of whoever enrolled it or has no
// grace (the first right code enrolls it); else TOTP if enrolled; else a MailOTP
// enrolled before a change to TOTP.
func (f Facts) askable(grace bool) account.Method {
	switch {
	case f.Void:
		return ""
	case f.assigned() == account.MailOTP && (f.MailOTP || !grace):
		return account.MailOTP
	case f.TOTP:
		return account.TOTP
	case f.MailOTP && f.OperatorID == "":
		return account.MailOTP
	}
	return ""
}
