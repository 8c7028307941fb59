package people

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAPassByMailIsALinkToTheStoredAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui := s.visit(s.admin("Olga Admin")), s.user("Yui User")
		page := "/accounts/" + yui.ID
		s.is(s.ask(olga, "GET", page+"/pass"), http.StatusOK, "Give a pass", "the right person")
		a := s.ask(olga, "POST", page+"/pass", "way", "mail")
		s.is(a, http.StatusUnprocessableEntity, "Enter the reason")
		s.is(s.ask(olga, "POST", page+"/pass", "way", "pigeon", "why", "x"), http.StatusUnprocessableEntity, "one of the two ways")
		s.is(s.ask(olga, "POST", page+"/pass", "way", "mail", "why", strings.Repeat("a", 201)), http.StatusUnprocessableEntity)
		s.to(s.ask(olga, "POST", page+"/pass", "way", "mail", "why", "lost the phone"), page+"?done=mailed")
		m := s.mailed(yui)
		_, token, ok := strings.Cut(m.Text, "https://portal.example/pass/")
		if !ok || !strings.Contains(m.Text, "Olga Admin, a Portal Admin of your organization,") || !strings.Contains(m.Text, "lost the phone") ||
			strings.Contains(m.Text, "/signin") || !strings.Contains(m.Subject, "11 Mar 2018") {
			t.Errorf("%s\n%s", m.Subject, m.Text)
		}
		token, _, _ = strings.Cut(token, "\n")
		ref, p, err := pass.ByToken(t.Context(), s.DB, token)
		if err != nil || ref != yui.Ref || !p.Valid(w.Clock.Now().Add(24*time.Hour-time.Second)) || p.Valid(w.Clock.Now().Add(24*time.Hour)) {
			t.Errorf("%+v %+v, %v", ref, p, err)
		}
		if s.count("audit where act = 'account:pass:given' and detail like '%lost the phone%'") != 1 || s.count("audit where detail like '%"+token+"%'") != 0 {
			t.Error("not recorded once, or the link is in the record")
		}
		s.is(s.ask(olga, "GET", page+"?done=mailed"), http.StatusOK, "A pass was mailed to Yui User", "until 11 Mar 2018", "lost the phone", "Olga Admin")
		s.is(s.ask(olga, "GET", "/accounts"), http.StatusOK, "until 11 Mar 2018")
		// Withdrawn, it opens nothing, and the owner is told.
		s.to(s.ask(olga, "POST", page+"/pass", "act", "withdraw"), page+"?done=withdrawn")
		if _, p, _ := pass.ByToken(t.Context(), s.DB, token); p.Valid(w.Clock.Now()) || !strings.Contains(s.mailed(yui).Subject, "was withdrawn") {
			t.Error("it still opens, or nobody was told")
		}
		s.to(s.ask(olga, "POST", page+"/pass", "act", "withdraw"), page)
		if s.count("mail where kind = 'pass-withdrawn'") != 1 || s.count("audit where act = 'account:pass:withdrawn'") != 1 {
			t.Error("withdrawn twice")
		}
	})
}

func TestACodeToHandOverIsShownOnceAndStandsNowhereElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui := s.visit(s.admin("Olga Admin")), s.user("Yui User")
		a := s.ask(olga, "POST", "/accounts/"+yui.ID+"/pass", "way", "hand", "why", "lost the phone")
		s.is(a, http.StatusOK, "shown on this page only")
		if a.Header().Get("Cache-Control") != "no-store" {
			t.Error("a browser may keep the page")
		}
		code := passCode.FindString(a.Body.String())
		if code == "" {
			t.Fatal("there is no code on the page")
		}
		if m := s.mailed(yui); strings.Contains(m.Text, code) || strings.Contains(m.Text, "https://") || !strings.Contains(m.Text, "handed to you in person") {
			t.Errorf("%s", m.Text)
		}
		for _, path := range []string{"/accounts/" + yui.ID, "/accounts", "/accounts/" + yui.ID + "/pass"} {
			if strings.Contains(s.ask(olga, "GET", path).Body.String(), code) {
				t.Errorf("%s shows the code again", path)
			}
		}
		plain, _ := pass.Typed(code)
		if s.count("audit where detail like '%"+code+"%' or detail like '%"+plain+"%'") != 0 {
			t.Error("the code is in the record")
		}
		// Sent again, the form gives a new one, and the older is replaced.
		second := passCode.FindString(s.ask(olga, "POST", "/accounts/"+yui.ID+"/pass", "way", "hand", "why", "lost the phone").Body.String())
		if second == code || s.count("pass where replaced_at is not null") != 1 || s.count("pass") != 2 {
			t.Error("there are two open passes, or one code twice")
		}
	})
}

func TestAMailOTPAccountIsAskedAboutFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		yui := s.add(s.org, "Yui User", account.GeneralUser, account.MailOTP, account.MailOTP)
		s.visit(yui)
		page := "/accounts/" + yui.ID
		s.is(s.ask(olga, "GET", page+"/pass"), http.StatusOK, "Back to TOTP", "Change the address", `href="/accounts/`+yui.ID+`/address"`)
		s.to(s.ask(olga, "POST", page+"/pass", "way", "mail", "why", "x"), page+"/pass")
		s.is(s.ask(olga, "GET", "/accounts/passes?id="+yui.ID), http.StatusOK, "No pass from here", "decide on its own page")
		if s.count("pass") != 0 || s.methodOf(yui) != account.MailOTP || s.count("mail") != 0 {
			t.Fatal("something was given silently")
		}
		s.is(s.ask(olga, "GET", page+"/pass?back=totp"), http.StatusOK, "Yui User goes back to TOTP")
		s.is(s.ask(olga, "POST", page+"/pass", "way", "hand", "why", "mailbox closed", "back", "totp"), http.StatusOK, "Code of the pass")
		if s.count("pass") != 1 || s.methodOf(yui) != account.TOTP || s.count("session where ended_at is null") != 1 ||
			s.count("audit where act = 'account:method:changed'") != 1 || s.count("mailotp") != 1 {
			t.Error("not back to TOTP, or the older way is gone before the new one is proved")
		}
		if !strings.Contains(s.mailed(yui).Text, "goes back to TOTP") {
			t.Error("the owner is not told")
		}
	})
}

func TestNobodyGivesOneToHimselfOrToWhoIsSuspended(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		me, gone := s.admin("Olga Admin"), s.user("Gone Away")
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, gone.Ref, "test") })
		olga := s.visit(me)
		for _, a := range []account.Account{me, gone} {
			s.is(s.ask(olga, "GET", "/accounts/"+a.ID+"/pass"), http.StatusForbidden)
			s.is(s.ask(olga, "POST", "/accounts/"+a.ID+"/pass", "way", "hand", "why", "x"), http.StatusForbidden)
			a := s.ask(olga, "POST", "/accounts/passes", "ids", a.ID, "way-"+a.ID, "hand", "why", "x")
			s.is(a, http.StatusOK)
			if passCode.MatchString(a.Body.String()) {
				t.Error("a code was given")
			}
		}
		general := s.visit(s.user("Yui User"))
		s.is(s.ask(general, "POST", "/accounts/"+gone.ID+"/pass", "way", "hand", "why", "x"), http.StatusForbidden)
		if s.count("pass") != 0 || s.count("mail") != 0 {
			t.Error("a pass was given")
		}
	})
}

func TestAListGetsItsPassesEachInTheChosenWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		a, b, c := s.user("Aki A"), s.user("Ben B"), s.user("Cho C")
		foreign := s.add(s.other, "Bruno Brenn", account.GeneralUser, account.TOTP)
		ids := strings.Join([]string{a.ID, b.ID, c.ID, foreign.ID, a.ID, "x"}, ",")
		page := s.ask(olga, "GET", "/accounts/passes?id="+strings.ReplaceAll(ids, ",", "&id="))
		s.is(page, http.StatusOK, "Aki A", "Ben B", "Cho C")
		if strings.Contains(page.Body.String(), "Bruno") {
			t.Error("somebody of another organization is shown")
		}
		s.is(s.ask(olga, "POST", "/accounts/passes", "ids", ids, "why", "missed the end"), http.StatusUnprocessableEntity, "Nobody was chosen")
		given := s.ask(olga, "POST", "/accounts/passes", "ids", ids, "why", "missed the end",
			"way-"+a.ID, "mail", "way-"+b.ID, "hand", "way-"+c.ID, "none", "way-"+foreign.ID, "hand")
		s.is(given, http.StatusOK, "A link was mailed to "+a.Email)
		if n := len(passCode.FindAllString(given.Body.String(), -1)); n != 1 || s.count("pass") != 2 ||
			s.count("audit where act = 'account:pass:given'") != 2 || s.count("mail where kind = 'pass'") != 2 {
			t.Errorf("%d codes, %d passes", n, s.count("pass"))
		}
	})
}
