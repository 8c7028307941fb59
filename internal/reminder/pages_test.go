package reminder

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func (s *scene) visit(a account.Account) *session.Visit {
	return &session.Visit{Session: session.Session{ID: "s", Ref: a.Ref}, Person: a, TwoStep: true, From: "203.0.113.7/32",
		Again: func(context.Context, *store.Tx) error { return nil }}
}

func (s *scene) operator() *session.Visit {
	s.t.Helper()
	var o operator.Operator
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = operator.Add(ctx, tx, operator.Operator{Email: "op@portal.example", Name: "Mio Kato", Language: "en", Zone: "UTC"}, "test")
		return err
	})
	return s.visit(account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name})
}

func (s *scene) ask(method, path string, v *session.Visit, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for _, name := range fields {
		form.Set(name, "yes")
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(s.t.Context(), v)))
	return w
}

func TestAPortalAdminRemindsHisPeopleOnceADay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, other := s.organization("Aozora"), s.organization("Yamada")
		admin := s.person(o, "admin@x.jp", func(a *account.Account) { a.Authority = account.PortalAdmin })
		a, b := s.person(o, "a@x.jp"), s.person(o, "b@x.jp")
		stranger := s.person(other, "y@x.jp")
		s.plan("", day, 60*day)
		s.enroll(admin)
		s.fold()
		v := s.visit(admin)
		remind := func(want string, fields ...string) {
			t.Helper()
			answer := s.ask("POST", "/progress/remind", v, fields...)
			if to := answer.Header().Get("Location"); answer.Code != 303 || to != want {
				t.Errorf("%v: %d to %q, want %q", fields, answer.Code, to, want)
			}
		}
		if answer := s.ask("POST", "/progress/remind", v, "everybody"); answer.Code != 403 {
			t.Errorf("before the opening: %d", answer.Code)
		}
		s.later(day + time.Hour)
		remind("/progress?reminded=0")
		remind("/progress?reminded=1", "person-"+a.ID, "person-"+stranger.ID, "person-"+admin.ID, "person-nobody")
		remind("/progress?reminded=0", "person-"+a.ID)
		remind("/progress?reminded=1", "everybody")
		s.is("a asked", "b asked")
		s.later(day - time.Second)
		remind("/progress?reminded=0", "everybody")
		s.later(time.Second + time.Microsecond)
		s.enroll(b) // not folded yet
		remind("/progress?reminded=1", "everybody")
		s.is("a asked", "a asked", "b asked")
		if n := s.number(`select count(*) from audit where act = 'rollout:reminder:asked' and chain = $1 and actor = $2`, o, admin.ID); n != 3 {
			t.Errorf("%d records", n)
		}
	})
}

func TestTheAnnouncementGoesToEverybodyOnceAndToNewcomersWhenSentAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.organization("Aozora")
		s.person(o, "a@x.jp")
		s.person(o, "b@x.jp", func(a *account.Account) { a.Language = phrase.Japanese })
		s.enroll(s.person(o, "c@x.jp"))
		s.fold()
		p := s.plan("", 20*day, 60*day)
		v, path := s.operator(), "/operator/rollouts/"+p.ID+"/reminders"
		if page := s.ask("GET", path+"/announcement", v).Body.String(); !strings.Contains(page, "It goes to 2 people") {
			t.Error(page)
		}
		for range 2 { // a second press does nothing more
			if answer := s.ask("POST", path+"/announcement", v); answer.Header().Get("Location") != path+"?done=announced" {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
		}
		s.is() // the job writes
		s.run()
		s.run()
		s.is("a announcement", "b announcement")
		got := s.deliver()
		if len(got) != 2 || !strings.HasPrefix(got[1], "b: Business Portal: 二段階認証の設定のお願い") {
			t.Errorf("%q", got)
		}
		s.later(time.Hour)
		s.person(o, "d@x.jp")
		s.run()
		s.is("a announcement", "b announcement")
		s.ask("POST", path+"/announcement", v)
		s.run()
		s.is("a announcement", "b announcement", "d announcement")
		page := s.ask("GET", path+"?done=announced", v).Body.String()
		for _, must := range []string{"goes out within a minute", "Announcement", "All queued", ">3<", "28 days before the end", "30 Mar 2018, 12:00 JST"} {
			if !strings.Contains(page, must) {
				t.Errorf("the page does not say %q:\n%s", must, page)
			}
		}
		if unsaid.MatchString(page) {
			t.Error(page)
		}
	})
}

func TestNothingIsAnnouncedOfWhatIsOverWithdrawnOrNotThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.person(s.organization("Aozora"), "a@x.jp")
		p, v := s.plan("", day, 60*day), s.operator()
		path := "/operator/rollouts/" + p.ID + "/reminders"
		if answer := s.ask("GET", "/operator/rollouts/nothing/reminders", v); answer.Code != 404 {
			t.Errorf("unknown: %d", answer.Code)
		}
		s.later(60 * day)
		if answer := s.ask("POST", path+"/announcement", v); answer.Code != 403 {
			t.Errorf("over: %d", answer.Code)
		}
		s.run()
		s.is()
		for _, lang := range []string{"en", "ja"} {
			for _, at := range []string{path, path + "/announcement"} {
				if answer := s.ask("GET", at+"?lang="+lang, v); answer.Code != 200 || unsaid.MatchString(answer.Body.String()) {
					t.Errorf("%s: %d %s", at, answer.Code, answer.Body)
				}
			}
		}
	})
}

func TestTheAnnouncementWaitsUntilTheWindowCloses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.people(s.organization("Aozora"), 3)
		p, v := s.plan("", 20*day, 60*day), s.operator()
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := maintenance.Plan(ctx, tx, s.Clock.Now(), s.Clock.Now().Add(time.Hour), "kato")
			return err
		})
		s.ask("POST", "/operator/rollouts/"+p.ID+"/reminders/announcement", v)
		s.run()
		s.is()
		s.later(time.Hour)
		s.run()
		if n := s.number(`select count(*) from reminder where what = 'announcement'`); n != 3 {
			t.Errorf("%d written", n)
		}
	})
}
