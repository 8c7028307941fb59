package address

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

const (
	ownPath = "/profile/address"
	newBox  = "hanako.new@example.com"
)

func TestTheAddressChangesWhenTheNewMailboxHasAnsweredAndNotBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako := s.add(s.org, "Hanako", account.GeneralUser, account.MailOTP)
		v, elsewhere := s.visit(hanako), s.visit(hanako)
		var token, reset string
		s.in(func(ctx context.Context, tx *store.Tx) (err error) {
			if _, _, err = mailotp.Issue(ctx, tx, s.Keys, hanako.Ref, v.Session.ID, mailotp.Confirm, hanako.EmailKey); err != nil {
				return err
			}
			if token, _, err = pass.Give(ctx, tx, hanako.Ref, pass.Latecomer, pass.Given{By: "test", Why: "test"}); err != nil {
				return err
			}
			reset = "r1"
			_, err = tx.Exec(ctx, `insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, needs_approval)
				values ($1, $2, $3, $4, $5, $6, true)`, reset, []byte("digest"), hanako.Organization, hanako.ID, store.Micros(tx.Now()), store.Micros(tx.Now().Add(time.Hour)))
			return err
		})
		s.is(s.ask(v, "GET", ownPath), http.StatusOK, hanako.Email, "Mail the link")
		s.to(s.ask(v, "POST", ownPath, "email", " "+newBox), ownPath+"?done=asked")
		s.is(s.ask(v, "GET", ownPath+"?done=asked"), http.StatusOK, newBox, "the new mailbox has to answer first", "Withdraw the change", "until 10 Mar 2018")
		old := s.mailed(hanako.Email)
		if !strings.Contains(old.Subject, "A new email address was entered") || !strings.Contains(old.Text, "h…w@example.com") || strings.Contains(old.Text, newBox) || strings.Contains(old.Text, "/address/") {
			t.Errorf("%s\n%s", old.Subject, old.Text)
		}
		link := s.link(newBox)
		for range 3 { // programs that look into mails
			for _, method := range []string{"GET", "HEAD"} {
				s.is(s.ask(stranger, method, link), http.StatusOK)
			}
		}
		s.is(s.ask(stranger, "GET", link), http.StatusOK, newBox, "h…o@aozora.example", "Opening this page changes nothing", "Use this address")
		if s.addressOf(hanako) != hanako.Email || s.count("address_change where used_at is null") != 1 {
			t.Fatal("opening the link changed something")
		}
		a := s.ask(v, "POST", link)
		s.to(a, link)
		if a.Header().Get("Set-Cookie") == "" {
			t.Error("the session that goes on kept its old value")
		}
		s.is(s.ask(v, "GET", link), http.StatusOK, "From now on you sign in with "+newBox, "Go to your profile")
		if s.addressOf(hanako) != newBox || s.count("address") != 1 || s.carried != 1 {
			t.Error("the address was not moved as a whole")
		}
		if s.count("session where ended_at is null") != 1 || s.count("session where ended_at is not null and id = '"+elsewhere.Session.ID+"'") != 1 {
			t.Error("not all other sessions ended, or this one did")
		}
		if s.count("mail_code where replaced_at is null") != 0 || s.count("password_reset where replaced_at is null") != 0 || s.count("mailotp") != 1 {
			t.Error("what was mailed to the old address still works, or the method is lost")
		}
		if _, p, err := pass.ByToken(t.Context(), s.DB, token); err != nil || p.Valid(w.Clock.Now()) {
			t.Error("a pass mailed to the old address still opens")
		}
		if s.count("audit where act = 'account:address:asked'") != 1 || s.count("audit where act = 'account:address:changed'") != 1 || s.count("audit") != 2 {
			t.Error("not one record each")
		}
		if m := s.mailed(hanako.Email); !strings.Contains(m.Subject, "was changed") || !strings.Contains(m.Text, "If it was not you") {
			t.Errorf("the old address: %s", m.Subject)
		}
		if m := s.mailed(newBox); !strings.Contains(m.Subject, "This is your email address") {
			t.Errorf("the new address: %s", m.Subject)
		}
		// Sent twice, nothing more is done.
		s.is(s.ask(stranger, "POST", link), http.StatusOK, "From now on you sign in with")
		if s.count("audit") != 2 || s.count("mail") != 4 {
			t.Errorf("done twice: %d letters", s.count("mail"))
		}
		s.later(LinkFor)
		s.is(s.ask(stranger, "GET", link), http.StatusNotFound, "does not work")
	})
}

