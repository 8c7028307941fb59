package password

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Whoever is typed, known or not: one status, one text, the same headers, the same
// statements, and no hash.
func TestTheAnswerIsAlikeForEverybody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		known := s.add("known@example.com", "Taro Abe", person{})
		suspended := s.add("suspended@example.com", "Taro Abe", person{})
		bare := s.add("bare@example.com", "Taro Abe", person{bare: true})
		s.in(func(ctx context.Context, tx *store.Tx) error {
			if err := account.Suspend(ctx, tx, suspended.Ref, "test"); err != nil {
				return err
			}
			_, err := operator.Add(ctx, tx, operator.Operator{Email: "operator@example.com", Name: "Taro Abe", Language: "en", Zone: "UTC"}, "test")
			return err
		})
		unknown, staff := known, known
		unknown.Email, staff.Email = "unknown@example.com", "operator@example.com"
		change := func(field, value string) url.Values {
			form := identity(known)
			form.Set(field, value)
			return form
		}
		hashes := s.room.Pool.Hashes()
		answers := map[string][]string{}
		for name, form := range map[string]url.Values{
			"known": identity(known), "unknown": identity(unknown), "suspended": identity(suspended),
			"without a password": identity(bare), "an operator": identity(staff),
			"another name": change("name", "Jiro Abe"), "another phone": change("phone", "03-0000-0000"),
			"no digits in the phone": change("phone", "none"), "a very long name": change("name", strings.Repeat("x", 900)),
		} {
			ctx, trips := store.Counting(t.Context())
			w := s.askIn(ctx, "POST", "/password/forgot", form, nil)
			answer := fmt.Sprint(w.Code, w.Header(), w.Body.Len(), w.Body, " in ", trips.N(), " round trips")
			answers[answer] = append(answers[answer], name)
		}
		if len(answers) != 1 {
			for answer, names := range answers {
				t.Errorf("%q are answered: %s", names, answer)
			}
		}
		if n := s.room.Pool.Hashes() - hashes; n != 0 {
			t.Errorf("%d hashes were made", n)
		}
		mails := s.mails()
		if len(mails) != 1 || mails[0].To != known.Email {
			t.Errorf("%d mails were sent", len(mails))
		}
	})
}

func TestAnAccountOfASuspendedOrganizationGetsNoLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		s.in(func(ctx context.Context, tx *store.Tx) error { return organization.Suspend(ctx, tx, s.org, "test") })
		s.ask("POST", "/password/forgot", identity(a), nil)
		if mails := s.mails(); len(mails) != 0 {
			t.Errorf("%d mails were sent", len(mails))
		}
	})
}

func TestTheIdentityIsComparedAsPeopleWriteIt(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	a := s.add("taro@example.com", "阿部 太郎", person{})
	w := s.ask("POST", "/password/forgot", url.Values{"email": {" ＴＡＲＯ@example.com"}, "name": {"阿部太郎"}, "phone": {"０３（１２３４）５６７８"}}, nil)
	if w.Code != http.StatusSeeOther || len(s.mails()) != 1 {
		t.Errorf("%d, %d mails", w.Code, len(s.mails()))
	}
	if m := s.mailTo(a.Email); !strings.Contains(m.Text, "/password/reset/") {
		t.Error("the mail has no link")
	}
}

