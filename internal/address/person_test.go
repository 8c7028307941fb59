package address

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAPortalAdminChangesSomebodysAddressAndTheOldOneIsToldByWhom(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui := s.visit(s.admin("Olga")), s.user("Yui")
		theirs := s.visit(yui)
		page := "/accounts/" + yui.ID + "/address"
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, _, err := pass.Give(ctx, tx, yui.Ref, pass.Guide, pass.Given{By: "test", Why: "test"})
			return err
		})
		s.is(s.ask(olga, "GET", page), http.StatusOK, "Yui", yui.Email, "the right person", "send a new one when the address has changed")
		s.is(s.ask(olga, "POST", page, "email", "nobody"), http.StatusUnprocessableEntity, "nobody")
		s.to(s.ask(olga, "POST", page, "email", newBox), page+"?done=asked")
		s.is(s.ask(olga, "GET", page+"?done=asked"), http.StatusOK, newBox, "Link sent", "Withdraw the change")
		if m := s.mailed(yui.Email); !strings.Contains(m.Text, "Olga, a Portal Admin of your organization,") || !strings.Contains(m.Text, "h…w@example.com") {
			t.Errorf("%s", m.Text)
		}
		link := s.link(newBox)
		if m := s.mailed(newBox); !strings.Contains(m.Text, "Olga, a Portal Admin of your organization,") || strings.Contains(m.Text, yui.Email) {
			t.Errorf("%s", m.Text)
		}
		// Withdrawn, the link opens nothing; the owner sees and withdraws it too.
		s.to(s.ask(olga, "POST", page, "act", "withdraw"), page+"?done=withdrawn")
		s.is(s.ask(stranger, "POST", link), http.StatusNotFound)
		s.to(s.ask(olga, "POST", page, "email", newBox), page+"?done=asked")
		s.is(s.ask(theirs, "GET", ownPath), http.StatusOK, "Olga", "Do you know nothing of it?")
		s.to(s.ask(theirs, "POST", ownPath, "act", "withdraw"), ownPath+"?done=withdrawn")
		s.to(s.ask(olga, "POST", page, "email", newBox), page+"?done=asked")
		link = s.link(newBox)
		s.to(s.ask(olga, "POST", link), link) // whoever opens it: the mailbox has answered
		if s.addressOf(yui) != newBox || s.count("pass where withdrawn_at is null") != 0 || s.count("session where ended_at is null and holder_id = '"+yui.ID+"'") != 0 ||
			s.count("session where ended_at is null") != 1 {
			t.Error("not moved, the guide still opens, or sessions go on")
		}
		s.is(s.ask(olga, "GET", page), http.StatusOK, "A starting guide mailed to the old address no longer works", "Changed", "Withdrawn")
		if s.count("audit where act = 'account:address:asked' and actor = '"+olga.Ref.ID+"'") != 3 || s.count("audit where act = 'account:address:withdrawn'") != 2 ||
			s.count("audit where act = 'account:address:changed' and detail like '%"+olga.Ref.ID+"%'") != 1 {
			t.Error("not recorded")
		}
	})
}

// Whoever moves a colleague's mailbox could go on to be that colleague: the other
// Portal Admins are told, and of a General User's address they are not.
func TestOfAPortalAdminsNewAddressTheOthersAreTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, sven, mia, yui := s.admin("Olga"), s.admin("Sven"), s.admin("Mia"), s.user("Yui")
		v := s.visit(olga)
		s.to(s.ask(v, "POST", "/accounts/"+yui.ID+"/address", "email", newBox), "/accounts/"+yui.ID+"/address?done=asked")
		if n := s.count("mail where recipient in ('" + mia.Email + "', '" + sven.Email + "')"); n != 0 {
			t.Errorf("%d letters to Portal Admins about a General User", n)
		}
		s.to(s.ask(v, "POST", "/accounts/"+sven.ID+"/address", "email", newBox), "/accounts/"+sven.ID+"/address?done=asked")
		if m := s.mailed(mia.Email); !strings.Contains(m.Text, "Olga, a Portal Admin of your organization,") || !strings.Contains(m.Text, sven.Email) || strings.Contains(m.Text, newBox) {
			t.Errorf("%s", m.Text)
		}
		if n := s.count("mail where recipient = '" + olga.Email + "'"); n != 0 {
			t.Errorf("%d letters to who did it", n)
		}
	})
}

