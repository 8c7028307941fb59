package password

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestALinkSetsANewPasswordOnceAndSignsNobodyIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{enrolled: []account.Method{account.TOTP}})
		v, _ := s.visit(a)
		link := s.link(a)
		answer := s.ask("POST", link, twice(newPassword), nil)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != link+"/done" {
			t.Fatalf("%d to %q: %s", answer.Code, answer.Header().Get("Location"), answer.Body)
		}
		if len(answer.Result().Cookies()) != 0 {
			t.Error("somebody got a cookie")
		}
		if !s.works(a, newPassword) || s.works(a, hadPassword) {
			t.Error("the new password does not count, or the old one still does")
		}
		if s.signedIn(a, v.Session.ID) {
			t.Error("a session of the old password goes on")
		}
		if n := s.number(`select count(*) from totp where holder_id = $1`, a.ID); n != 1 {
			t.Error("the second verification was touched")
		}
		if acts := s.acts(); acts[0] != "account:password:reset" {
			t.Errorf("the record says %q", acts)
		}
		if m := s.mailTo(a.Email); !strings.Contains(m.Subject, "was reset") || linkShape.MatchString(m.Text) {
			t.Errorf("the owner was told: %q %q", m.Subject, m.Text)
		}
		if done := s.ask("GET", link+"/done", nil, nil); done.Code != http.StatusOK || !strings.Contains(done.Body.String(), "Your password was changed") {
			t.Errorf("done: %d %s", done.Code, done.Body)
		}
		if again := s.ask("POST", link, twice("another long password 9"), nil); again.Code != http.StatusNotFound || !s.works(a, newPassword) {
			t.Errorf("a second time: %d", again.Code)
		}
		if report, err := audit.Verify(t.Context(), s.DB, s.Keys, nil); err != nil || len(report.Broken) > 0 {
			t.Errorf("the record is broken: %v %v", report.Broken, err)
		}
	})
}

func TestOpeningALinkSpendsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		link := s.link(a)
		for range 3 {
			for _, method := range []string{"GET", "HEAD"} {
				for _, path := range []string{link, link + "/done"} {
					s.ask(method, path, nil, nil)
				}
			}
		}
		if answer := s.ask("GET", link, nil, nil); answer.Code != http.StatusOK {
			t.Errorf("then it answers %d", answer.Code)
		}
		if answer := s.ask("POST", link, twice(newPassword), nil); answer.Code != http.StatusSeeOther || !s.works(a, newPassword) {
			t.Errorf("then it does not work: %d", answer.Code)
		}
	})
}

func TestOfManyPostsWithOneLinkOneSucceeds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		link := s.link(a)
		var done, dead, busy atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				switch code := s.ask("POST", link, twice(newPassword), nil).Code; code {
				case http.StatusSeeOther:
					done.Add(1)
				case http.StatusNotFound:
					dead.Add(1)
				case http.StatusServiceUnavailable: // no permit to hash in time: nothing was decided
					busy.Add(1)
				default:
					t.Errorf("answered %d", code)
				}
			})
		}
		all.Wait()
		if done.Load() != 1 {
			t.Errorf("%d succeeded, %d were refused, %d could not hash", done.Load(), dead.Load(), busy.Load())
		}
		if n := slices.Index(s.acts(), "account:password:reset"); n != 0 {
			t.Error("the record does not end with the reset")
		}
	})
}

// A link that was used, one that ran out, one that a newer one replaced and one
// that never was: the same page.
func TestLinksThatDoNotWorkAreAnsweredAlike(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	used, old, replaced, closed := s.add("used@example.com", "Taro Abe", person{}), s.add("old@example.com", "Taro Abe", person{}),
		s.add("replaced@example.com", "Taro Abe", person{}), s.add("closed@example.com", "Taro Abe", person{})
	expired := s.link(old)
	s.Clock.Set(s.Clock.Now().Add(linkFor))
	links := map[string]string{"expired": expired, "used": s.link(used), "replaced": s.link(replaced),
		"of a suspended account": s.link(closed), "unknown": "/password/reset/" + strings.Repeat("A", 43), "cut off": "/password/reset/x"}
	s.ask("POST", links["used"], twice(newPassword), nil)
	s.Clock.Set(s.Clock.Now().Add(time.Second))
	s.link(replaced)
	s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, closed.Ref, "test") })
	hashes := s.room.Pool.Hashes()
	for _, method := range []string{"GET", "POST"} {
		bodies := map[string][]string{}
		for name, link := range links {
			w := s.ask(method, link, twice("another long password 9"), nil)
			if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `href="/password/forgot"`) {
				t.Errorf("%s %s: %d", method, name, w.Code)
			}
			body := strings.ReplaceAll(w.Body.String(), link, "LINK")
			bodies[body] = append(bodies[body], name)
		}
		if len(bodies) != 1 {
			t.Errorf("%s: they differ: %v", method, bodies)
		}
	}
	if s.room.Pool.Hashes() != hashes {
		t.Error("somebody without a link made the portal hash")
	}
}

