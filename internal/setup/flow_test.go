package setup

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// key is the secret that is being set up, as the page shows it.
func (v *visitor) key(path string) []byte {
	v.t.Helper()
	body := v.get(path).is(http.StatusOK).Body.String()
	found := regexp.MustCompile(`otpauth://[^"]*secret=([A-Z2-7]{32})`).FindStringSubmatch(body)
	if found == nil {
		v.t.Fatalf("no link in\n%s", body)
	}
	if !strings.Contains(body, page.Group(4, found[1])) {
		v.t.Fatalf("the key does not stand in groups of four in\n%s", body)
	}
	var sealed []byte
	v.must(v.DB.QueryRow(context.Background(), `select secret from setup where session_id = $1`, v.session).Scan(&sealed))
	key, err := v.Keys.Open(secret.ForTOTP, row(v.visit().Session), sealed)
	v.must(err)
	if totp.Text(key) != found[1] {
		v.t.Fatal("the page shows another secret than is kept")
	}
	return key
}

func (v *visitor) code(key []byte) string { return totp.Code(key, totp.Step(v.Clock.Now())) }

// nothing says that nothing of a set-up counts yet.
func (v *visitor) nothing() {
	v.t.Helper()
	for _, table := range []string{"totp", "mailotp", "second_step", "grace_end"} {
		if v.count(table, "true") != 0 {
			v.t.Fatalf("%s has a row", table)
		}
	}
	kept, err := password.Find(context.Background(), v.DB, v.ref)
	v.must(err)
	a := v.visit()
	if kept.Hash != "an old hash" || a.TwoStep || len(v.letters("method-enrolled")) != 0 || v.count("audit", "act <> 'account:code:refused'") != 0 {
		v.t.Fatal("something counts already")
	}
}

// enrolled says that all of a set-up counts, once.
func (v *visitor) enrolled(method account.Method) {
	v.t.Helper()
	ctx := context.Background()
	if n := v.count("audit", "act = 'account:method:enrolled' and subject = $1", v.ref.ID); n != 1 {
		v.t.Fatalf("%d records", n)
	}
	tables := map[account.Method]string{account.TOTP: "totp", account.MailOTP: "mailotp"}
	for m, table := range tables {
		want := 0
		if m == method {
			want = 1
		}
		if got := v.count(table, "holder_id = $1", v.ref.ID); got != want {
			v.t.Fatalf("%s has %d rows", table, got)
		}
	}
	visit := v.visit()
	if !visit.TwoStep || visit.CodeMethod != method || visit.PassID != "" {
		v.t.Fatalf("the session is %+v", visit.Session)
	}
	if v.count("second_step", "session_id = $1", v.session) != 1 || v.count("session", "holder_id = $1 and ended_at is null", v.ref.ID) != 1 {
		v.t.Fatal("not one second step, or not one session")
	}
	if v.count("setup", "secret is not null or password_hash is not null") != 0 || v.count("setup", "finished_at is not null") != 1 {
		v.t.Fatal("the set-up is not finished and emptied")
	}
	if v.count("pass", "spent_at is null and withdrawn_at is null and replaced_at is null") != 0 {
		v.t.Fatal("a pass is still open")
	}
	if len(v.letters("method-enrolled")) != 1 {
		v.t.Fatalf("%d letters", len(v.letters("method-enrolled")))
	}
	if v.ref.IsOperator() {
		return
	}
	a, err := account.Find(ctx, v.DB, v.ref)
	v.must(err)
	if a.Method != method || v.count("grace_end", "holder_id = $1 and why = 'enrolled'", v.ref.ID) != 1 {
		v.t.Fatalf("assigned %s, or grace goes on", a.Method)
	}
}

// untilApp walks a General User's set-up to the page with the QR.
func (v *visitor) untilApp() []byte {
	v.t.Helper()
	v.get("/setup").is(http.StatusOK, "hanako@example.com", "make sure that this address receives mail")
	v.post("/setup").to("/setup/mailbox")
	v.get("/setup/mailbox").is(http.StatusOK, "hanako@example.com", "Send a new code")
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/totp")
	return v.key("/setup/totp")
}

func TestAGeneralUserSetsUpTOTP(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		other := *v
		other.signIn(false)
		key := v.untilApp()
		v.nothing()
		answer := v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
		if cookies := answer.Result().Cookies(); len(cookies) != 1 || cookies[0].Name != "nidan" || len(cookies[0].Value) != 43 {
			t.Fatalf("cookies %v", cookies)
		}
		v.enrolled(account.TOTP)
		if v.count("session", "id = $1 and ended_at is not null", other.session) != 1 {
			t.Error("the other session goes on")
		}
		v.get("/setup/done").is(http.StatusOK, "All your other sessions were ended", "hanako@example.com", `href="/"`)
		told := v.letters("method-enrolled")[0]
		if told.To != "hanako@example.com" || told.Lane != "notice" || strings.Contains(told.Text, "http") ||
			!strings.Contains(told.Text, "12:00 JST (03:00 UTC; 04:00 CET)") || !strings.Contains(told.Text, "192.0.2.1") {
			t.Errorf("told %+v", told)
		}
	})
}

