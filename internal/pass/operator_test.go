package pass

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// admin adds a Portal Admin; able ones have proved TOTP.
func (s *scene) admin(name string, able bool) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: s.org}, Email: strings.ToLower(name) + "@aozora.example", Name: name, Phone: "03",
		Authority: account.PortalAdmin, Language: phrase.English, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil || !able {
			return err
		}
		return totp.Enroll(ctx, tx, s.Keys, a.Ref, make([]byte, 20), 1, 1)
	})
	return a
}

func (s *scene) operator() *session.Visit {
	s.t.Helper()
	v := &session.Visit{TwoStep: true, From: "198.51.100.1/32", Again: func(context.Context, *store.Tx) error { return nil }}
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: "abe@portal.example", Name: "Taro Abe", Language: phrase.English, Zone: "Asia/Tokyo"}, "test")
		if err != nil {
			return err
		}
		v.Person = account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name, Language: o.Language, Zone: o.Zone}
		_, v.Session, err = session.Start(ctx, tx, o.Ref(), v.From, "a browser", "")
		return err
	})
	return v
}

// signedIn writes that somebody proved a code at a door now.
func (s *scene) signedIn(a account.Account, door string) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, at)
			values ($1, $2, $3, $4, $5, 'totp', $6, $7)`, secret.ID(), a.Organization, a.ID, secret.ID(), door, tx.Now().Unix(), store.Micros(tx.Now()))
		return err
	})
}

func caseOfAccount(a account.Account) string {
	return "/operator/passes/" + a.Organization + "/" + a.ID
}

var grant = []string{"way", "hand", "why", "lost the phone", "ticket", "T-123"}

func TestWithNoOtherAbleOneTheOperatorGivesAgainstATicket(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost, grace := s.operator(), s.admin("Hanako", true), s.admin("Grace", false)
		page := caseOfAccount(lost)
		if a := s.ask(o, "GET", page); a.Code != http.StatusOK || !strings.Contains(a.Body.String(), "No other Portal Admin") {
			t.Fatalf("%d %s", a.Code, a.Body)
		}
		for _, wrong := range [][]string{{"way", "hand", "why", "x"}, {"way", "hand", "why", "x", "ticket", "<b>"}, {"way", "hand", "ticket", "T-1"}, {"why", "x", "ticket", "T-1"}} {
			if a := s.ask(o, "POST", page, wrong...); a.Code != http.StatusUnprocessableEntity {
				t.Errorf("%v: %d", wrong, a.Code)
			}
		}
		if s.count("pass") != 0 {
			t.Fatal("given without a ticket, a reason or a way")
		}
		a := s.ask(o, "POST", page, grant...)
		if a.Code != http.StatusOK || !strings.Contains(a.Body.String(), "shown on this page only") {
			t.Fatalf("%d %s", a.Code, a.Body)
		}
		if s.count("audit where act = 'account:pass:given' and actor_kind = 'operator' and detail like '%\"ticket\":\"T-123\"%' and detail like '%\"why\":\"lost the phone\"%'") != 1 {
			t.Error("who, why and the ticket are not one record")
		}
		if s.count("mail where holder_id = '"+lost.ID+"'") != 1 || s.count("mail where holder_id = '"+grace.ID+"'") != 1 {
			t.Error("not everybody concerned is told")
		}
		list := s.ask(o, "GET", "/operator/passes").Body.String()
		for _, part := range []string{"Hanako", "Taro Abe", "T-123", "lost the phone", "until 11 Mar 2018"} {
			if !strings.Contains(list, part) {
				t.Errorf("%q is not on the list", part)
			}
		}
		if a := s.ask(o, "POST", page, "act", "withdraw"); a.Header().Get("Location") != page+"?done=withdrawn" || s.count("pass where withdrawn_at is not null") != 1 {
			t.Error("not withdrawn")
		}
	})
}

func TestTheTicketThatLedHereIsFilledIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost := s.operator(), s.admin("Hanako", true)
		page := caseOfAccount(lost)
		if body := s.ask(o, "GET", page+"?ticket=T-7").Body.String(); !strings.Contains(body, `value="T-7"`) {
			t.Errorf("the ticket is not filled in:\n%s", body)
		}
		if body := s.ask(o, "GET", page+"?ticket=%22%3E%3Cscript").Body.String(); strings.Contains(body, "<script\"") || strings.Contains(body, `&#34;&gt;`) {
			t.Error("what is no ticket was filled in")
		}
	})
}