func TestWhoMayChangeSomebodysAddressIsTheTablesToSay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui, foreign := s.admin("Olga"), s.user("Yui"), s.add(s.other, "Bruno", account.GeneralUser)
		v, o := s.visit(olga), s.operator()
		want := s.ask(v, "POST", "/accounts/"+secret.ID()+"/address", "email", newBox)
		s.is(want, http.StatusNotFound)
		for _, id := range []string{foreign.ID, "nobody", "%00", strings.Repeat("a", 36), o.Ref.ID} {
			for _, ask := range [][]string{{"GET"}, {"POST", "email", newBox}, {"POST", "act", "withdraw"}} {
				a := s.ask(v, ask[0], "/accounts/"+id+"/address", ask[1:]...)
				if a.Code != http.StatusNotFound || !strings.Contains(a.Body.String(), "There is no such account") {
					t.Errorf("%s of %q: %d", ask[0], id, a.Code)
				}
			}
		}
		s.to(s.ask(v, "GET", "/accounts/"+olga.ID+"/address"), ownPath)
		s.is(s.ask(v, "POST", "/accounts/"+olga.ID+"/address", "email", newBox), http.StatusForbidden, "Another Portal Admin")
		for name, visit := range map[string]func(){
			"a General User": func() { v.Person.Authority = account.GeneralUser },
			"no fresh code":  func() { v.FreshCode = v.FreshCode.Add(-time.Hour) },
			"one step":       func() { v.TwoStep, v.OneStep = false, true },
			"a stranger":     func() { v.TwoStep, v.OneStep = false, false },
		} {
			v = s.visit(olga)
			visit()
			if a := s.ask(v, "POST", "/accounts/"+yui.ID+"/address", "email", newBox); a.Code != http.StatusForbidden {
				t.Errorf("%s: %d", name, a.Code)
			}
		}
		s.is(s.ask(o, "POST", ownPath, "email", newBox), http.StatusForbidden, "from the console")
		if s.count("address_change") != 0 || s.count("mail") != 0 || s.count("audit") != 0 {
			t.Error("something was done")
		}
	})
}

func place(a account.Account) string { return "/operator/addresses/" + a.Organization + "/" + a.ID }

var corrects = []string{"email", newBox, "why", "the mailbox was closed", "ticket", "T-123"}

