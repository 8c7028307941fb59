package profile

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/operator"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:58.0) Gecko/20100101 Firefox/58.0"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 11_2 like Mac OS X) AppleWebKit/604.4.7 (KHTML, like Gecko) Version/11.0 Mobile/15C114 Safari/604.1"
)

// unsaid is a phrase that is missing, or a value that nobody filled in.
var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!|&lt;no value|<no value`)

func temporary(t *testing.T) *scene {
	t.Helper()
	return open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
}

func (s *scene) staff() account.Account {
	s.t.Helper()
	var o operator.Operator
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = operator.Add(ctx, tx, operator.Operator{Email: "op@portal.example", Name: "Mio Kato", Language: "en", Zone: "UTC"}, "test")
		return err
	})
	return account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name, Method: account.TOTP, Language: o.Language, Zone: o.Zone}
}

func TestTheProfileTellsWhatIsAssignedAndWhatWasProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		for i, c := range []struct {
			authority account.Authority
			assigned  account.Method
			enrolled  []account.Method
			says, not []string
		}{
			{account.GeneralUser, account.TOTP, nil, []string{"General User", "TOTP:", "not set up yet"}, []string{"/profile/totp", "MailOTP", "set up since"}},
			{account.GeneralUser, account.TOTP, []account.Method{account.TOTP}, []string{"TOTP:", "set up since 10 Mar 2018, 12:00 JST", "/profile/totp"}, []string{"not set up yet", "MailOTP"}},
			{account.PortalAdmin, account.MailOTP, []account.Method{account.MailOTP}, []string{"Portal Admin", "MailOTP:", "set up since"}, []string{"not set up yet", "decided by your Portal Admins"}},
			{account.GeneralUser, account.TOTP, []account.Method{account.MailOTP}, []string{"TOTP:", "not set up yet", "Until it is set up", "MailOTP:", "set up since"}, nil},
			{account.GeneralUser, account.MailOTP, []account.Method{account.TOTP}, []string{"MailOTP:", "Until it is set up", "TOTP:"}, nil},
		} {
			a := s.add(fmt.Sprintf("person%d@example.com", i), c.authority, c.assigned, c.enrolled...)
			w := s.ask("GET", "/profile", nil, s.visit(a, firefox))
			body := w.Body.String()
			for _, text := range append(c.says, a.Email, "Hanako Sato", "Aozora Trading", `href="/profile/password"`, `href="/sessions"`) {
				if !strings.Contains(body, text) {
					t.Errorf("person %d: %d, without %q", i, w.Code, text)
				}
			}
			for _, text := range c.not {
				if strings.Contains(body, text) {
					t.Errorf("person %d: says %q", i, text)
				}
			}
		}
	})
}

func TestAOneStepSessionIsToldWhatOpensAndFromWhen(t *testing.T) {
	s := temporary(t)
	v := s.visit(s.add("taro@example.com", account.GeneralUser, account.TOTP), firefox)
	v.TwoStep, v.OneStep = false, true
	v.Opens, v.OwnEnd = storetest.Start.AddDate(0, 0, 7), storetest.Start.AddDate(0, 1, 0)
	if body := s.ask("GET", "/profile", nil, v).Body.String(); !strings.Contains(body, "set it up from 17 Mar 2018, 12:00 JST") || strings.Contains(body, `href="/setup"`) {
		t.Error("before the period it does not say from when")
	}
	v.Setup = true
	if body := s.ask("GET", "/profile", nil, v).Body.String(); !strings.Contains(body, "set it up by 10 Apr 2018, 12:00 JST") || !strings.Contains(body, `href="/setup"`) {
		t.Error("in the period it does not lead to the set-up")
	}
	if body := s.ask("GET", "/profile", nil, v).Body.String(); strings.Contains(body, "suspend an account") {
		t.Error("a General User is offered what only a Portal Admin may")
	}
	v.Person.Authority = account.PortalAdmin
	if body := s.ask("GET", "/profile", nil, v).Body.String(); !strings.Contains(body, "suspend an account that is not an enrolled Portal Admin") {
		t.Error("a Portal Admin is not told that he may suspend")
	}
}

func TestTheProfileTellsThatANewPasswordWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", account.GeneralUser, account.MailOTP, account.MailOTP)
		v := s.visit(a, firefox)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, used_at, aside, waits_until, needs_approval)
				values ('r', $1, $2, $3, $4, $5, $6, $7, $8, false)`, []byte("d"), a.Organization, a.ID, store.Micros(tx.Now()),
				store.Micros(tx.Now()), store.Micros(tx.Now()), []byte("sealed"), store.Micros(tx.Now().AddDate(0, 0, 1)))
			return err
		})
		told := func() bool {
			body := s.ask("GET", "/profile", nil, v).Body.String()
			return strings.Contains(body, "It counts from 11 Mar 2018, 12:00 JST (03:00 UTC) on.")
		}
		if !told() {
			t.Error("it waits, and the profile does not say so")
		}
		w.Clock.Set(storetest.Start.AddDate(0, 0, 1))
		if told() {
			t.Error("it counts, and the profile offers to refuse it")
		}
	})
}