func TestACodeHandedOverInPersonOutlivesTheOldAddress(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	hanako := s.user("Hanako")
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, _, err := pass.GiveByHand(ctx, tx, s.Keys, hanako.Ref, pass.Given{By: "test", Why: "test"})
		return err
	})
	s.to(s.ask(s.visit(hanako), "POST", ownPath, "email", newBox), ownPath+"?done=asked")
	link := s.link(newBox)
	s.to(s.ask(stranger, "POST", link), link)
	if s.count("pass where withdrawn_at is null") != 1 || s.count("session where ended_at is null") != 0 {
		t.Error("the code is gone, or a session goes on that did not use the link")
	}
}

func TestWhatIsNotOnePlainAddressIsRefusedAndKept(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	hanako := s.user("Hanako")
	v := s.visit(hanako)
	for _, typed := range []string{"", "nobody", "a@b@c.example", "a@example.com,b@example.com", "a@example.com;b@example.com", "a b@example.com",
		"Hanako <a@example.com>", "a\u200b@example.com", strings.Repeat("a", 65) + "@example.com", "HANAKO@aozora.example", "ｈａｎａｋｏ@aozora.example"} {
		a := s.ask(v, "POST", ownPath, "email", typed)
		s.is(a, http.StatusUnprocessableEntity, `id="email-wrong"`)
		if typed != "" && !strings.Contains(a.Body.String(), typed) {
			t.Errorf("%q is lost", typed)
		}
	}
	s.is(s.ask(v, "POST", ownPath, "email", "a@example.com\nBcc: b@example.com"), http.StatusUnprocessableEntity)
	s.is(s.ask(v, "POST", ownPath, "email", "a@example.com", "email", "b@example.com"), http.StatusBadRequest)
	if s.count("address_change") != 0 || s.count("mail") != 0 {
		t.Error("something was asked for")
	}
}

// rowID is what differs between two answers by chance.
var rowID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func TestAnAddressThatSomebodyHasIsAnsweredLikeAFreeOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.operator() // abe@portal.example
		s.add(s.other, "Bruno", account.GeneralUser)
		type told struct {
			status, letters, records int
			location, body           string
			trips                    int64
		}
		said := map[string]told{}
		for i, typed := range []string{"xxxxx@aozora.example", "bruno@aozora.example", "abe@portal.example", "xyz@portal.example"} {
			hanako := s.user(fmt.Sprintf("Hanak%d", i))
			v := s.visit(hanako)
			ctx, trips := store.Counting(t.Context())
			records := s.count("audit")
			a := s.askIn(ctx, v, "POST", ownPath, "email", typed)
			body := s.ask(v, "GET", a.Header().Get("Location")).Body.String()
			body = strings.ReplaceAll(strings.ReplaceAll(rowID.ReplaceAllString(body, ""), typed, "T"), hanako.Email, "H")
			said[typed] = told{a.Code, s.count("mail where recipient = '" + hanako.Email + "'"), s.count("audit") - records,
				a.Header().Get("Location"), strings.ReplaceAll(body, hanako.Name, "N"), trips.N()}
		}
		if said["xxxxx@aozora.example"] != said["bruno@aozora.example"] || said["abe@portal.example"] != said["xyz@portal.example"] {
			t.Errorf("they differ: %+v", said)
		}
		for _, taken := range []string{"bruno@aozora.example", "abe@portal.example"} {
			if s.count("mail where recipient = '"+taken+"'") != 0 {
				t.Errorf("a letter went to %s", taken)
			}
		}
		if s.count("mail where recipient = 'xxxxx@aozora.example'") != 1 {
			t.Error("no letter went to the free one")
		}
	})
}

