package password

import (
	"slices"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
)

// Waiting is a password of a MailOTP account that was kept aside, with whose it is.
// The zero Waiting waits for nobody.
type Waiting struct {
	Owner
	Aside  Aside
	admins []account.Admin // all Portal Admins of the organization; a list leaves them out
}

// Reply is somebody's yes or no to a password that waits. The zero Reply is none.
type Reply string

// The replies.
const (
	Yes Reply = "approve"
	No  Reply = "refuse"
)

// Why says why a password that waits is not answered so; the zero Why is that it is.
type Why string

// The reasons, as phrase keys.
const (
	WhyGone      Why = "password.nobody_waits"
	WhyAct       Why = "act"                   // the table of acts refuses, see act.Answer
	WhyNotAble   Why = "password.answer_able"  // whoever approves has to be able himself
	WhyWaits     Why = "password.answer_waits" // operators: the owner has not had his 24 hours
	WhyNoSuch    Why = "password.answer_missing"
	WhyMeanwhile Why = "password.answer_changed" // another one waits than the page showed
)

// whom is the owner as the table of acts sees him.
func (w Waiting) whom() act.Whom {
	return act.Whom{Ref: w.Ref, Authority: w.Authority, Suspended: !w.Standing, Enrolled: w.TOTP || w.MailOTP,
		OthersAble: slices.ContainsFunc(account.Able(w.admins), func(a account.Admin) bool { return a.Ref != w.Ref })}
}

// may asks the table of acts whether somebody may answer at all.
func (w Waiting) may(who act.Who) act.Answer {
	if who.IsOperator() {
		return act.May(act.AnswerAdminReset, who, w.whom())
	}
	return act.May(act.AnswerReset, who, w.whom())
}

// MayAnswer is the one rule of answering a password that waits (product.md 4.7): a
// Portal Admin for anybody else of the own organization, an operator for a Portal
// Admin where no other one is able, and with a yes only after the day in which the
// owner can refuse. A no needs no patience. It is pure and total.
func MayAnswer(now time.Time, who act.Who, w Waiting, id string, reply Reply) Why {
	switch {
	case !w.Aside.Waits(now):
		return WhyGone
	case w.may(who) != act.Allowed:
		return WhyAct
	case w.Aside.ID != id:
		return WhyMeanwhile
	case reply == No:
		return ""
	case reply != Yes:
		return WhyNoSuch
	case who.IsOperator() && now.Before(w.Aside.WaitsUntil):
		return WhyWaits
	case !who.IsOperator() && !slices.ContainsFunc(account.Able(w.admins), func(a account.Admin) bool { return a.Ref == who.Ref }):
		return WhyNotAble
	}
	return ""
}