func TestWhereOthersAreAbleTheyAreToldAndHaveADay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost, able := s.operator(), s.admin("Hanako", true), s.admin("Able", true)
		page := caseOfAccount(lost)
		refused := func(when string) {
			t.Helper()
			if a := s.ask(o, "POST", page, grant...); a.Code != http.StatusForbidden || s.count("pass") != 0 {
				t.Fatalf("%s: %d", when, a.Code)
			}
		}
		refused("nobody was told")
		s.signedIn(able, "signin") // before they were told: it says nothing
		w.Clock.Set(w.Clock.Now().Add(time.Minute))
		asked := w.Clock.Now()
		for range 2 {
			if a := s.ask(o, "POST", page, "act", "ask", "why", "lost the phone", "ticket", "T-123"); a.Code != http.StatusSeeOther {
				t.Fatalf("%d %s", a.Code, a.Body)
			}
		}
		if s.count("pass_request") != 1 || s.count("mail where kind = 'pass-asked'") != 2 || s.count("audit where act = 'account:pass:asked'") != 1 {
			t.Error("not asked once")
		}
		if list := s.ask(o, "GET", "/operator/passes").Body.String(); !strings.Contains(list, "T-123") || !strings.Contains(list, "11 Mar 2018") {
			t.Errorf("the list:\n%s", list)
		}
		s.signedIn(lost, "signin") // he himself does not count
		w.Clock.Set(asked.Add(Answer - time.Microsecond))
		refused("a moment too early")
		w.Clock.Set(asked.Add(Answer))
		if a := s.ask(o, "GET", page); !strings.Contains(a.Body.String(), "none of them signed in") {
			t.Errorf("%s", a.Body)
		}
		if a := s.ask(o, "POST", page, grant...); a.Code != http.StatusOK || s.count("pass") != 1 || s.count("pass_request where given_at is not null") != 1 {
			t.Errorf("after a day: %d", a.Code)
		}
		refusedAgain := s.ask(o, "POST", page, grant...)
		if refusedAgain.Code != http.StatusForbidden || s.count("pass") != 1 {
			t.Error("a second pass by one request")
		}
	})
}

func TestOneSignInOfAnAbleOneKeepsTheOperatorFromIt(t *testing.T) {
	for _, door := range []string{"signin", "confirm"} {
		storetest.Each(t, func(t *testing.T, w storetest.World) { signsInMeanwhile(t, open(t, w), door) })
	}
}

func signsInMeanwhile(t *testing.T, s *scene, door string) {
	t.Helper()
	o, lost, able := s.operator(), s.admin("Hanako", true), s.admin("Able", true)
	page := caseOfAccount(lost)
	s.ask(o, "POST", page, "act", "ask", "why", "lost the phone", "ticket", "T-123")
	s.Clock.Set(s.Clock.Now().Add(23 * time.Hour))
	s.signedIn(able, door)
	s.Clock.Set(s.Clock.Now().Add(5 * time.Hour))
	if a := s.ask(o, "POST", page, grant...); a.Code != http.StatusForbidden || !strings.Contains(a.Body.String(), "signed in with a code meanwhile") || s.count("pass") != 0 {
		t.Errorf("%s: %d", door, a.Code)
	}
	// Ended, it begins anew, with a new day.
	s.ask(o, "POST", page, "act", "end")
	s.ask(o, "POST", page, "act", "ask", "why", "lost the phone", "ticket", "T-123")
	if a := s.ask(o, "POST", page, grant...); a.Code != http.StatusForbidden || s.count("pass_request") != 2 {
		t.Errorf("anew: %d", a.Code)
	}
}

