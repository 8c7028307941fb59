package password

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/operator"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestTheOwnerChangesThePasswordAndOnlyThisSessionGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{})
		v, token := s.visit(a)
		other, _ := s.visit(a)
		link := s.link(a)
		s.in(func(ctx context.Context, tx *store.Tx) error { return MarkWeak(ctx, tx, a.Ref) })
		answer := s.ask("POST", "/profile/password", twice(newPassword), v)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/profile?done=password" {
			t.Fatalf("%d: %s", answer.Code, answer.Body)
		}
		cookies := answer.Result().Cookies()
		if len(cookies) != 1 || cookies[0].Value == token || len(cookies[0].Value) != 43 {
			t.Fatalf("the session got no new value: %v", cookies)
		}
		if n := s.number(`select count(*) from session where digest = $1 and ended_at is null`, secret.Digest(cookies[0].Value)); n != 1 {
			t.Error("the new value opens nothing")
		}
		if !s.signedIn(a, v.Session.ID) || s.signedIn(a, other.Session.ID) {
			t.Error("this session ended, or another goes on")
		}
		if !s.works(a, newPassword) || s.works(a, hadPassword) {
			t.Error("the new password does not count")
		}
		if n := s.number(`select count(*) from password where holder_id = $1 and not weak and reset_at is null`, a.ID); n != 1 {
			t.Error("the mark of a weak password stays, or a change passes for a reset")
		}
		if w := s.ask("GET", link, nil, nil); w.Code != http.StatusNotFound {
			t.Errorf("a link mailed before answers %d", w.Code)
		}
		if m := s.mailTo(a.Email); !strings.Contains(m.Subject, "was changed") || linkShape.MatchString(m.Text) {
			t.Errorf("the owner was told %q", m.Subject)
		}
		if acts := s.acts(); acts[0] != "account:password:changed" {
			t.Errorf("the record says %q", acts)
		}
	})
}

func TestAPasswordThatMayStandAloneIsLonger(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	alone, _ := s.visit(s.add("taro@example.com", "Taro Abe", person{}))
	enrolled, _ := s.visit(s.add("ken@example.com", "Ken Ito", person{enrolled: []account.Method{account.MailOTP}}))
	for _, c := range []struct {
		visit *session.Visit
		typed string
		want  int
	}{
		{alone, "k7Wq zP2 mR4 x", http.StatusUnprocessableEntity},
		{alone, "k7Wq zP2 mR4 xy", http.StatusSeeOther},
		{enrolled, "k7Wq zP", http.StatusUnprocessableEntity},
		{enrolled, "k7Wq zP2", http.StatusSeeOther},
	} {
		if w := s.ask("POST", "/profile/password", twice(c.typed), c.visit); w.Code != c.want {
			t.Errorf("%q: %d, want %d", c.typed, w.Code, c.want)
		}
	}
}

func TestNothingIsChangedWhenTheGateWouldNotLetPassAnyMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{assigned: account.MailOTP})
		v, _ := s.visit(a)
		s.aside(a, "waiting", s.waiting())
		v.Again = func(context.Context, *store.Tx) error { return fault.New(fault.Refused, "session.refused") }
		for _, form := range []url.Values{twice(newPassword), {"act": {"refuse"}}} {
			if w := s.ask("POST", "/profile/password", form, v); w.Code != http.StatusForbidden {
				t.Errorf("%v: %d", form, w.Code)
			}
		}
		state, err := Read(t.Context(), s.DB, a.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if !state.Aside.Waits(s.Clock.Now()) || !s.works(a, hadPassword) {
			t.Error("something was changed")
		}
	})
}

func TestTheOwnerRefusesAPasswordThatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}})
		admin := s.add("hanako@example.com", "Hanako Sato", person{authority: account.PortalAdmin, language: "ja"})
		v, _ := s.visit(a)
		if page := s.ask("GET", "/profile/password", nil, v); strings.Contains(page.Body.String(), `value="refuse"`) {
			t.Error("nothing waits, and it can be refused")
		}
		link := s.link(a)
		s.ask("POST", link, twice(newPassword), nil)
		if page := s.ask("GET", "/profile/password", nil, v); !strings.Contains(page.Body.String(), `value="refuse"`) ||
			!strings.Contains(page.Body.String(), "It counts from 11 Mar 2018, 12:00 JST") {
			t.Errorf("the page does not tell what waits: %s", page.Body)
		}
		answer := s.ask("POST", "/profile/password", url.Values{"act": {"refuse"}}, v)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/profile?done=refused" {
			t.Fatalf("%d: %s", answer.Code, answer.Body)
		}
		if done := s.ask("GET", link+"/done", nil, nil); !strings.Contains(done.Body.String(), "This password does not count") {
			t.Errorf("whoever set it is told: %s", done.Body)
		}
		w.Clock.Set(storetest.Start.Add(2 * asideFor))
		if !s.works(a, hadPassword) || s.works(a, newPassword) {
			t.Error("what was refused counts")
		}
		if m := s.mailTo(admin.Email); !strings.Contains(m.Subject, "拒否されました") {
			t.Errorf("the Portal Admin was told %q", m.Subject)
		}
		if acts := s.acts(); acts[0] != "account:reset:refused" {
			t.Errorf("the record says %q", acts)
		}
		if again := s.ask("POST", "/profile/password", url.Values{"act": {"refuse"}}, v); again.Code != http.StatusNotFound {
			t.Errorf("a second time: %d", again.Code)
		}
	})
}

func TestAnOperatorChangesThePasswordAndIsToldAsOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		var o operator.Operator
		s.in(func(ctx context.Context, tx *store.Tx) (err error) {
			o, err = operator.Add(ctx, tx, operator.Operator{Email: "op@portal.example", Name: "Mio Kato", Language: "en", Zone: "UTC"}, "test")
			return err
		})
		v, _ := s.visit(account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name, Language: o.Language, Zone: o.Zone})
		if w := s.ask("POST", "/profile/password", twice(newPassword), v); w.Code != http.StatusSeeOther {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if m := s.mailTo(o.Email); !strings.Contains(m.Text, "nidan operator reset") || strings.Contains(m.Text, "Portal Admin") {
			t.Errorf("told: %s", m.Text)
		}
	})
}

func TestThePasswordRoomSaysNoSecretInLogsRecordsOrSubjects(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}})
		admin := s.add("hanako@example.com", "Hanako Sato", person{authority: account.PortalAdmin})
		link := s.link(a)
		s.ask("POST", link, twice(newPassword), nil)
		v, cookie := s.visit(a)
		s.ask("POST", "/profile/password", url.Values{"act": {"refuse"}}, v)
		s.ask("POST", "/profile/password", twice("umber gazelle thimble 5"), v)
		token := strings.TrimPrefix(link, "/password/reset/")
		secrets := []string{newPassword, "umber gazelle thimble 5", token, cookie, "$argon2id$"}
		texts := map[string]string{"the log": s.log.String()}
		for _, m := range s.mails() {
			body := m.Subject + m.Text + m.HTML
			if m.To == a.Email && strings.Contains(m.Subject, "Your link") {
				body = m.Subject // the one mail that has to hold the token
			}
			texts["a mail to "+m.To] += body
		}
		rows, err := s.DB.Query(t.Context(), `select detail from audit`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var detail string
			if err := rows.Scan(&detail); err != nil {
				t.Fatal(err)
			}
			texts["the record"] += detail
		}
		if texts["a mail to "+admin.Email] == "" || texts["the record"] == "" {
			t.Fatal("there is nothing to look at")
		}
		for where, text := range texts {
			if i := slices.IndexFunc(secrets, func(one string) bool { return strings.Contains(text, one) }); i >= 0 {
				t.Errorf("%s holds %q", where, secrets[i])
			}
		}
	})
}
