package setup

import (
	"context"
	"errors"
	"net/http"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// finish is the one end of every set-up, after the method was proved in the same
// transaction: all that set-up changes, changes here. It answers the session's
// new value; the old one and all other sessions are dead from here on.
func (rm *Room) finish(ctx context.Context, tx *store.Tx, p stage, door verification.Door, method account.Method) (token string, err error) {
	v := session.Of(ctx)
	newPassword := door == verification.Setup && p.NewPassword
	if newPassword {
		if err := password.Set(ctx, tx, v.Ref, p.hash, password.Changed); err != nil {
			return "", err
		}
	}
	if err := rm.assign(ctx, tx, p, method); err != nil {
		return "", err
	}
	if err := spendPasses(ctx, tx, p); err != nil {
		return "", err
	}
	token, err = session.Rise(ctx, tx, v.Session, method)
	if err != nil {
		return "", err
	}
	if _, err := session.EndAll(ctx, tx, v.Ref, v.Session.ID, "second verification set up"); err != nil {
		return "", err
	}
	if err := end(ctx, tx, v.Session); err != nil {
		return "", err
	}
	if err := audit.Record(ctx, tx, rm.Keys, entries(v, p, door, method, newPassword)...); err != nil {
		return "", err
	}
	return token, rm.tell(ctx, tx, p, door, method, newPassword)
}

// assign makes the proved method the account's, removes the one it replaces and
// ends the grace. Operators are assigned nothing: they have TOTP and no grace.
func (rm *Room) assign(ctx context.Context, tx *store.Tx, p stage, method account.Method) error {
	v := session.Of(ctx)
	if method == account.TOTP {
		if err := mailotp.Remove(ctx, tx, v.Ref); err != nil {
			return err
		}
	}
	if p.Operator {
		return nil
	}
	if p.Assigned != method {
		if err := account.Assign(ctx, tx, v.Ref, method, v.Ref.ID); err != nil {
			return err
		}
	}
	return rollout.FinishGrace(ctx, tx, rm.Keys, p.person, "enrolled", v.Ref.ID)
}

// spendPasses spends the redeemed pass and ends every other.
func spendPasses(ctx context.Context, tx *store.Tx, p stage) error {
	v := session.Of(ctx)
	if p.Pass {
		err := pass.Spend(ctx, tx, v.Ref, p.passID)
		if errors.Is(err, store.ErrNone) {
			return fault.New(fault.Refused, "setup.pass_gone")
		}
		if err != nil {
			return err
		}
	}
	return pass.Withdraw(ctx, tx, v.Ref)
}

// entries are the records of what a set-up has changed.
func entries(v *session.Visit, p stage, door verification.Door, method account.Method, newPassword bool) []audit.Entry {
	list := []audit.Entry{v.Entry("account:method:enrolled", map[string]string{"method": string(method), "door": string(door)})}
	if p.Assigned != method && !p.Operator {
		list = append(list, v.Entry("account:method:changed", map[string]string{"from": string(p.Assigned), "to": string(method)}))
	}
	if newPassword {
		list = append(list, v.Entry("account:password:changed", map[string]string{"door": string(door)}))
	}
	return list
}

// tell mails the owner what was set up. Whoever did not do it learns of it.
func (rm *Room) tell(ctx context.Context, tx *store.Tx, p stage, door verification.Door, method account.Method, newPassword bool) error {
	say := rm.Site.Speaker(p.person.Language, p.person.Location())
	key := "setup.told_" + string(method)
	if door == verification.Phone {
		key = "setup.told_phone"
	}
	what := say.T(key)
	if newPassword {
		what += "\n\n" + say.T("setup.told_password")
	}
	help := "setup.told_help"
	if p.Operator {
		help = "setup.told_help_operator"
	}
	return mail.Queue(ctx, tx, rm.Keys, mail.Letter{
		Organization: p.person.Organization, Holder: p.person.ID, Lane: mail.Notice, Kind: "method-enrolled",
		To: p.person.Email, Language: p.person.Language,
		Subject: say.T(key+"_subject", "portal", rm.Site.Name),
		Text: say.T("setup.told_text", "name", p.person.Name, "when", say.Moment(tx.Now()), "portal", rm.Site.Name,
			"what", what, "where", session.Of(ctx).From, "help", say.T(help)),
	})
}

type doneView struct {
	frame
	Operator bool
}

// done says what happens from now on. It is the session's own record that it
// finished which opens the page; anybody else has nothing to read here.
func (rm *Room) done(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	ok, err := finished(r.Context(), rm.DB, v.Session)
	switch {
	case err != nil:
		return err
	case !ok:
		return page.See(w, "/")
	}
	view := &doneView{frame: frame{Email: v.Person.Email, Method: v.CodeMethod}, Operator: v.Operator()}
	view.Stair = 3
	return rm.pages.Show(w, r, http.StatusOK, "done", "setup.done_title", view)
}