func TestOperatorsHelpNoGeneralUserAndNobodySuspended(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, user, gone := s.operator(), s.add("user@aozora.example"), s.admin("Gone", true)
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, gone.Ref, "test") })
		for _, a := range []account.Account{user, gone} {
			if answer := s.ask(o, "POST", caseOfAccount(a), grant...); answer.Code != http.StatusForbidden {
				t.Errorf("%s: %d", a.Email, answer.Code)
			}
			if answer := s.ask(o, "GET", caseOfAccount(a)); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "No pass is given now") {
				t.Errorf("%s: %d", a.Email, answer.Code)
			}
		}
		elsewhere := ""
		s.in(func(ctx context.Context, tx *store.Tx) error {
			other, err := organization.Add(ctx, tx, "Brennhof")
			elsewhere = other.ID
			return err
		})
		for _, path := range []string{elsewhere + "/" + gone.ID, s.org + "/" + secret.ID(), "operators/" + o.Person.ID, "%00/x"} {
			if answer := s.ask(o, "POST", "/operator/passes/"+path, grant...); answer.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, answer.Code)
			}
		}
		if s.count("pass") != 0 || s.count("mail") != 0 {
			t.Error("something was given")
		}
	})
}

func TestAMailOTPPortalAdminIsAskedAboutFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost := s.operator(), s.admin("Hanako", false)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			return account.Assign(ctx, tx, lost.Ref, account.MailOTP, "test")
		})
		page := caseOfAccount(lost)
		if a := s.ask(o, "POST", page, grant...); a.Code != http.StatusForbidden || s.count("pass") != 0 {
			t.Fatalf("given silently: %d", a.Code)
		}
		if a := s.ask(o, "GET", page); !strings.Contains(a.Body.String(), "Back to TOTP, or correct the address?") {
			t.Errorf("%s", a.Body)
		}
		if a := s.ask(o, "POST", page, append([]string{"back", "totp"}, grant...)...); a.Code != http.StatusOK ||
			s.count("account where method = 'mailotp'") != 0 || s.count("audit where act = 'account:method:changed'") != 1 {
			t.Errorf("%d", a.Code)
		}
	})
}

func TestTwoOperatorsAtOnceAskOnceAndLeaveOnePassOpen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost := s.operator(), s.admin("Hanako", true)
		s.admin("Able", true)
		both := func(fields ...string) {
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					if a := s.ask(o, "POST", caseOfAccount(lost), fields...); a.Code >= http.StatusInternalServerError {
						t.Errorf("%d", a.Code)
					}
				})
			}
			all.Wait()
		}
		both("act", "ask", "why", "lost the phone", "ticket", "T-123")
		if s.count("pass_request") != 1 || s.count("mail where kind = 'pass-asked'") != 2 {
			t.Error("asked twice")
		}
		w.Clock.Set(w.Clock.Now().Add(Answer))
		both(grant...)
		if s.count("pass") != 1 {
			t.Errorf("%d passes by one request", s.count("pass"))
		}
	})
}

func TestOperatorsFindPortalAdminsByAddressAndOrganization(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.operator()
		s.admin("Hanako", true)
		s.add("user@aozora.example")
		for typed, found := range map[string]bool{"HANAKO@": true, "aozora+trading": true, "Aozora": true, "user@": false, "%25": false, "_": false, "%00'": false} {
			a := s.ask(o, "GET", "/operator/passes?q="+typed)
			if a.Code != http.StatusOK || strings.Contains(a.Body.String(), "hanako@aozora.example") != found {
				t.Errorf("%s: %d, found %t", typed, a.Code, !found)
			}
		}
	})
}