func TestTheSessionsAreListedWithThisOneMarked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", account.GeneralUser, account.TOTP)
		other, this := s.visit(a, iphone), s.visit(a, firefox)
		s.visit(s.add("ken@example.com", account.GeneralUser, account.TOTP), "somebody else's browser")
		body := s.ask("GET", "/sessions", nil, this).Body.String()
		for _, text := range []string{"Firefox on Windows", "Safari on iPhone", "203.0.113.7<", "10 Mar 2018, 12:00 JST", "End the other session", other.ID} {
			if !strings.Contains(body, text) {
				t.Errorf("without %q", text)
			}
		}
		if strings.Count(body, "This one") != 1 || strings.Contains(body, this.Session.ID) || strings.Count(body, "<tr>") != 3 {
			t.Error("this session is not marked once, or somebody else's is listed")
		}
	})
}

func TestASessionIsEndedByItsOwnerAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, b := s.add("taro@example.com", account.GeneralUser, account.TOTP), s.add("ken@example.com", account.GeneralUser, account.TOTP)
		this, other, foreign := s.visit(a, firefox), s.visit(a, iphone), s.visit(b, firefox)
		bodies := map[string]bool{}
		for _, id := range []string{foreign.Session.ID, "unknown", ""} {
			w := s.ask("POST", "/sessions", url.Values{"session": {id}}, this)
			if bodies[w.Body.String()] = true; w.Code != http.StatusNotFound {
				t.Errorf("%q: %d", id, w.Code)
			}
		}
		if len(bodies) != 1 {
			t.Error("unknown and somebody else's are answered differently")
		}
		if !s.open(b)[foreign.Session.ID] {
			t.Error("somebody else's session ended")
		}
		end := func() int {
			return s.ask("POST", "/sessions", url.Values{"session": {other.Session.ID}}, this).Code
		}
		if code := end(); code != http.StatusSeeOther || s.open(a)[other.Session.ID] || !s.open(a)[this.Session.ID] {
			t.Errorf("%d, open are %v", code, s.open(a))
		}
		if code := end(); code != http.StatusNotFound {
			t.Errorf("a second time: %d", code)
		}
		rows, err := audit.Read(t.Context(), s.DB, audit.Filter{Chain: s.org})
		if err != nil || len(rows) != 1 || rows[0].Act != "account:session:ended" || rows[0].Detail["session"] != other.Session.ID {
			t.Errorf("the record says %v, %v", rows, err)
		}
	})
}

func TestAllOthersEndAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, b := s.add("taro@example.com", account.GeneralUser, account.TOTP), s.add("ken@example.com", account.GeneralUser, account.TOTP)
		this, foreign := s.visit(a, firefox), s.visit(b, firefox)
		s.visit(a, iphone)
		s.visit(a, iphone)
		w2 := s.ask("POST", "/sessions", url.Values{"act": {"others"}}, this)
		if open := s.open(a); w2.Code != http.StatusSeeOther || len(open) != 1 || !open[this.Session.ID] || !s.open(b)[foreign.Session.ID] {
			t.Errorf("%d, open are %v", w2.Code, open)
		}
		if body := s.ask("GET", "/sessions?done=others", nil, this).Body.String(); !strings.Contains(body, "All other sessions were ended.") || !strings.Contains(body, "You are signed in nowhere else.") {
			t.Error("the page does not say that it was done")
		}
		s.ask("POST", "/sessions", url.Values{"act": {"others"}}, this)
		rows, err := audit.Read(t.Context(), s.DB, audit.Filter{Chain: s.org})
		if err != nil || len(rows) != 1 || rows[0].Detail["count"] != "2" {
			t.Errorf("the record says %v, %v", rows, err)
		}
	})
}

func TestNothingEndsWhenTheGateWouldNotLetPassAnyMore(t *testing.T) {
	s := temporary(t)
	a := s.add("taro@example.com", account.GeneralUser, account.TOTP)
	this, other := s.visit(a, firefox), s.visit(a, iphone)
	this.Again = func(context.Context, *store.Tx) error { return fault.New(fault.Refused, "session.refused") }
	for _, form := range []url.Values{{"act": {"others"}}, {"session": {other.Session.ID}}} {
		if w := s.ask("POST", "/sessions", form, this); w.Code != http.StatusForbidden || !s.open(a)[other.Session.ID] {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
}

func TestEveryPageSpeaksBothLanguages(t *testing.T) {
	s := temporary(t)
	one := s.visit(s.add("one@example.com", account.PortalAdmin, account.TOTP), "")
	one.TwoStep, one.OneStep = false, true
	visits := []*session.Visit{one, s.visit(s.staff(), firefox),
		s.visit(s.add("two@example.com", account.GeneralUser, account.MailOTP, account.MailOTP), iphone)}
	for _, lang := range phrase.Langs {
		for i, v := range visits {
			for _, path := range []string{"/profile?done=password&", "/profile?done=refused&", "/profile?done=made-up&", "/sessions?done=one&", "/sessions?"} {
				w := s.ask("GET", path+"lang="+string(lang), nil, v)
				lost := unsaid.FindString(w.Body.String())
				if w.Code != http.StatusOK || lost != "" {
					t.Errorf("visit %d, %s in %s: %d, unsaid %q", i, path, lang, w.Code, lost)
				}
				if notice := strings.Contains(w.Body.String(), `class="notice"`); notice == (strings.Contains(path, "made-up") || path == "/sessions?") {
					t.Errorf("%s: a notice is shown: %t", path, notice)
				}
			}
		}
	}
}
