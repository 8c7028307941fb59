package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/route"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// states are accounts in every state that a wrong password must not tell apart.
func (a *attacker) states() []string {
	a.t.Helper()
	hash, err := a.pool.Hash(context.Background(), typed)
	if err != nil {
		a.t.Fatal(err)
	}
	names := []string{"app", "mailed", "grace", "nobody", "lifted", "stopped", "voided", "barred", "bare!!", "oldmd5", "unread", "listed", "absent"}
	err = a.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		var org string
		if err := tx.QueryRow(ctx, `select id from organization`).Scan(&org); err != nil {
			return err
		}
		for _, name := range names[4:11] {
			one, err := account.Add(ctx, tx, a.Keys, account.Account{Ref: account.Ref{Organization: org}, Email: name + "@aozora.example",
				Name: name, Phone: "1", Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "test")
			if err != nil {
				return err
			}
			stored := map[string]string{"bare!!": "", "oldmd5": "{SMD5}9U6ZsNMtmkrRsxNTgnlVlHNhbHQ=", "unread": "$unknown$x"}
			kept, own := stored[name]
			if !own {
				kept = hash
			}
			if name != "bare!!" {
				err = password.Set(ctx, tx, one.Ref, kept, password.Changed)
			}
			if err == nil && (name == "stopped" || name == "voided") {
				_, err = tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, `+name[:4]+map[string]string{"stopped": "ped_at", "voided": "_at"}[name]+`) values ($1, $2, $3)`,
					org, one.ID, store.Micros(tx.Now()))
			}
			if err == nil && name == "lifted" {
				err = account.Suspend(ctx, tx, one.Ref, "test")
			}
			if err == nil && name == "barred" {
				_, err = tx.Exec(ctx, `update account set network_check = true where organization_id = $1 and id = $2`, org, one.ID)
			}
			if err != nil {
				return err
			}
		}
		var listed []string
		for _, name := range names[11:] {
			one, err := operator.Add(ctx, tx, operator.Operator{Email: name + "@aozora.example", Name: name, Language: "en", Zone: "UTC"}, "test")
			if err != nil {
				return err
			}
			if err := password.Set(ctx, tx, one.Ref(), hash, password.Changed); err != nil {
				return err
			}
			if err := totp.Enroll(ctx, tx, a.Keys, one.Ref(), a.key, 0, 0); err != nil {
				return err
			}
			if name == "listed" {
				listed = append(listed, one.ID)
			}
		}
		_, err := maintenance.Plan(ctx, tx, a.Clock.Now().Add(time.Hour), a.Clock.Now().Add(2*time.Hour), "test", listed...)
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return names
}

// answer is all that somebody sees of a sign-in, and what it cost.
func (a *attacker) answer(path, name, typed string) string {
	a.t.Helper()
	form := url.Values{"email": {name + "@aozora.example"}, "password": {typed}}
	ctx, trips := store.Counting(context.Background())
	hashes := a.pool.Hashes()
	answer := a.send("a stranger", request(a.t, "POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode())).WithContext(ctx))
	body := strings.ReplaceAll(answer.Body.String(), name+"@", "NAME@")
	answer.Header().Del(page.RequestNumber) // another each time
	return fmt.Sprint(answer.Code, " ", trips.N(), " round trips ", a.pool.Hashes()-hashes, " hashes ", answer.Header(), body)
}

func TestBeforeTheRightPasswordEveryAccountIsAnsweredAlike(t *testing.T) {
	t.Parallel() // it has a portal of its own, and takes long
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a := attack(t, w)
		names := a.states()
		alike := func(when, path, typed string, names ...string) {
			t.Helper()
			answers := map[string][]string{}
			a.answer(path, "warming", typed) // the first of its kind reads what was planned
			for _, name := range names {
				one := a.answer(path, name, typed)
				answers[one] = append(answers[one], name)
			}
			if len(answers) != 1 {
				for answer, names := range answers {
					t.Errorf("%s, %s: %q are answered: %.3000s", when, path, names, answer)
				}
			}
		}
		alike("any time", "/signin", "a wrong password", names...)
		alike("any time", "/operator/signin", "a wrong password", names...)
		// At the wrong door the right password is a wrong one.
		alike("any time", "/signin", typed, "nobody", "listed", "absent")
		alike("any time", "/operator/signin", typed, names[:11]...)
		w.Clock.Set(w.Clock.Now().Add(90 * time.Minute))
		alike("in a window", "/operator/signin", "a wrong password", names...)
		alike("in a window", "/operator/signin", typed, append(names[:11:11], "absent")...)
		alike("in a window", "/signin", typed, names...)
		if one := a.answer("/operator/signin", "listed", typed); !strings.HasPrefix(one, "303") {
			t.Errorf("who is on the window's list does not enter: %s", one)
		}
	})
}

func TestNoPostOfAnotherSiteIsTaken(t *testing.T) {
	t.Parallel()
	a := attack(t, storetest.Open(t, storetest.SQLite(t)))
	sessions := a.count(`session where ended_at is null`)
	for _, path := range append(a.paths("POST"), "//evil.example", "/") {
		for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/x"} {
			for _, origin := range []string{value, "null", "http://127.0.0.1:8080.evil.example"} {
				if name == "Sec-Fetch-Site" {
					origin = "same-site" // a sibling host is another site all the same
				}
				r := request(t, "POST", path, "application/x-www-form-urlencoded", strings.NewReader(""))
				r.Header.Set(name, origin)
				if answer := a.send("two steps", r); answer.Code != http.StatusForbidden {
					t.Errorf("POST %s with %s %q: %d", path, name, origin, answer.Code)
				}
			}
		}
	}
	if a.count(`session where ended_at is null`) != sessions {
		t.Error("somebody was signed out from another site")
	}
}

// A gate that lets a session in by its name alone has a proof to ask for.
func TestEveryFormThatChangesAnAccountAsksForAProof(t *testing.T) {
	t.Parallel()
	p := portal(t, storetest.Open(t, storetest.SQLite(t)), false)
	standing := map[string]string{"POST /confirm": "is the proof", "POST /sessions": "ends sessions alone",
		"POST /progress/remind": "writes to each person once a day at most, and changes nothing",
		"POST /tickets/new":     "asks us something", "POST /tickets/{id}": "says something in a thread",
		"POST /operator/tickets/{id}": "says something in a thread", "POST /operator/tickets/{id}/assign": "says who works at it",
		"POST /operator/tickets/templates": "keeps words to begin with"}
	for _, rt := range p.Routes() {
		if strings.HasPrefix(rt.Pattern, "POST ") && rt.Gate.Who >= route.Admitted && rt.Gate.Proof == route.Standing && standing[rt.Pattern] == "" {
			t.Errorf("%s asks for no fresh proof", rt.Pattern)
		}
	}
}

func TestAMailedCodeOpensItsOwnSignInAndDoorAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		enter := func() *http.Client {
			k.browser()
			k.later(time.Second)
			k.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
			return k.client
		}
		first := enter()
		code := k.mailed()
		second := enter()
		other := k.mailed()
		k.do("", "POST", "/signin/code", 422, "code", code) // of the other browser
		k.client = first
		k.do("", "POST", "/signin/code", 422, "code", other)
		k.do("", "POST", "/signin/code", 303, "code", code)
		k.do("", "POST", "/confirm", 422, "code", code)  // spent
		k.do("", "POST", "/confirm", 422, "code", other) // of another door
		k.client = second
		k.do("", "POST", "/signin/code", 303, "act", "send")
		newest := k.mailed()
		k.do("", "POST", "/signin/code", 422, "code", other) // replaced
		k.do("", "POST", "/signin/code", 303, "code", newest)
	})
}

func TestAPasswordAloneEnrollsNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.do("", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed)
		k.do("", "POST", "/setup/totp", 303, "code", "000000")
		k.do("", "GET", "/setup/totp", 303)
		k.do("", "POST", "/setup/method", 303, "method", "totp")
		k.do("", "GET", "/setup/totp", 303)
		k.do("", "POST", "/setup/mailbox", 303, "code", "00000000")
		k.do("", "POST", "/setup", 303)
		k.do("", "POST", "/setup/mailbox", 422, "code", "00000000")
		code := k.mailed()
		intruder := k.client
		// The owner has the mail; the intruder has a session of the same account.
		k.browser()
		k.do("", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed)
		k.do("", "POST", "/setup/method", 303, "method", "mailotp")
		k.do("", "POST", "/setup/mailbox", 303, "code", code)
		k.do("", "GET", "/setup/totp", 303)
		k.client = intruder
		k.do("", "GET", "/profile/totp", 403)
		k.do("", "POST", "/profile/totp", 403, "code", "000000")
		var n int
		if err := w.DB.QueryRow(t.Context(), `select count(*) from second_step`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d second steps, %v", n, err)
		}
	})
}
