package setup

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mailotp"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/verification"
)

func TestAPassReplacesTheMailboxForTOTPAndIsSpentAtTheEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(person{authority: account.PortalAdmin, assigned: account.TOTP, pass: true})
		v.get("/setup").to("/setup/method")
		v.post("/setup/method", "method", "totp").to("/setup/totp")
		key := v.key("/setup/totp")
		v.nothing()
		v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
		v.enrolled(account.TOTP)
		if v.count("pass", "spent_at is not null") != 1 {
			t.Error("the pass is not spent")
		}
	})
}

func TestAPassDoesNotReplaceTheMailedCodeForMailOTP(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(person{authority: account.PortalAdmin, assigned: account.TOTP, pass: true})
	v.post("/setup/method", "method", "mailotp").to("/setup")
	v.get("/setup/totp").to("/setup")
	v.post("/setup").to("/setup/mailbox")
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/done")
	v.enrolled(account.MailOTP)
}

func TestAPassThatRanOutReplacesNothing(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.TOTP, pass: true})
	v.key("/setup/totp")
	v.pass(25 * time.Hour)
	v.get("/setup/totp").to("/setup")
}

func TestAnOperatorComesByALinkAndGetsTOTPAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(staff)
		v.get("/setup").to("/setup/totp")
		v.get("/setup/method").to("/setup/totp")
		v.post("/setup/method", "method", "mailotp").is(http.StatusForbidden)
		v.post("/setup").to("/setup/totp")
		key := v.key("/setup/totp")
		v.get("/setup/totp").is(http.StatusOK, "This must be finished before 10 Mar 2018, 13:00 JST") // the link holds an hour
		v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
		v.enrolled(account.TOTP)
		if v.count("audit", "chain = $1 and actor_kind = 'operator'", audit.Operators) != 1 || v.count("grace_end", "true") != 0 {
			t.Error("not recorded as an operator's, or grace was finished that never was")
		}
		v.get("/setup/done").is(http.StatusOK, "nidan operator reset")
	})
}

func TestAChangeToTOTPKeepsMailOTPUntilTOTPIsProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(admin)
		v.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := mailotp.Enroll(ctx, tx, v.ref)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `update session set code_at = $1, fresh_code_at = $1, code_method = 'mailotp' where id = $2`, store.Micros(tx.Now()), v.session)
			return err
		})
		v.pass(time.Minute)
		v.get("/setup").to("/setup/totp") // the choice was made, and the mailbox has answered
		key := v.key("/setup/totp")
		v.post("/setup/totp", "code", "000000").is(http.StatusUnprocessableEntity)
		if v.count("mailotp", "true") != 1 {
			t.Fatal("the old method is gone before the new one is proved")
		}
		v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
		v.enrolled(account.TOTP)
	})
}

func TestAPassEndsAVoidSecondVerificationForMailOTPToo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.MailOTP, pass: true})
		v.write(func(ctx context.Context, tx *store.Tx) error {
			if _, err := mailotp.Enroll(ctx, tx, v.ref); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, void_at) values ($1, $2, $3)`,
				v.ref.Organization, v.ref.ID, store.Micros(tx.Now()))
			return err
		})
		v.post("/setup").to("/setup/mailbox")
		v.post("/setup/mailbox", "code", v.mailed()).to("/setup/done")
		v.enrolled(account.MailOTP)
		if ledger, err := verification.Read(context.Background(), v.DB, v.Keys, v.ref, v.Clock.Now()); err != nil || ledger.Void {
			t.Errorf("still void: %+v, %v", ledger, err)
		}
	})
}

func void(v *visitor) {
	v.t.Helper()
	v.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, void_at) values ($1, $2, $3)`,
			v.ref.Organization, v.ref.ID, store.Micros(tx.Now()))
		return err
	})
}

func isVoid(v *visitor) bool {
	v.t.Helper()
	ledger, err := verification.Read(context.Background(), v.DB, v.Keys, v.ref, v.Clock.Now())
	v.must(err)
	return ledger.Void
}

func TestAPassEndsAVoidSecondVerificationForTOTP(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.TOTP, pass: true})
		void(v)
		key := v.key("/setup/totp")
		v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
		if v.enrolled(account.TOTP); isVoid(v) {
			t.Error("still void")
		}
	})
}

func TestNothingButAPassEndsAVoidSecondVerification(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		key := v.untilApp()
		void(v)
		v.post("/setup/totp", "code", v.code(key)).is(http.StatusForbidden, "needs a pass")
		other := *v
		other.signIn(false)
		other.post("/setup").to("/setup/mailbox")
		other.post("/setup/mailbox", "code", other.mailed()).is(http.StatusForbidden, "needs a pass")
		if !isVoid(v) || v.count("totp", "true") != 0 {
			t.Error("set up without a pass")
		}
	})
}

// The same pass in two browsers, both with the right password: one enrolls.
func TestOfTwoSessionsWithOnePassAtOnceOneEnrolls(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		first := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.TOTP, pass: true})
		second := *first
		second.write(func(ctx context.Context, tx *store.Tx) error {
			_, s, err := session.Start(ctx, tx, first.ref, "192.0.2.2", "another browser", "")
			if err != nil {
				return err
			}
			second.session = s.ID
			_, err = session.Redeem(ctx, tx, s, first.visit().PassID)
			return err
		})
		var all sync.WaitGroup
		answers := make([]answer, 2)
		both := []*visitor{first, &second}
		codes := []string{first.code(first.key("/setup/totp")), second.code(second.key("/setup/totp"))}
		visits := []*session.Visit{first.visit(), second.visit()}
		for i, v := range both {
			all.Go(func() {
				answers[i] = v.askAs(visits[i], http.MethodPost, "/setup/totp", url.Values{"code": {codes[i]}})
			})
		}
		all.Wait()
		enrolled := 0
		for _, a := range answers {
			if a.Code == http.StatusSeeOther && a.Header().Get("Location") == "/setup/done" {
				enrolled++
			}
		}
		if enrolled != 1 || first.count("pass", "spent_at is not null") != 1 || first.count("session", "ended_at is null") != 1 ||
			first.count("audit", "act = 'account:method:enrolled'") != 1 {
			t.Errorf("%d enrolled, by %d open sessions", enrolled, first.count("session", "ended_at is null"))
		}
	})
}