func TestAnAddressTakenMeanwhileIsRefusedAndTheLinkNotUsed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako, yui := s.user("Hanako"), s.user("Yui")
		for _, a := range []account.Account{hanako, yui} {
			s.to(s.ask(s.visit(a), "POST", ownPath, "email", newBox), ownPath+"?done=asked")
		}
		must(t, s.post.Drain(t.Context()))
		links := []string{}
		for _, m := range s.mails {
			if m.To == newBox {
				links = append(links, linkShape.FindStringSubmatch(m.Text)[1])
			}
		}
		s.to(s.ask(stranger, "POST", links[0]), links[0])
		s.is(s.ask(stranger, "POST", links[1]), http.StatusUnprocessableEntity, "Somebody else signs in with this address meanwhile", "the link was not used")
		if s.count("address_change where used_at is null") != 1 || s.count("address where address_key = '"+newBox+"'") != 1 || s.count("account where email = '"+newBox+"'") != 1 {
			t.Error("both have it, or the link is used")
		}
	})
}

func TestWhileTheAccountOrPortalIsClosedTheLinkIsNotUsed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako := s.user("Hanako")
		v := s.visit(hanako)
		s.to(s.ask(v, "POST", ownPath, "email", newBox), ownPath+"?done=asked")
		link := s.link(newBox)
		s.closes = w.Clock.Now().Add(time.Hour)
		a := s.ask(stranger, "POST", link)
		s.is(a, http.StatusServiceUnavailable)
		if a.Header().Get("Retry-After") == "" {
			t.Error("not told until when")
		}
		s.closes = time.Time{}
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, hanako.Ref, "test") })
		s.is(s.ask(stranger, "POST", link), http.StatusForbidden, "suspended", "the link was not used")
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update account set suspended_at = null where id = $1`, hanako.ID)
			return err
		})
		s.to(s.ask(stranger, "POST", link), link)
		if s.addressOf(hanako) != newBox {
			t.Error("not moved")
		}
		// Deleted, its links are like any that never was.
		s.to(s.ask(s.visit(hanako), "POST", ownPath, "email", "third@example.com"), ownPath+"?done=asked")
		third := s.link("third@example.com")
		s.in(func(ctx context.Context, tx *store.Tx) error {
			for _, text := range []string{`delete from account where id = $1`, `delete from address where holder_id = $1`} {
				if _, err := tx.Exec(ctx, text, hanako.ID); err != nil {
					return err
				}
			}
			return nil
		})
		for _, method := range []string{"GET", "POST"} {
			s.is(s.ask(stranger, method, third), http.StatusNotFound, "does not work")
			s.is(s.ask(stranger, method, "/address/nonsense"), http.StatusNotFound, "does not work")
		}
	})
}

func TestTheNewestLinkAloneWorksForAnHourUnlessWithdrawn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako := s.user("Hanako")
		v := s.visit(hanako)
		s.to(s.ask(v, "POST", ownPath, "email", newBox), ownPath+"?done=asked")
		first := s.link(newBox)
		s.to(s.ask(v, "POST", ownPath, "email", newBox), ownPath+"?done=asked")
		second := s.link(newBox)
		s.is(s.ask(stranger, "POST", first), http.StatusNotFound)
		s.to(s.ask(v, "POST", ownPath, "act", "withdraw"), ownPath+"?done=withdrawn")
		if m := s.mailed(hanako.Email); !strings.Contains(m.Subject, "was withdrawn") {
			t.Errorf("%s", m.Subject)
		}
		s.to(s.ask(v, "POST", ownPath, "act", "withdraw"), ownPath) // nothing is open
		s.is(s.ask(stranger, "POST", second), http.StatusNotFound)
		if s.count("audit where act = 'account:address:withdrawn'") != 1 {
			t.Error("not recorded once")
		}
		s.to(s.ask(v, "POST", ownPath, "email", newBox), ownPath+"?done=asked")
		third := s.link(newBox)
		s.later(LinkFor)
		s.is(s.ask(stranger, "POST", third), http.StatusNotFound)
		s.is(s.ask(v, "GET", ownPath), http.StatusOK, "The link to the new address ran out")
		if s.addressOf(hanako) != hanako.Email {
			t.Error("moved")
		}
	})
}

func TestNobodyFloodsAMailboxByTypingItsAddress(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	v := s.visit(s.user("Hanako"))
	for range 5 {
		s.to(s.ask(v, "POST", ownPath, "email", newBox), ownPath+"?done=asked")
	}
	a := s.ask(v, "POST", ownPath, "email", newBox)
	s.is(a, http.StatusTooManyRequests, "Many letters went out", newBox)
	if a.Header().Get("Retry-After") == "" || s.count("mail where recipient = '"+newBox+"'") != 5 {
		t.Error("not told when, or another letter went out")
	}
}

func TestOfFiftyWhoUseOneLinkAtOnceOneMovesTheAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako := s.user("Hanako")
		s.to(s.ask(s.visit(hanako), "POST", ownPath, "email", newBox), ownPath+"?done=asked")
		link := s.link(newBox)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if a := s.ask(stranger, "POST", link); a.Code != http.StatusSeeOther && a.Code != http.StatusOK {
					t.Errorf("%d", a.Code)
				}
			})
		}
		all.Wait()
		if s.addressOf(hanako) != newBox || s.count("audit where act = 'account:address:changed'") != 1 || s.count("mail where kind = 'address-changed'") != 2 {
			t.Error("not moved once")
		}
	})
}

// One link is used while another change is asked for, and two accounts use links to
// one address, all at once: an account never has an address whose mailbox did not get
// the very link that moved it there, and no address has two.
func TestNoRaceLeavesAnAddressWhoseMailboxDidNotGetTheLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako, yui := s.user("Hanako"), s.user("Yui")
		for round := range 50 {
			one, two := fmt.Sprintf("one%d@example.com", round), fmt.Sprintf("two%d@example.com", round)
			hers, his := s.visit(hanako), s.visit(yui)
			s.later(time.Hour) // the allowances are full again
			s.to(s.ask(hers, "POST", ownPath, "email", one), ownPath+"?done=asked")
			mine := s.link(one)
			s.to(s.ask(his, "POST", ownPath, "email", one), ownPath+"?done=asked")
			yours := s.link(one)
			var all sync.WaitGroup
			all.Go(func() { s.ask(stranger, "POST", mine) })
			all.Go(func() { s.ask(stranger, "POST", yours) })
			all.Go(func() { s.ask(hers, "POST", ownPath, "email", two) })
			all.Wait()
			for _, a := range []account.Account{hanako, yui} {
				now := s.addressOf(a)
				if now != a.Email && s.count("address_change where used_at is not null and holder_id = '"+a.ID+"' and email = '"+now+"'") != 1 {
					t.Fatalf("round %d: %s has %s without its link", round, a.Name, now)
				}
				if now == two {
					t.Fatalf("round %d: moved by a link that nobody used", round)
				}
			}
			if s.count("account where email = '"+one+"'") > 1 || s.count("address") != 2 {
				t.Fatalf("round %d: one address has two accounts, or a claim is left over", round)
			}
		}
		if s.count("address_change where used_at is not null") == 0 {
			t.Error("nothing was ever moved: the test shows nothing")
		}
	})
}

func TestLettersArePutInTheLanguageOfTheAccount(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	hanako := s.user("Hanako")
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update account set language = 'ja' where id = $1`, hanako.ID)
		return err
	})
	hanako.Language = phrase.Japanese
	v := s.visit(hanako)
	s.is(s.ask(v, "GET", ownPath+"?lang=ja"), http.StatusOK, "現在のメールアドレス", "リンクをメールで送る")
	s.to(s.ask(v, "POST", ownPath, "email", newBox), ownPath+"?done=asked")
	for to, part := range map[string]string{hanako.Email: "お客様のセッションから", newBox: "確定してください"} {
		if m := s.mailed(to); !strings.Contains(m.Text, part) || m.Language != phrase.Japanese {
			t.Errorf("%s: %s", to, m.Text)
		}
	}
	link := s.link(newBox)
	s.is(s.ask(stranger, "GET", link+"?lang=ja"), http.StatusOK, "このアドレスを使う")
	s.to(s.ask(stranger, "POST", link), link)
	s.is(s.ask(stranger, "GET", link+"?lang=ja"), http.StatusOK, "これからは "+newBox+" でサインインしてください")
	s.is(s.ask(stranger, "GET", "/address/x?lang=ja"), http.StatusNotFound, "このリンクは使えません")
	if m := s.mailed(hanako.Email); !strings.Contains(m.Text, "電話で貴社のポータル管理者") {
		t.Errorf("%s", m.Text)
	}
	if mail.Addressable(newBox) != nil {
		t.Error("the scene's address takes no mail")
	}
}
