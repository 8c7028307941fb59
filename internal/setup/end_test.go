package setup

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

func TestASetUpNotFinishedAtTheOwnEndEnrollsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		v.Clock.Set(ownEnd.Add(-50 * time.Minute))
		v.get("/setup").is(http.StatusOK, "This must be finished before 9 Apr 2018, 12:00 JST", "you will need a pass")
		key := v.untilApp()
		v.Clock.Set(ownEnd.Add(-time.Second))
		seen := v.visit() // the gate lets pass a second before the end
		v.Clock.Set(ownEnd)
		v.askAs(seen, http.MethodPost, "/setup/totp", url.Values{"code": {v.code(key)}}).is(http.StatusForbidden)
		v.nothing()
	})
}

func TestOfManyWhoFinishAtOnceOneEnrolls(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		v := build(t, w).enter(general)
		key := v.untilApp()
		form := url.Values{"code": {v.code(key)}}
		var all sync.WaitGroup
		var cookies sync.Map
		seen := make([]*session.Visit, 50) // the gate has let all of them pass
		for i := range seen {
			seen[i] = v.visit()
		}
		for i := range seen {
			all.Go(func() {
				a := v.askAs(seen[i], http.MethodPost, "/setup/totp", form)
				if a.Code != http.StatusSeeOther || a.Header().Get("Location") != "/setup/done" {
					t.Errorf("answered %d:\n%s", a.Code, a.Body)
				}
				if a.Header().Get("Set-Cookie") != "" {
					cookies.Store(i, true)
				}
			})
		}
		all.Wait()
		given := 0
		cookies.Range(func(any, any) bool { given++; return true })
		if given != 1 {
			t.Errorf("%d browsers were given a session", given)
		}
		v.enrolled(account.TOTP)
	})
}

func TestBothLanguagesSayEveryPage(t *testing.T) {
	for _, lang := range phrase.Langs {
		t.Run(string(lang), func(t *testing.T) {
			w := storetest.Open(t, t.TempDir()+"/nidan.db")
			v := build(t, w).enter(person{authority: account.PortalAdmin, assigned: account.TOTP, weak: true, language: lang})
			v.lang = string(lang)
			v.Clock.Set(ownEnd.Add(-50 * time.Minute))
			v.get("/setup/method").is(http.StatusOK)
			v.post("/setup/method").is(http.StatusUnprocessableEntity)
			v.post("/setup/method", "method", "totp").to("/setup")
			v.get("/setup").is(http.StatusOK)
			v.post("/setup").to("/setup/mailbox")
			v.get("/setup/mailbox").is(http.StatusOK)
			v.post("/setup/mailbox", "code", "1").is(http.StatusUnprocessableEntity)
			v.post("/setup/mailbox", "code", "12345678").is(http.StatusUnprocessableEntity)
			v.post("/setup/mailbox", "code", v.mailed()).to("/setup/password")
			v.get("/setup/password").is(http.StatusOK)
			v.post("/setup/password", "password", "korrekt pferd batterie", "password_again", "korrekt pferd batterie").to("/setup/totp")
			key := v.key("/setup/totp")
			for range manyWrong {
				v.post("/setup/totp", "code", "000000").is(http.StatusUnprocessableEntity)
			}
			v.post("/setup/totp", "code", totp.Code(key, totp.Step(v.Clock.Now())-9)).is(http.StatusUnprocessableEntity)
			v.post("/setup/totp", "code", v.code(key)).to("/setup/done")
			v.get("/setup/done").is(http.StatusOK)
			v.key("/profile/totp")
			for _, kind := range []string{"code", "method-enrolled"} {
				for _, l := range v.letters(kind) {
					if l.Language != string(lang) || strings.ContainsAny(l.Subject+l.Text, "[{") || strings.Contains(l.Text, "\n\n\n") {
						t.Errorf("%+v", l)
					}
				}
			}
		})
	}
}