func TestACorrectionWaitsADayAndIsSentAgainstATicket(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost := s.operator(), s.admin("Hanako")
		page := place(lost)
		s.is(s.ask(o, "GET", page), http.StatusOK, "Hanako", "Tell the old address first", "None on record")
		for _, wrong := range [][]string{{"email", newBox, "why", "x"}, {"email", newBox, "ticket", "T-1"}, {"why", "x", "ticket", "T-1"},
			{"email", newBox, "why", "x", "ticket", "<b>"}, {"email", newBox, "why", strings.Repeat("a", 201), "ticket", "T-1"}, {"email", lost.Email, "why", "x", "ticket", "T-1"},
			{"email", "abe@portal.example", "why", "x", "ticket", "T-1"}} {
			s.is(s.ask(o, "POST", page, wrong...), http.StatusUnprocessableEntity)
		}
		s.is(s.ask(o, "POST", page, "act", "send"), http.StatusForbidden, "told first")
		if s.count("address_change") != 0 || s.count("mail") != 0 {
			t.Fatal("something was asked for")
		}
		asked := w.Clock.Now()
		s.to(s.ask(o, "POST", page, corrects...), page+"?done=told")
		s.to(s.ask(o, "POST", page, corrects...), page) // the same form again
		if s.count("address_change") != 1 || s.count("mail") != 1 || s.count("audit where act = 'account:address:asked' and detail like '%\"ticket\":\"T-123\"%' and detail like '%the mailbox was closed%'") != 1 {
			t.Error("not asked for once")
		}
		if m := s.mailed(lost.Email); !strings.Contains(m.Text, "Taro Abe, an operator of the portal,") || !strings.Contains(m.Text, "11 Mar 2018, 12:00 JST") || !strings.Contains(m.Text, "T-123") {
			t.Errorf("%s", m.Text)
		}
		s.is(s.ask(o, "GET", page+"?done=told"), http.StatusOK, "From 11 Mar 2018, 12:00 JST", "Withdraw the correction")
		s.is(s.ask(o, "GET", "/operator/addresses"), http.StatusOK, "Hanako", "Aozora Trading", "T-123", "Taro Abe", "until 11 Mar 2018")
		w.Clock.Set(asked.Add(Wait - time.Microsecond))
		s.fresh(o)
		s.is(s.ask(o, "POST", page, "act", "send"), http.StatusForbidden)
		w.Clock.Set(asked.Add(Wait))
		s.is(s.ask(o, "GET", page), http.StatusOK, "The 24 hours are over", "Send the link")
		s.to(s.ask(o, "POST", page, "act", "send"), page+"?done=sent")
		first := s.link(newBox)
		s.later(LinkFor)
		s.fresh(o)
		s.is(s.ask(stranger, "POST", first), http.StatusNotFound)
		s.to(s.ask(o, "POST", page, "act", "send"), page+"?done=sent")
		s.is(s.ask(stranger, "POST", first), http.StatusNotFound)
		link := s.link(newBox)
		s.to(s.ask(stranger, "POST", link), link)
		if s.addressOf(lost) != newBox || s.count("audit where act = 'account:address:sent'") != 2 || s.count("audit where act = 'account:address:changed' and detail like '%T-123%'") != 1 {
			t.Error("not moved, or not recorded")
		}
		s.is(s.ask(o, "GET", page), http.StatusOK, newBox, "Tell the old address first")
		s.is(s.ask(o, "GET", "/operator/addresses"), http.StatusOK, "Nothing is waiting")
	})
}

func TestASignInOfTheOwnerOrAColleagueEndsACorrection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost, able, open := s.operator(), s.admin("Hanako"), s.admin("Able"), s.add(s.org, "Later", account.PortalAdmin)
		page := place(lost)
		for _, c := range []struct {
			who  account.Account
			door string
			why  string
		}{{lost, "signin", "The owner of the account signed in"}, {able, "confirm", "other Portal Admins signed in"}, {open, "setup", "other Portal Admins signed in"}} {
			s.signedIn(c.who, c.door) // before anybody was told: it says nothing
			s.later(time.Minute)
			s.fresh(o)
			s.to(s.ask(o, "POST", page, corrects...), page+"?done=told")
			for _, told := range []account.Account{able, open} {
				if m := s.mailed(told.Email); !strings.Contains(m.Subject, "asked to correct the address of Hanako") {
					t.Errorf("%s was not told: %q", told.Name, m.Subject)
				}
			}
			s.later(23 * time.Hour)
			s.signedIn(c.who, c.door)
			s.later(5 * time.Hour)
			s.fresh(o)
			s.is(s.ask(o, "POST", page, "act", "send"), http.StatusForbidden, c.why)
			s.is(s.ask(o, "GET", page), http.StatusOK, c.why)
			s.to(s.ask(o, "POST", page, "act", "withdraw"), page+"?done=ended")
			s.to(s.ask(o, "POST", page, "act", "withdraw"), page)
		}
		if s.count("address_change where sent_at is not null") != 0 || s.count("mail where kind = 'address-withdrawn'") != 3 {
			t.Error("a link was sent, or the owner not told")
		}
		// The owner sees it at his profile, and ends it there.
		s.to(s.ask(o, "POST", page, corrects...), page+"?done=told")
		v := s.visit(lost)
		s.is(s.ask(v, "GET", ownPath), http.StatusOK, "An operator of the portal corrects the address", "Taro Abe", "T-123")
		// By one step too, which cannot end it by a code.
		v.TwoStep, v.OneStep = false, true
		s.is(s.ask(v, "GET", ownPath+"/withdraw"), http.StatusOK, newBox, "Taro Abe", "the mailbox was closed", "you go on signing in with "+lost.Email)
		s.to(s.ask(v, "POST", ownPath+"/withdraw"), "/profile?done=address")
		s.to(s.ask(v, "POST", ownPath+"/withdraw"), "/profile")
		s.to(s.ask(v, "GET", ownPath+"/withdraw"), "/profile")
		// And nobody having signed in, others able or not, it goes on.
		s.later(time.Hour)
		s.fresh(o)
		s.to(s.ask(o, "POST", page, corrects...), page+"?done=told")
		s.later(Wait)
		s.fresh(o)
		s.to(s.ask(o, "POST", page, "act", "send"), page+"?done=sent")
	})
}