// A second address, a line break, a letter that looks like another: whatever is
// smuggled in beside the right name and phone number, nobody else is written to.
func TestOnlyTheStoredAddressIsWrittenToWhateverWasTyped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		for _, typed := range [][]string{
			{"taro@example.com", "evil@example.net"}, {"evil@example.net", "taro@example.com"}, {"taro@example.com", "taro@example.com"},
			{"taro@example.com,evil@example.net"}, {"taro@example.com;evil@example.net"}, {"taro@example.com evil@example.net"},
			{"taro@example.com\r\nBcc: evil@example.net"}, {"taro@example.com\nevil@example.net"}, {"taro@example.com%0d%0aBcc:evil@example.net"},
			{"Taro <taro@example.com>"}, {"<taro@example.com>"}, {"\"taro@example.com\"@example.net"}, {"taro@example.com@example.net"},
			{"t\u0430ro@example.com"}, {"taro@ex\u0430mple.com"}, {"taro\u200b@example.com"}, {"taro+x@example.com"}, {"taro@example.com\x00"},
		} {
			form := identity(a)
			form["email"] = typed
			if w := s.ask("POST", "/password/forgot", form, nil); w.Code >= 500 {
				t.Errorf("%q: %d", typed, w.Code)
			}
		}
		for _, field := range []string{"email[]", "email[0]", "to", "cc", "EMAIL"} {
			form := identity(a)
			form.Set("email", "nobody@example.com")
			form.Set(field, a.Email)
			s.ask("POST", "/password/forgot", form, nil)
		}
		if mails := s.mails(); len(mails) != 0 {
			t.Errorf("written to: %s, and %d more", mails[0].To, len(mails)-1)
		}
		form := identity(a)
		form["cc"], form["email[]"] = []string{"evil@example.net"}, []string{"evil@example.net"}
		s.ask("POST", "/password/forgot", form, nil)
		s.ask("POST", "/password/forgot", identity(a), nil)
		for _, m := range s.mails() {
			if m.To != a.Email {
				t.Errorf("%s was written to", m.To)
			}
		}
		if len(s.mails()) == 0 {
			t.Error("the right entry was not answered by a mail: the others prove nothing")
		}
	})
}

func TestWhatIsMissingIsToldAndWhatWasTypedStays(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	for _, c := range []struct {
		form url.Values
		says string
		kept []string
	}{
		{url.Values{"email": {"taro@example.com"}, "name": {"Taro Abe"}}, "Enter your phone number.", []string{"taro@example.com", "Taro Abe"}},
		{url.Values{"email": {"taro"}, "name": {"Taro Abe"}, "phone": {"03-1"}}, "Enter one email address", []string{"taro", "Taro Abe", "03-1"}},
		{url.Values{}, "Enter your email address.", nil},
	} {
		w := s.ask("POST", "/password/forgot", c.form, nil)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%v: %d, without %q", c.form, w.Code, c.says)
		}
		for _, value := range c.kept {
			if !strings.Contains(w.Body.String(), `value="`+value+`"`) {
				t.Errorf("%v: %q is lost", c.form, value)
			}
		}
	}
}

func TestANetworkThatAsksTooOftenWaitsAndOthersDoNot(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	a := s.add("taro@example.com", "Taro Abe", person{})
	stranger := url.Values{"email": {a.Email}, "name": {"Somebody"}, "phone": {"1"}}
	for i := range perNetwork.Burst {
		if w := s.ask("POST", "/password/forgot", stranger, nil); w.Code != http.StatusSeeOther {
			t.Fatalf("try %d: %d", i+1, w.Code)
		}
	}
	w := s.ask("POST", "/password/forgot", stranger, nil)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "60" || !strings.Contains(w.Body.String(), `value="Somebody"`) {
		t.Errorf("one too many: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	// However often a stranger typed the address, its owner gets a link elsewhere.
	if w := s.ask("POST", "/password/forgot", identity(a), &session.Visit{From: "198.51.100.1/32"}); w.Code != http.StatusSeeOther {
		t.Errorf("the owner: %d", w.Code)
	}
	if len(s.mails()) != 1 {
		t.Errorf("%d mails", len(s.mails()))
	}
	s.Clock.Set(storetest.Start.Add(time.Minute))
	if w := s.ask("POST", "/password/forgot", stranger, nil); w.Code != http.StatusSeeOther {
		t.Errorf("at the promised instant: %d", w.Code)
	}
}

func TestLettersToOneAccountAreLimitedAndTheLastLinkStaysGood(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		link := ""
		for range perAccount.Burst {
			link = s.link(a)
			w.Clock.Set(s.Clock.Now().Add(time.Second))
		}
		for range 3 {
			if w := s.ask("POST", "/password/forgot", identity(a), nil); w.Code != http.StatusSeeOther {
				t.Errorf("more are answered otherwise: %d", w.Code)
			}
		}
		if n := len(s.mails()); n != perAccount.Burst {
			t.Errorf("%d mails", n)
		}
		if w := s.ask("GET", link, nil, nil); w.Code != http.StatusOK {
			t.Errorf("the last link answers %d", w.Code)
		}
		if acts := s.acts(); !slices.Equal(acts[:3], []string{"account:reset:denied", "account:reset:denied", "account:reset:denied"}) ||
			acts[3] != "account:reset:asked" {
			t.Errorf("the record says %q", acts)
		}
	})
}
