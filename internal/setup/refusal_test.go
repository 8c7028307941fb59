package setup

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/mailotp"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

func TestALaterPageSendsBackToTheStepThatIsMissing(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	for _, path := range []string{"/setup/mailbox", "/setup/password", "/setup/totp", "/setup/method"} {
		v.get(path).to("/setup")
	}
	v.post("/setup/mailbox", "code", "12345678").to("/setup")
	v.post("/setup/mailbox", "code", "").to("/setup")
	v.post("/setup/totp", "code", "123456").to("/setup")
	v.post("/setup/totp", "code", "").to("/setup")
	v.get("/setup/done").to("/")
	v.nothing()
	if v.count("second_step_failure", "true") != 0 {
		t.Error("a code that was not asked for was counted")
	}
}

func TestAWrongMailedCodeIsCountedAndTheFifthEndsTheSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		v.post("/setup").to("/setup/mailbox")
		wrong := "00000000"
		if secret.Equal([]byte(strings.ReplaceAll(v.mailed(), " ", "")), []byte(wrong)) {
			wrong = "11111111"
		}
		for left := 4; left > 0; left-- {
			v.post("/setup/mailbox", "code", wrong).is(http.StatusUnprocessableEntity, fmt.Sprintf("%d tr", left))
		}
		last := v.post("/setup/mailbox", "code", wrong).is(http.StatusForbidden, "Five wrong codes ended this session")
		if cookie := last.Header().Get("Set-Cookie"); !strings.Contains(cookie, "Max-Age=0") {
			t.Errorf("the browser keeps its session: %q", cookie)
		}
		if v.count("session", "ended_at is null") != 0 || v.count("second_step_failure", "true") != 5 {
			t.Error("the session goes on, or the tries were not counted")
		}
		if v.count("mailotp", "true")+v.count("second_step", "true")+v.count("grace_end", "true") != 0 {
			t.Error("something counts already")
		}
		v.signIn(false)
		v.post("/setup").to("/setup/mailbox")
		v.post("/setup/mailbox", "code", v.mailed()).is(http.StatusTooManyRequests, "is looked at from")
	})
}

func TestAMailedCodeExpiresAndSaysSo(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	v.post("/setup").to("/setup/mailbox")
	v.pass(11 * time.Minute)
	v.post("/setup/mailbox", "code", v.mailed()).is(http.StatusUnprocessableEntity, "more than 10 minutes ago")
	v.post("/setup").to("/setup/mailbox")
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/totp")
}

func TestTheButtonPressedTwiceMailsOneCodeAndALaterPressANewOne(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	v.post("/setup").to("/setup/mailbox")
	v.post("/setup").to("/setup/mailbox")
	if n := len(v.letters("code")); n != 1 {
		t.Fatalf("%d codes were mailed", n)
	}
	old := v.mailed()
	v.pass(time.Minute)
	v.post("/setup").to("/setup/mailbox")
	if n := len(v.letters("code")); n != 2 || v.mailed() == old {
		t.Fatalf("%d codes were mailed", n)
	}
	v.post("/setup/mailbox", "code", old).is(http.StatusUnprocessableEntity)
}

func TestAfterFiveMailsThePageSaysFromWhenOnTheNextMayGo(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	for range mailotp.HourlyOpen {
		v.post("/setup").to("/setup/mailbox")
		v.pass(time.Minute)
	}
	a := v.post("/setup").is(http.StatusTooManyRequests, "can be sent from 13:00 JST", `name="code"`)
	if a.Header().Get("Retry-After") != "3300" {
		t.Errorf("Retry-After %s", a.Header().Get("Retry-After"))
	}
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/totp")
}

func TestACodeOfAnotherSessionOrMailboxProvesNothing(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	v.post("/setup").to("/setup/mailbox")
	code := v.mailed()
	other := *v
	other.signIn(false)
	other.post("/setup/mailbox", "code", code).to("/setup")
	v.write(func(ctx context.Context, tx *store.Tx) error {
		if err := account.Claim(ctx, tx, "thief@example.com", v.ref); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update account set email = 'thief@example.com', email_key = 'thief@example.com' where id = $1`, v.ref.ID)
		return err
	})
	v.post("/setup/mailbox", "code", code).is(http.StatusUnprocessableEntity)
}

func TestTheSecretStaysOnReloadsAndWrongCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		key := totp.Text(v.untilApp())
		v.post("/setup/totp", "code", "000000").is(http.StatusUnprocessableEntity, "Codes change every 30 seconds", "secret="+key)
		v.post("/setup/totp", "code", "00").is(http.StatusUnprocessableEntity, "secret="+key)
		if again := totp.Text(v.key("/setup/totp")); again != key {
			t.Error("the secret changed")
		}
		other := *v
		other.signIn(false)
		if another := totp.Text(other.untilApp()); another == key {
			t.Error("another session was shown the same secret")
		}
		v.nothing()
	})
}

func TestAWrongCodeSaysWhatIsTheMatter(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	key := v.untilApp()
	now := totp.Step(v.Clock.Now())
	v.post("/setup/totp", "code", totp.Code(key, now-10)).is(http.StatusUnprocessableEntity, "clock is behind by about 5 minutes")
	v.post("/setup/totp", "code", totp.Code(key, now+4)).is(http.StatusUnprocessableEntity, "clock is ahead by about 2 minutes")
	for range manyWrong - 1 {
		v.post("/setup/totp", "code", "000000")
	}
	body := v.post("/setup/totp", "code", "000000").is(http.StatusUnprocessableEntity, "If it keeps failing").Body.String()
	if strings.Count(body, "If it keeps failing") != 1 {
		t.Error("said twice")
	}
	v.nothing()
	v.post("/setup/totp", "code", " "+v.code(key)[:3]+"-"+v.code(key)[3:]).to("/setup/done")
}

func TestTheFormSentTwiceEndsOnTheSamePage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(admin)
		v.post("/setup/method", "method", "mailotp").to("/setup")
		v.post("/setup/method", "method", "mailotp").to("/setup")
		v.post("/setup").to("/setup/mailbox")
		seen, code := v.visit(), v.mailed()
		form := url.Values{"code": {code}}
		v.askAs(seen, http.MethodPost, "/setup/mailbox", form).to("/setup/done")
		for _, path := range []string{"/setup", "/setup/method", "/setup/mailbox", "/setup/password", "/setup/totp"} {
			if path != "/setup/method" {
				v.askAs(seen, http.MethodPost, path, form).to("/setup/done")
			}
			v.askAs(seen, http.MethodGet, path, nil).to("/setup/done")
		}
		v.enrolled(account.MailOTP)
	})
}

func TestAFormThatIsNoneIsRefused(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	v.post("/setup")
	for _, path := range []string{"/setup/method", "/setup/mailbox", "/setup/password", "/setup/totp", "/profile/totp"} {
		v.ask(http.MethodPost, path, url.Values{"code": {"1", "2"}}).is(http.StatusBadRequest)
	}
	v.nothing()
}

func TestASecretOfAnotherRowDoesNotOpen(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(general)
	v.untilApp()
	other := *v
	other.signIn(false)
	other.untilApp()
	v.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update setup set secret = (select secret from setup where session_id = $1) where session_id = $2`, v.session, other.session)
		return err
	})
	other.get("/setup/totp").is(http.StatusInternalServerError)
}
