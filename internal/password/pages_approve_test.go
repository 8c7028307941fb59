package password

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var (
	mailer    = person{assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}}
	adminMail = person{authority: account.PortalAdmin, assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}}
	adminTOTP = person{authority: account.PortalAdmin, enrolled: []account.Method{account.TOTP}}
)

// waits sets somebody's new password aside, as the mailed link does.
func (s *scene) waits(a account.Account) {
	s.t.Helper()
	if answer := s.ask("POST", s.link(a), twice(newPassword), nil); answer.Code != http.StatusSeeOther || s.works(a, newPassword) {
		s.t.Fatalf("not kept aside: %d", answer.Code)
	}
}

// fresh is a visitor who has just proved a code.
func (s *scene) fresh(a account.Account) *session.Visit {
	v, _ := s.visit(a)
	v.FreshCode = s.Clock.Now()
	return v
}

func (s *scene) operator() *session.Visit {
	s.t.Helper()
	var a account.Account
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: "olga@portal.example", Name: "Olga Berg", Language: "en", Zone: "UTC"}, "test")
		a = account.Account{Ref: o.Ref(), Name: o.Name, Email: o.Email, Language: "en", Zone: "UTC"}
		return err
	})
	return s.fresh(a)
}

// reply posts an answer to what waits, by the id that the page shows.
func (s *scene) reply(v *session.Visit, path string, r Reply, more ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	form := url.Values{"reset": {s.waitingID()}, "answer": {string(r)}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	v.FreshCode = s.Clock.Now()
	return s.ask("POST", path, form, v)
}

func (s *scene) waitingID() (id string) {
	s.t.Helper()
	if err := s.DB.QueryRow(s.t.Context(), `select coalesce(max(id), '') from password_reset where aside is not null`).Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func TestAPortalAdminApprovesWhatWaitsAndItCountsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, boss, other := s.add("taro@example.com", "Taro Abe", mailer), s.add("mika@example.com", "Mika Ito", adminTOTP), s.add("jun@example.com", "Jun Mori", adminTOTP)
		s.waits(a)
		v, page := s.fresh(boss), "/accounts/"+a.ID+"/reset"
		if list := s.ask("GET", "/accounts/resets", nil, v); list.Code != http.StatusOK || !strings.Contains(list.Body.String(), `href="`+page+`"`) {
			t.Fatalf("%d %s", list.Code, list.Body)
		}
		shown := s.ask("GET", page, nil, v)
		if shown.Code != http.StatusOK || !strings.Contains(shown.Body.String(), "Taro Abe") || !strings.Contains(shown.Body.String(), `value="`+s.waitingID()+`"`) {
			t.Fatalf("%d %s", shown.Code, shown.Body)
		}
		for _, answer := range []Reply{"", "yes"} {
			if got := s.reply(v, page, answer); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "Choose whether") {
				t.Errorf("%q: %d", answer, got.Code)
			}
		}
		id := s.waitingID()
		if got := s.reply(v, page, Yes); got.Header().Get("Location") != "/accounts/resets?done=approved" {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		if !s.works(a, newPassword) || s.works(a, hadPassword) {
			t.Error("the new password does not count, or the old one still does")
		}
		if n := slices.Index(s.acts(), "account:reset:approved"); n != 0 {
			t.Errorf("the record says %q", s.acts())
		}
		if m := s.mailTo(a.Email); !strings.Contains(m.Subject, "counts now") || !strings.Contains(m.Text, "Mika Ito, a Portal Admin") {
			t.Errorf("the owner was told %q %q", m.Subject, m.Text)
		}
		if m := s.mailTo(other.Email); !strings.Contains(m.Subject, "The new password of Taro Abe was approved") {
			t.Errorf("the other Portal Admin was told %q", m.Subject)
		}
		before := len(s.mails())
		for _, again := range []Reply{Yes, No} { // twice
			if got := s.reply(v, page, again, "reset", id); got.Code != http.StatusNotFound {
				t.Errorf("%s again: %d", again, got.Code)
			}
		}
		if len(s.mails()) != before || !s.works(a, newPassword) {
			t.Error("a second answer did something")
		}
		if list := s.ask("GET", "/accounts/resets?done=approved", nil, v); strings.Contains(list.Body.String(), page) || !strings.Contains(list.Body.String(), "No password waits") {
			t.Error("it is still on the list")
		}
	})
}

func TestARefusedPasswordNeverCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, boss := s.add("taro@example.com", "Taro Abe", mailer), s.add("mika@example.com", "Mika Ito", adminTOTP)
		s.waits(a)
		unused := s.link(a) // whoever reads the mailbox asked once more
		if got := s.reply(s.fresh(boss), "/accounts/"+a.ID+"/reset", No); got.Header().Get("Location") != "/accounts/resets?done=refused" {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		if m := s.mailTo(a.Email); !strings.Contains(m.Subject, "was refused") || !strings.Contains(m.Text, "Mika Ito") {
			t.Errorf("the owner was told %q", m.Subject)
		}
		if dead := s.ask("GET", unused, nil, nil); dead.Code != http.StatusNotFound {
			t.Errorf("an open link lives on: %d", dead.Code)
		}
		w.Clock.Set(w.Clock.Now().Add(48 * time.Hour))
		if s.works(a, newPassword) || !s.works(a, hadPassword) {
			t.Error("what was refused counts")
		}
	})
}

func TestOfAYesAndANoAtOnceOneCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, boss, other := s.add("taro@example.com", "Taro Abe", mailer), s.add("mika@example.com", "Mika Ito", adminTOTP), s.add("jun@example.com", "Jun Mori", adminTOTP)
		s.waits(a)
		id, page := s.waitingID(), "/accounts/"+a.ID+"/reset"
		visits := []*session.Visit{s.fresh(boss), s.fresh(other)}
		var all sync.WaitGroup
		codes := make([]int, 10)
		for i := range codes {
			all.Go(func() {
				form := url.Values{"reset": {id}, "answer": {string([]Reply{Yes, No}[i%2])}}
				codes[i] = s.ask("POST", page, form, visits[i%2]).Code
			})
		}
		all.Wait()
		won := 0
		for _, code := range codes {
			switch code {
			case http.StatusSeeOther:
				won++
			case http.StatusNotFound:
			default:
				t.Errorf("answered %d", code)
			}
		}
		approved := slices.Contains(s.acts(), "account:reset:approved")
		if won != 1 || s.works(a, newPassword) != approved || s.works(a, hadPassword) == approved ||
			s.number(`select count(*) from audit where act in ('account:reset:approved', 'account:reset:refused')`) != 1 {
			t.Errorf("%d answers won: %q", won, s.acts())
		}
	})
}

func TestAPortalAdminsOwnIsAnsweredByAnotherOfTheSameOrganizationAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, other, weak := s.add("mika@example.com", "Mika Ito", adminMail), s.add("jun@example.com", "Jun Mori", adminTOTP),
			s.add("new@example.com", "New One", person{authority: account.PortalAdmin})
		s.waits(a)
		mine := s.org
		s.in(func(ctx context.Context, tx *store.Tx) error {
			o, err := organization.Add(ctx, tx, "Brennhof")
			s.org = o.ID
			return err
		})
		foreign := s.add("frank@brennhof.example", "Tobias Frank", adminTOTP)
		s.org = mine
		page := "/accounts/" + a.ID + "/reset"
		nobody := "/accounts/00000000-0000-7000-8000-000000000000/reset"
		for _, method := range []string{"GET", "POST"} {
			form := url.Values{"reset": {s.waitingID()}, "answer": {"approve"}}
			one, none := s.ask(method, page, form, s.fresh(foreign)), s.ask(method, nobody, form, s.fresh(foreign))
			if one.Code != http.StatusNotFound || strings.ReplaceAll(one.Body.String(), a.ID, "") != strings.ReplaceAll(none.Body.String(), nobody[10:46], "") {
				t.Errorf("%s of another organization: %d", method, one.Code)
			}
			if own := s.ask(method, page, form, s.fresh(a)); own.Code != http.StatusForbidden {
				t.Errorf("%s by himself: %d", method, own.Code)
			}
			if odd := s.ask(method, "/accounts/x%00/reset", form, s.fresh(other)); odd.Code != http.StatusNotFound {
				t.Errorf("%s of what is no id: %d", method, odd.Code)
			}
		}
		if got := s.reply(s.fresh(weak), page, Yes); got.Code != http.StatusForbidden {
			t.Errorf("one who is not able himself: %d", got.Code)
		}
		if s.works(a, newPassword) {
			t.Fatal("it counts")
		}
		w.Clock.Set(w.Clock.Now().Add(72 * time.Hour)) // time never suffices
		if got := s.reply(s.fresh(other), page, Yes); got.Code != http.StatusSeeOther || !s.works(a, newPassword) {
			t.Errorf("another one: %d %s", got.Code, got.Body)
		}
	})
}

