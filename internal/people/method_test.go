package people

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAChangeOfMethodEndsAllSessionsIsToldAndRecorded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		yui := s.add(s.org, "Yui User", account.GeneralUser, account.TOTP, account.TOTP)
		s.visit(yui)
		s.visit(yui)
		s.is(s.ask(olga, "GET", "/accounts/"+yui.ID+"/method"), http.StatusOK, "AAL2")
		s.is(s.ask(olga, "POST", "/accounts/"+yui.ID+"/method"), http.StatusUnprocessableEntity, "Choose TOTP or MailOTP")
		s.is(s.ask(olga, "POST", "/accounts/"+yui.ID+"/method", "method", "sms"), http.StatusForbidden)
		s.to(s.ask(olga, "POST", "/accounts/"+yui.ID+"/method", "method", "mailotp"), "/accounts/"+yui.ID+"?done=mailotp")
		if s.methodOf(yui) != account.MailOTP || s.count("session where ended_at is null") != 1 ||
			s.count("audit where act = 'account:method:changed' and detail like '%\"to\":\"mailotp\"%'") != 1 {
			t.Error("not saved, sessions go on, or not recorded")
		}
		if m := s.mailed(yui); m.Subject != "Your second verification on Business Portal is now MailOTP" {
			t.Errorf("%+v", m)
		}
		s.is(s.ask(olga, "GET", "/accounts/"+yui.ID+"?done=mailotp"), http.StatusOK, "Yui User signs in with MailOTP from the next sign-in on", "not set up yet")
		// The same form sent twice changes and tells nothing more.
		s.to(s.ask(olga, "POST", "/accounts/"+yui.ID+"/method", "method", "mailotp"), "/accounts/"+yui.ID+"?done=same")
		if s.count("audit") != 1 || s.count("mail where kind = 'method-changed'") != 1 {
			t.Error("done twice")
		}
	})
}

func TestOnesOwnChangeToMailOTPIsSavedWithACodeOfThisMailboxAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.admin("Olga Admin")
		v, own := s.visit(olga), "/accounts/"+olga.ID
		s.to(s.ask(v, "GET", own+"/mailbox"), own+"/method")
		s.is(s.ask(v, "POST", own+"/mailbox", "code", "12345678"), http.StatusUnprocessableEntity)
		s.to(s.ask(v, "POST", own+"/method", "method", "mailotp"), own+"/mailbox")
		s.is(s.ask(v, "GET", own+"/mailbox"), http.StatusOK, olga.Email)
		code := codeLine.FindStringSubmatch(s.mailed(olga).Text)[1]
		second := s.visit(olga) // a code is bound to the browser that asked for it
		s.is(s.ask(second, "POST", own+"/mailbox", "code", code), http.StatusUnprocessableEntity)
		if s.methodOf(olga) != account.TOTP {
			t.Fatal("saved without the code")
		}
		s.to(s.ask(v, "POST", own+"/mailbox", "code", code), "/signin")
		if s.methodOf(olga) != account.MailOTP || s.count("mailotp") != 1 || s.count("totp") != 0 ||
			s.count("session where ended_at is null") != 0 || s.count("audit where act = 'account:method:changed'") != 1 {
			t.Error("not saved, or not as a whole")
		}
		admins, err := account.Abilities(t.Context(), s.DB, s.org)
		if err != nil || len(account.Able(admins)) != 1 {
			t.Errorf("the mailbox has answered, and still nobody is able: %+v, %v", admins, err)
		}
	})
}

func TestAMailedCodeTooOldSavesNothing(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	olga := s.admin("Olga Admin")
	v, own := s.visit(olga), "/accounts/"+olga.ID
	s.to(s.ask(v, "POST", own+"/method", "method", "mailotp"), own+"/mailbox")
	code := codeLine.FindStringSubmatch(s.mailed(olga).Text)[1]
	w.Clock.Set(w.Clock.Now().Add(10 * time.Minute))
	s.is(s.ask(v, "POST", own+"/mailbox", "code", code), http.StatusUnprocessableEntity, "more than 10 minutes ago")
	if s.methodOf(olga) != account.TOTP {
		t.Error("saved")
	}
}

// Two Portal Admins, the only able ones, each about to set the other to a MailOTP
// that no mailbox has answered for: one able Portal Admin stays.
func TestOfTwoChangesAtOnceOneLeavesAnAblePortalAdmin(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, sven := s.admin("Olga Admin"), s.admin("Sven Admin")
		hers, his := s.visit(olga), s.visit(sven)
		hers.Again = func(context.Context, *store.Tx) error { return nil } // the gate lets both pass: the rule alone decides
		his.Again = hers.Again
		visits := []func() int{
			func() int {
				return s.ask(hers, "POST", "/accounts/"+sven.ID+"/method", "method", "mailotp").Code
			},
			func() int {
				return s.ask(his, "POST", "/accounts/"+olga.ID+"/method", "method", "mailotp").Code
			},
		}
		var all sync.WaitGroup
		codes := make([]int, 2)
		for i, act := range visits {
			all.Go(func() { codes[i] = act() })
		}
		all.Wait()
		admins, err := account.Abilities(t.Context(), s.DB, s.org)
		must(t, err)
		if len(account.Able(admins)) != 1 || codes[0] == codes[1] {
			t.Errorf("%v, able: %d", codes, len(account.Able(admins)))
		}
	})
}

func TestTheLastAblePortalAdminKeepsAMethodThatWorks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, sven := s.admin("Olga Admin"), s.admin("Sven Admin")
		v := s.visit(olga)
		// Olga's second verification was stopped since her fresh code: Sven is the last able one.
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at) values ($1, $2, $3)`,
				olga.Organization, olga.ID, store.Micros(tx.Now()))
			return err
		})
		s.is(s.ask(v, "POST", "/accounts/"+sven.ID+"/method", "method", "mailotp"), http.StatusForbidden, "last Portal Admin of your organization who can act")
		if s.methodOf(sven) != account.TOTP || s.count("mail") != 0 {
			t.Error("done all the same")
		}
	})
}