func TestOperatorsCorrectAGeneralUsersAddressOnlyWhereNoPortalAdminIsAble(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, yui, gone := s.operator(), s.user("Yui"), s.user("Gone")
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, gone.Ref, "test") })
		s.is(s.ask(o, "GET", place(gone)), http.StatusOK, "Nothing is sent now", "suspended")
		s.is(s.ask(o, "POST", place(gone), corrects...), http.StatusForbidden)
		s.to(s.ask(o, "POST", place(yui), corrects...), place(yui)+"?done=told") // before the opening
		s.later(Wait)
		s.fresh(o)
		s.admin("Able") // meanwhile
		s.is(s.ask(o, "POST", place(yui), "act", "send"), http.StatusForbidden, "can change the address of a General User")
		s.is(s.ask(o, "POST", place(s.user("Ryu")), corrects...), http.StatusForbidden)
		for _, path := range []string{s.other + "/" + yui.ID, s.org + "/" + secret.ID(), "operators/" + o.Ref.ID, "%00/x"} {
			for _, ask := range [][]string{append([]string{"POST"}, corrects...), {"GET"}, {"POST", "act", "send"}, {"POST", "act", "withdraw"}} {
				s.is(s.ask(o, ask[0], "/operator/addresses/"+path, ask[1:]...), http.StatusNotFound, "There is no such account")
			}
		}
		general := s.visit(yui)
		s.is(s.ask(general, "POST", place(yui), corrects...), http.StatusForbidden)
		if s.count("address_change where sent_at is not null") != 0 || s.count("mail where recipient = '"+newBox+"'") != 0 {
			t.Error("a link was sent")
		}
	})
}

func TestTwoOperatorsAtOnceAskOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost := s.operator(), s.admin("Hanako")
		both := func(fields ...string) {
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					if a := s.ask(o, "POST", place(lost), fields...); a.Code != http.StatusSeeOther {
						t.Errorf("%d", a.Code)
					}
				})
			}
			all.Wait()
		}
		both(corrects...)
		if s.count("address_change") != 1 || s.count("mail") != 1 {
			t.Error("asked twice")
		}
		s.later(Wait)
		s.fresh(o)
		both("act", "send")
		if s.count("address_change where digest is not null") != 1 {
			t.Error("two links work")
		}
	})
}

func TestAClockSetRightKeepsNoLinkAndNoWaitForLonger(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, lost, yui := s.operator(), s.admin("Hanako"), s.user("Yui")
		s.to(s.ask(o, "POST", place(lost), corrects...), place(lost)+"?done=told") // in a time ahead
		s.to(s.ask(s.visit(yui), "POST", ownPath, "email", "yui.new@example.com"), ownPath+"?done=asked")
		was := w.Clock.Now()
		is := was.AddDate(-1, 0, 0)
		for range 2 {
			s.in(func(ctx context.Context, tx *store.Tx) error { return Rewind(ctx, tx, was, is) })
		}
		if s.count("address_change where asked_at > "+micros(is)) != 0 || s.count("address_change where waits_until > "+micros(is.Add(Wait))) != 0 ||
			s.count("address_change where expires_at > "+micros(is.Add(LinkFor))) != 0 || s.count("address_change where expires_at = "+micros(is.Add(LinkFor))) != 1 {
			t.Error("something waits or works for longer")
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			n, err := Forget(ctx, tx) // of what is a year old by this clock
			if n != 2 {
				t.Errorf("%d forgotten", n)
			}
			return err
		})
	})
}

func micros(at time.Time) string { return strconv.FormatInt(store.Micros(at), 10) }