func TestAnAnswerIsToThePasswordThatThePageShowed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, boss := s.add("taro@example.com", "Taro Abe", mailer), s.add("mika@example.com", "Mika Ito", adminTOTP)
		s.waits(a)
		shown := s.waitingID()
		w.Clock.Set(w.Clock.Now().Add(time.Hour))
		s.waits(a) // a newer one, maybe somebody else's
		if got := s.reply(s.fresh(boss), "/accounts/"+a.ID+"/reset", Yes, "reset", shown); got.Code != http.StatusForbidden || s.works(a, newPassword) {
			t.Errorf("%d", got.Code)
		}
	})
}

func TestAnOperatorAnswersWhereNoOtherIsAbleAgainstATicketAfterADay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a, user := s.add("mika@example.com", "Mika Ito", adminMail), s.add("taro@example.com", "Taro Abe", mailer)
		other := s.add("jun@example.com", "Jun Mori", adminTOTP)
		s.waits(user)
		s.waits(a)
		set := w.Clock.Now()
		v, page := s.operator(), "/operator/resets/"+a.Organization+"/"+a.ID
		list := s.ask("GET", "/operator/resets", nil, v).Body.String()
		if !strings.Contains(list, page) || strings.Contains(list, user.ID) {
			t.Error("the list is not that of Portal Admins")
		}
		if got := s.ask("GET", "/operator/resets/"+user.Organization+"/"+user.ID, nil, v); got.Code != http.StatusForbidden {
			t.Errorf("a General User's: %d", got.Code)
		}
		w.Clock.Set(set.Add(48 * time.Hour))
		if got := s.reply(v, page, Yes, "ticket", "T-9"); got.Code != http.StatusForbidden || s.works(a, newPassword) {
			t.Errorf("where another one is able: %d", got.Code)
		}
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, other.Ref, "test") })
		w.Clock.Set(set.Add(48 * time.Hour))
		s.waits(a)
		set = w.Clock.Now()
		w.Clock.Set(set.Add(24*time.Hour - time.Microsecond))
		if got := s.reply(v, page, Yes, "ticket", "T-9"); got.Code != http.StatusForbidden || s.works(a, newPassword) {
			t.Errorf("a microsecond early: %d", got.Code)
		}
		if shown := s.ask("GET", page, nil, v); strings.Contains(shown.Body.String(), `value="approve"`) || !strings.Contains(shown.Body.String(), "You can approve it from") {
			t.Error("the page does not say from when")
		}
		w.Clock.Set(set.Add(24 * time.Hour))
		for _, ticket := range []string{"", "<b>", strings.Repeat("x", 41)} {
			if got := s.reply(v, page, Yes, "ticket", ticket); got.Code != http.StatusUnprocessableEntity {
				t.Errorf("ticket %q: %d", ticket, got.Code)
			}
		}
		if got := s.reply(v, page, Yes, "ticket", "T-9"); got.Header().Get("Location") != "/operator/resets?done=approved" || !s.works(a, newPassword) {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		if s.number(`select count(*) from audit where act = 'account:reset:approved' and actor_kind = 'operator' and detail like '%"ticket":"T-9"%'`) != 1 {
			t.Error("the ticket is not in the record")
		}
		if m := s.mailTo(a.Email); !strings.Contains(m.Text, "Olga Berg, an operator of the portal,") {
			t.Errorf("the owner was told %q", m.Text)
		}
	})
}

func TestAnOperatorRefusesWithoutWaiting(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	a := s.add("mika@example.com", "Mika Ito", adminMail)
	s.waits(a)
	if got := s.reply(s.operator(), "/operator/resets/"+a.Organization+"/"+a.ID, No, "ticket", "T-9"); got.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	s.Clock.Set(s.Clock.Now().Add(48 * time.Hour))
	if s.works(a, newPassword) || !slices.Contains(s.acts(), "account:reset:refused") {
		t.Error("not refused")
	}
}