func TestACodeOfSetUpIsSpent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		key := v.untilApp()
		v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
		e, err := totp.Find(context.Background(), v.DB, v.Keys, v.ref)
		if err != nil || e.LastStep != totp.Step(v.Clock.Now()) {
			t.Fatalf("last step %d, %v", e.LastStep, err)
		}
	})
}

func TestAPortalAdminChoosesMailOTPAndProvesItByTheMailedCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(admin)
		v.get("/setup").to("/setup/method")
		v.post("/setup").to("/setup/method")
		v.get("/setup/method").is(http.StatusOK, `value="totp" checked`, "AAL2", "phishing")
		v.post("/setup/method").is(http.StatusUnprocessableEntity, "Choose TOTP or MailOTP.")
		v.post("/setup/method", "method", "sms").is(http.StatusUnprocessableEntity)
		v.post("/setup/method", "method", "mailotp").to("/setup")
		v.get("/setup").is(http.StatusOK, "MailOTP")
		v.post("/setup").to("/setup/mailbox")
		v.nothing()
		v.post("/setup/mailbox", "code", v.mailed()).to("/setup/done")
		v.enrolled(account.MailOTP)
		if v.count("audit", "act = 'account:method:changed'") != 1 {
			t.Error("the change of method is not recorded")
		}
		v.get("/setup/done").is(http.StatusOK, "8-digit code")
	})
}

func TestAPortalAdminMayChooseAnewUntilTheEnd(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(person{authority: account.PortalAdmin, assigned: account.TOTP, preset: account.MailOTP})
	v.get("/setup/method").is(http.StatusOK, `value="mailotp" checked`)
	v.post("/setup/method", "method", "totp").to("/setup")
	v.post("/setup").to("/setup/mailbox")
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/totp")
	v.get("/setup/method").is(http.StatusOK, `value="totp" checked`)
	v.post("/setup/method", "method", "mailotp").to("/setup")
	v.get("/setup/totp").to("/setup")
	v.post("/setup").to("/setup/mailbox") // the code typed before proved the mailbox, not the method
	v.post("/setup/method", "method", "totp").to("/setup/totp")
	v.post("/setup/totp", "code", v.code(v.key("/setup/totp"))).to("/setup/done")
	v.enrolled(account.TOTP)
}

func TestAGeneralUserSeesNoChoiceAndAForgedOneIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		v.get("/setup/method").to("/setup")
		v.post("/setup/method", "method", "totp").to("/setup")
		v.post("/setup/method", "method", "mailotp").is(http.StatusForbidden)
		v.post("/setup/method", "method", "nothing").is(http.StatusForbidden)
		if body := v.get("/setup").is(http.StatusOK).Body.String(); strings.Contains(body, "/setup/method") {
			t.Error("the choice is linked")
		}
		v.post("/setup").to("/setup/mailbox")
		v.post("/setup/mailbox", "code", v.mailed()).to("/setup/totp")
		v.nothing()
	})
}

func TestAGeneralUserWhomAnAdminHasGivenMailOTP(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.MailOTP})
	v.get("/setup").is(http.StatusOK, "One of your Portal Admins has set this for you")
	v.post("/setup/method", "method", "totp").is(http.StatusForbidden)
	v.post("/setup").to("/setup/mailbox")
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/done")
	v.enrolled(account.MailOTP)
}

func TestAWeakPasswordIsReplacedAtTheEndAndNotBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.TOTP, weak: true})
		v.get("/setup/password").to("/setup")
		v.post("/setup/password", "password", "x", "password_again", "x").to("/setup")
		v.post("/setup").to("/setup/mailbox")
		v.post("/setup/mailbox", "code", v.mailed()).to("/setup/password")
		v.get("/setup/totp").to("/setup/password")
		v.get("/setup/password").is(http.StatusOK, `autocomplete="new-password"`)
		v.post("/setup/password", "password", "hanako2018", "password_again", "hanako2018").is(http.StatusUnprocessableEntity)
		v.post("/setup/password", "password", "korrekt pferd batterie", "password_again", "another").is(http.StatusUnprocessableEntity)
		v.post("/setup/password", "password", "korrekt pferd batterie", "password_again", "korrekt pferd batterie").to("/setup/totp")
		v.post("/setup/password", "password", "z", "password_again", "z").to("/setup/totp")
		key := v.key("/setup/totp")
		v.nothing()
		v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
		v.enrolled(account.TOTP)
		kept, err := password.Find(context.Background(), v.DB, v.ref)
		if err != nil || kept.Weak {
			t.Fatalf("%+v, %v", kept, err)
		}
		if m, err := v.room.Pool.Verify(context.Background(), kept.Hash, "korrekt pferd batterie"); err != nil || !m.Right {
			t.Error("the new password does not open")
		}
		if !strings.Contains(v.letters("method-enrolled")[0].Text, "A new password was set") || v.count("audit", "act = 'account:password:changed'") != 1 {
			t.Error("the new password is not told or not recorded")
		}
	})
}

func TestForMailOTPTheNewPasswordComesBeforeTheCode(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.MailOTP, weak: true})
	v.get("/setup").to("/setup/password")
	v.post("/setup/password", "password", "korrekt pferd batterie", "password_again", "korrekt pferd batterie").to("/setup")
	v.post("/setup").to("/setup/mailbox")
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/done")
	v.enrolled(account.MailOTP)
}
