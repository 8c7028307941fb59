package setup

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// withPhone is somebody who has set up TOTP and stands at the profile.
func withPhone(p *portal, who person) (v *visitor, key []byte) {
	p.t.Helper()
	who.pass = true
	v = p.enter(who)
	if who.authority == account.PortalAdmin {
		v.post("/setup/method", "method", "totp").to("/setup/totp")
	}
	key = v.key("/setup/totp")
	v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
	v.Clock.Set(v.Clock.Now().Add(time.Minute))
	return v, key
}

func TestANewPhoneReplacesTheOldOneWhenItIsProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v, old := withPhone(build(t, w), general)
		other := *v
		other.signIn(false)
		key := v.key("/profile/totp")
		v.get("/profile/totp").is(http.StatusOK, "The old one works until")
		v.post("/profile/totp", "code", v.code(old)).is(http.StatusUnprocessableEntity, "did not match")
		if now, err := totp.Find(context.Background(), v.DB, v.Keys, v.ref); err != nil || totp.Text(now.Secret) != totp.Text(old) {
			t.Fatal("the old secret is gone before the new one is proved")
		}
		seen := v.visit()
		form := url.Values{"code": {v.code(key)}}
		v.askAs(seen, http.MethodPost, "/profile/totp", form).to("/profile?done=phone")
		v.askAs(seen, http.MethodPost, "/profile/totp", form).to("/profile?done=phone")
		if now, err := totp.Find(context.Background(), v.DB, v.Keys, v.ref); err != nil || totp.Text(now.Secret) != totp.Text(key) {
			t.Fatal("the new secret is not the account's")
		}
		if v.count("second_step", "door = 'phone'") != 1 || v.count("audit", "act = 'account:method:enrolled'") != 2 {
			t.Error("not one second step and one record")
		}
		if v.count("session", "id = $1 and ended_at is not null", other.session) != 1 {
			t.Error("the other session goes on")
		}
		told := v.letters("method-enrolled")
		if len(told) != 2 || !strings.Contains(told[1].Text, "no longer work") {
			t.Errorf("told %v", told)
		}
	})
}

func TestAnotherNewPhoneGetsAnotherSecret(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v, _ := withPhone(build(t, w), admin)
	first := v.key("/profile/totp")
	v.post("/profile/totp", "code", v.code(first)).to("/profile?done=phone")
	v.pass(time.Minute)
	second := v.key("/profile/totp")
	if totp.Text(first) == totp.Text(second) {
		t.Fatal("the secret of the phone before is shown again")
	}
	v.post("/profile/totp", "code", v.code(second)).to("/profile?done=phone")
}

func TestANewPhoneOffersNoOtherMethod(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v, _ := withPhone(build(t, w), general)
	body := v.get("/profile/totp").is(http.StatusOK).Body.String()
	if strings.Contains(body, "MailOTP") || strings.Contains(body, "/setup/method") {
		t.Error("another method is offered")
	}
}

func TestAMailOTPAccountHasNoPhoneToSetUp(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	v := build(t, w).enter(person{authority: account.GeneralUser, assigned: account.MailOTP})
	v.post("/setup").to("/setup/mailbox")
	v.post("/setup/mailbox", "code", v.mailed()).to("/setup/done")
	v.get("/profile/totp").is(http.StatusForbidden, "A Portal Admin can change the method")
	v.post("/profile/totp", "code", "123456").is(http.StatusForbidden)
	v.enrolled(account.MailOTP)
}

func TestACodeOfTheOldPhoneMakesTheNewOneWaitForTheNext(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	p := build(t, w)
	v, _ := withPhone(p, general)
	v.Clock.Set(storetest.Start.Add(time.Minute))
	key := v.key("/profile/totp")
	v.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := totp.Raise(ctx, tx, v.ref, totp.Step(tx.Now()), 1)
		return err
	})
	v.post("/profile/totp", "code", v.code(key)).is(http.StatusUnprocessableEntity, "was used already", "in about 30 seconds")
	v.pass(30 * time.Second)
	v.post("/profile/totp", "code", v.code(key)).to("/profile?done=phone")
}
