package setup

import (
	"path"
	"time"

	"nidan/internal/account"
)

// Step is one page of set-up, by its path.
type Step string

// The steps.
const (
	Address  Step = "/setup"          // look at the registered address, have a code mailed
	Choose   Step = "/setup/method"   // TOTP or MailOTP
	Mailbox  Step = "/setup/mailbox"  // type the mailed code
	Password Step = "/setup/password" // a new one, where the stored one fails the rule
	App      Step = "/setup/totp"     // the QR, and the first code of it
	Done     Step = "/setup/done"
)

// name is the last part of a step's path, which its phrases are named by.
func (s Step) name() string { return path.Base(string(s)) }

// lastHour is from when on the pages say that set-up must be finished in time.
const lastHour = time.Hour

// samePress is how long after a mailed code another press of the button mails
// nothing: somebody has clicked twice, and two codes only confuse.
const samePress = 15 * time.Second

// Facts are what is known of a set-up. With the zero Facts everything is still asked.
type Facts struct {
	Operator    bool
	Authority   account.Authority
	Assigned    account.Method
	Chosen      account.Method // by a Portal Admin in this set-up; zero: not yet
	CodeProved  account.Method // of the method before a change, in this session; zero: none
	Pass        bool           // this session redeemed a pass that is valid now
	CodeSent    bool           // a mailed code waits to be typed
	Mailbox     bool           // the mailbox has answered
	WeakOrNone  bool           // the stored password fails the rule, or there is none
	NewPassword bool           // a new one was typed and is kept until the end
	Finished    bool
}

// MayChoose says whether a choice of method is part of this set-up: a Portal
// Admin's, unless the method was chosen before and set-up only follows the change.
func (f Facts) MayChoose() bool {
	return !f.Operator && f.Authority == account.PortalAdmin && (f.CodeProved == "" || f.Pass)
}

// Method is what is being set up. A choice counts only of whoever may choose.
func (f Facts) Method() account.Method {
	switch {
	case f.Operator:
		return account.TOTP
	case f.MayChoose() && f.Chosen != "":
		return f.Chosen
	case f.Assigned == account.MailOTP:
		return account.MailOTP
	}
	return account.TOTP
}

// answered says whether it is known that the registered mailbox answers, which
// keeps out whoever only stole the password. A redeemed pass shows as much as a
// mailed code would, and so does the code of the MailOTP that is being replaced.
// Operators have no way here but their one-time link.
func (f Facts) answered() bool {
	return f.Operator || f.Pass || f.Mailbox || f.CodeProved == account.MailOTP
}

// Next is the step that comes next. The code that proves the method is always the
// last, since it finishes everything: for MailOTP the mailed code, which no pass
// replaces; for TOTP the first code of the app.
func Next(f Facts) Step {
	password := f.WeakOrNone && !f.NewPassword
	switch {
	case f.Finished:
		return Done
	case f.MayChoose() && f.Chosen == "":
		return Choose
	case f.Method() == account.MailOTP && password:
		return Password
	case f.Method() == account.MailOTP || !f.answered():
		if f.CodeSent {
			return Mailbox
		}
		return Address
	case password:
		return Password
	}
	return App
}

// With is what the facts are once a step is done.
func (f Facts) With(done Step) Facts {
	switch done {
	case Choose:
		if f.Chosen == "" {
			f.Chosen = f.Method()
		}
	case Address:
		f.CodeSent = true
	case Mailbox:
		f.CodeSent = false
		if f.Method() == account.MailOTP {
			f.Finished = true
		} else {
			f.Mailbox = true
		}
	case Password:
		f.NewPassword = true
	case App:
		f.Finished = true
	}
	return f
}

// preselected is the method marked on the page that offers a choice: what was
// chosen here before, what is assigned, what an import asked for.
func preselected(f Facts, preset account.Method) account.Method {
	switch {
	case f.Chosen != "":
		return f.Chosen
	case f.Assigned == account.MailOTP || preset == account.MailOTP:
		return account.MailOTP
	}
	return account.TOTP
}