func TestAWrongEntryKeepsTheLinkAndSaysWhatIsWrong(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	a := s.add("taro@example.com", "Taro Abe", person{})
	b := s.add("hanako@example.com", "Hanako Sato", person{enrolled: []account.Method{account.TOTP}})
	one, two := s.link(a), s.link(b)
	for _, c := range []struct {
		link, first, second, says string
	}{
		{one, "", "", "Enter a new password."},
		{one, "k7Wq zP2", "k7Wq zP2", "at least 15 characters"},
		{one, newPassword, "", "Enter the new password once more."},
		{one, newPassword, newPassword + "x", "not the same as the password above"},
		{one, "taro abe taro abe", "taro abe taro abe", "made of your name"},
		{one, "aozora trading 2018", "aozora trading 2018", "made of your name"},
		{two, "k7Wq zP", "k7Wq zP", "at least 8 characters"},
	} {
		form := twice(c.first)
		form.Set("password_again", c.second)
		w := s.ask("POST", c.link, form, nil)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%q, %q: %d, without %q", c.first, c.second, w.Code, c.says)
		}
		if c.first != "" && strings.Contains(w.Body.String(), `value="`+c.first) {
			t.Errorf("%q stands in the page", c.first)
		}
	}
	if w := s.ask("POST", two, twice("k7Wq zP2"), nil); w.Code != http.StatusSeeOther {
		t.Errorf("8 characters where a second step follows: %d", w.Code)
	}
	if w := s.ask("POST", one, twice(newPassword), nil); w.Code != http.StatusSeeOther {
		t.Errorf("the link is gone after wrong entries: %d", w.Code)
	}
}

func TestWithoutAPermitToHashNothingIsSpent(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	a := s.add("taro@example.com", "Taro Abe", person{})
	link, pool := s.link(a), s.room.Pool
	closed := NewPool(quick, 1, 1<<20)
	closed.Close()
	s.room.Pool = closed
	w := s.ask("POST", link, twice(newPassword), nil)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "5" || !strings.Contains(w.Body.String(), `name="password_again"`) {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	s.room.Pool = pool
	if w := s.ask("POST", link, twice(newPassword), nil); w.Code != http.StatusSeeOther {
		t.Errorf("afterwards: %d", w.Code)
	}
}

func TestAMailOTPAccountWaitsADayInWhichTheOldPasswordWorks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		mailed := person{assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}}
		a := s.add("taro@example.com", "Taro Abe", mailed)
		admin := s.add("hanako@example.com", "Hanako Sato", person{authority: account.PortalAdmin})
		s.add("ken@example.com", "Ken Ito", person{})
		v, _ := s.visit(a)
		link := s.link(a)
		if form := s.ask("GET", link, nil, nil); !strings.Contains(form.Body.String(), "11 Mar 2018, 12:00 JST") {
			t.Error("the form does not say from when on the password counts")
		}
		answer := s.ask("POST", link, twice(newPassword), nil)
		done := s.ask("GET", answer.Header().Get("Location"), nil, nil)
		if done.Code != http.StatusOK || !strings.Contains(done.Body.String(), "It counts from 11 Mar 2018, 12:00 JST (03:00 UTC) on") {
			t.Errorf("done: %d %s", done.Code, done.Body)
		}
		for _, to := range []account.Account{a, admin} {
			if m := s.mailTo(to.Email); !strings.Contains(m.Text, "11 Mar 2018, 12:00 JST") || linkShape.MatchString(m.Text) {
				t.Errorf("%s was told: %q", to.Name, m.Text)
			}
		}
		if n := len(s.mails()); n != 3 {
			t.Errorf("%d mails: want the link, one to the owner, one to the Portal Admin", n)
		}
		if !s.signedIn(a, v.Session.ID) || !s.works(a, hadPassword) || s.works(a, newPassword) {
			t.Error("the new password counts before its time")
		}
		w.Clock.Set(storetest.Start.Add(asideFor - time.Microsecond))
		if !s.works(a, hadPassword) || s.works(a, newPassword) {
			t.Error("the new password counts in the last instant of its wait")
		}
		w.Clock.Set(storetest.Start.Add(asideFor))
		if s.works(a, hadPassword) || !s.works(a, newPassword) {
			t.Error("the new password does not count after its wait")
		}
		if acts := s.acts(); acts[0] != "account:password:set-aside" {
			t.Errorf("the record says %q", acts)
		}
	})
}

func TestAPortalAdminWithMailOTPNeedsAnApprovalHoweverLongItTakes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{authority: account.PortalAdmin, assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}})
		answer := s.ask("POST", s.link(a), twice(newPassword), nil)
		if done := s.ask("GET", answer.Header().Get("Location"), nil, nil); !strings.Contains(done.Body.String(), "another Portal Admin of your organization has approved it") {
			t.Errorf("done: %s", done.Body)
		}
		if n := len(s.mails()); n != 2 {
			t.Errorf("%d mails: want the link and one to the owner, who is the only Portal Admin", n)
		}
		w.Clock.Set(storetest.Start.AddDate(1, 0, 0))
		if !s.works(a, hadPassword) || s.works(a, newPassword) {
			t.Error("time sufficed")
		}
	})
}

func TestAPasswordThatCountsSinceItsWaitIsTheOldOneOfTheNextReset(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}})
		s.ask("POST", s.link(a), twice(newPassword), nil)
		w.Clock.Set(storetest.Start.Add(asideFor + time.Hour))
		if answer := s.ask("POST", s.link(a), twice("umber gazelle thimble 5"), nil); answer.Code != http.StatusSeeOther {
			t.Fatal(answer.Code)
		}
		if s.works(a, hadPassword) || !s.works(a, newPassword) {
			t.Error("a password that was dead works again")
		}
		w.Clock.Set(storetest.Start.Add(2*asideFor + time.Hour))
		if s.works(a, newPassword) || !s.works(a, "umber gazelle thimble 5") {
			t.Error("the newest one does not count after its wait")
		}
	})
}
