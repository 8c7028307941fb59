package pass

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// scene is the room on a real database, behind a gate that lets everybody pass.
type scene struct {
	storetest.World
	t    *testing.T
	mux  *http.ServeMux
	org  string
	room *Room
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.NewTextHandler(t.Output(), nil)), page.Options{Name: "Business Portal",
		House: time.FixedZone("JST", 9*60*60), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.room, err = New(Needs{DB: w.DB, Keys: w.Keys, Site: site, BaseURL: "https://portal.example", Wake: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range s.room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, "Aozora Trading")
		s.org = o.ID
		return err
	})
	return s
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Write(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) add(email string) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: s.org}, Email: email, Name: "Hanako Sato", Phone: "03",
		Authority: account.GeneralUser, Language: phrase.English, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		a, err = account.Add(ctx, tx, s.Keys, a, "test")
		return err
	})
	return a
}

// visit is a person whose password was proved in a new session.
func (s *scene) visit(a account.Account) *session.Visit {
	s.t.Helper()
	v := &session.Visit{Person: a, OrganizationName: "Aozora Trading", From: "203.0.113.7/32",
		Again: func(context.Context, *store.Tx) error { return nil }}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		_, v.Session, err = session.Start(ctx, tx, a.Ref, v.From, "a browser", "")
		return err
	})
	return v
}

func (s *scene) ask(v *session.Visit, method, path string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(s.t.Context(), v)))
	if body := w.Body.String(); strings.Contains(body, "[pass.") || strings.Contains(body, "ZgotmplZ") {
		s.t.Errorf("%s %s: a phrase or a link is missing:\n%s", method, path, body)
	}
	return w
}

// redeemed says whether a session has a pass.
func (s *scene) redeemed(v *session.Visit) bool {
	s.t.Helper()
	var id string
	if err := s.DB.QueryRow(s.t.Context(), `select coalesce(pass_id, '') from session where id = $1`, v.Session.ID).Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	return id != ""
}

func (s *scene) byHand(a account.Account) (code string) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		code, _, err = GiveByHand(ctx, tx, s.Keys, a.Ref, Given{By: "sato", Why: "lost phone"})
		return err
	})
	return code
}

func (s *scene) byMail(a account.Account) (token string) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		token, _, err = Give(ctx, tx, a.Ref, Latecomer, Given{By: "sato", Why: "lost phone"})
		return err
	})
	return token
}

func (s *scene) count(condition string) (n int) {
	s.t.Helper()
	if err := s.DB.QueryRow(s.t.Context(), "select count(*) from "+condition).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

const wrongCode = "AAAA-BBBB-CCCC"

func TestACodeOpensSetUpForItsAccountAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako, taro := s.add("hanako@aozora.example"), s.add("taro@aozora.example")
		code := s.byHand(hanako)
		other := s.visit(taro)
		if a := s.ask(other, "POST", "/pass", "code", code); a.Code != http.StatusUnprocessableEntity || s.redeemed(other) {
			t.Fatalf("another account's: %d", a.Code)
		}
		mine := s.visit(hanako)
		a := s.ask(mine, "POST", "/pass", "code", strings.ToLower(Grouped(code)))
		if a.Code != http.StatusSeeOther || a.Header().Get("Location") != "/" || !s.redeemed(mine) || len(a.Result().Cookies()) != 1 {
			t.Fatalf("%d %s", a.Code, a.Body)
		}
		if s.count("pass where spent_at is not null") != 0 || s.count("pass where tries > 0") != 0 {
			t.Error("redeeming spent it, or counted")
		}
		// The same code in a second browser of the same person: the pass is still not spent.
		if second := s.visit(hanako); s.ask(second, "POST", "/pass", "code", code).Code != http.StatusSeeOther || !s.redeemed(second) {
			t.Error("a second browser")
		}
	})
}

func TestAfterFiveWrongCodesThePassIsDeadForCodesAndTheOwnerIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako := s.add("hanako@aozora.example")
		code := s.byHand(hanako)
		v := s.visit(hanako)
		for n := 1; n <= Tries; n++ {
			if a := s.ask(v, "POST", "/pass", "code", wrongCode); a.Code != http.StatusUnprocessableEntity {
				t.Fatalf("%d. wrong code: %d", n, a.Code)
			}
			if s.count("pass where tries = "+string(rune('0'+n))) != 1 {
				t.Errorf("the %d. is not counted", n)
			}
			if told := s.count("mail where kind = 'pass-tries'"); told != n/Tries {
				t.Errorf("after %d, %d letters", n, told)
			}
		}
		// What is not such a code at all counts for nothing, nor does an empty one.
		if a := s.ask(v, "POST", "/pass", "code", "0189"); !strings.Contains(a.Body.String(), "did not count") {
			t.Errorf("%s", a.Body)
		}
		before := s.ask(v, "POST", "/pass", "code", wrongCode)
		right := s.ask(v, "POST", "/pass", "code", code)
		if right.Code != http.StatusUnprocessableEntity || s.redeemed(v) || right.Body.String() != before.Body.String() {
			t.Errorf("the right one after five wrong ones: %d", right.Code)
		}
		// A new pass opens.
		if s.ask(v, "POST", "/pass", "code", s.byHand(hanako)).Code != http.StatusSeeOther {
			t.Error("a new pass does not open")
		}
	})
}

func TestOfManyCodesAtOnceFiveAreLookedAt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako := s.add("hanako@aozora.example")
		s.byHand(hanako)
		v := s.visit(hanako)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { s.ask(v, "POST", "/pass", "code", wrongCode) })
		}
		all.Wait()
		if s.count("pass where tries = 5") != 1 || s.count("mail where kind = 'pass-tries'") != 1 {
			t.Errorf("tries are lost, or the owner is told more than once")
		}
	})
}

func TestManyTriesAreSlowedWhetherOrNotThereIsAPass(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		for _, a := range []account.Account{s.add("hanako@aozora.example"), s.add("taro@aozora.example")} {
			if a.Email == "hanako@aozora.example" {
				s.byHand(a)
			}
			v, first := s.visit(a), ""
			for n := range 2 * Tries {
				answer := s.ask(v, "POST", "/pass", "code", wrongCode)
				if n == 0 {
					first = answer.Body.String()
				}
				if answer.Code != http.StatusUnprocessableEntity || answer.Body.String() != first {
					t.Fatalf("%s, %d: %d", a.Email, n, answer.Code)
				}
			}
			if answer := s.ask(v, "POST", "/pass", "code", wrongCode); answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") != "360" {
				t.Errorf("%s: %d, %s", a.Email, answer.Code, answer.Header().Get("Retry-After"))
			}
		}
	})
}

func TestADeadCodeOpensNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		for name, end := range map[string]func(a account.Account){
			"withdrawn": func(a account.Account) {
				s.in(func(ctx context.Context, tx *store.Tx) error { return Withdraw(ctx, tx, a.Ref) })
			},
			"replaced": func(a account.Account) { s.byMail(a) },
			"too old":  func(account.Account) { w.Clock.Set(w.Clock.Now().Add(24 * time.Hour)) },
		} {
			a := s.add(strings.ReplaceAll(name, " ", "") + "@aozora.example")
			code := s.byHand(a)
			end(a)
			if v := s.visit(a); s.ask(v, "POST", "/pass", "code", code).Code != http.StatusUnprocessableEntity || s.redeemed(v) {
				t.Errorf("%s: it opens", name)
			}
		}
	})
}

func TestOpeningALinkLooksNothingUpAndSpendsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako := s.add("hanako@aozora.example")
		token := s.byMail(hanako)
		for _, v := range []*session.Visit{{}, s.visit(hanako)} {
			want := s.ask(v, "GET", "/pass/nobodys").Body.String()
			for _, method := range []string{"GET", "HEAD", "GET", "HEAD", "GET", "HEAD"} {
				a := s.ask(v, method, "/pass/"+token)
				if a.Code != http.StatusOK || method == "GET" && strings.ReplaceAll(a.Body.String(), token, "nobodys") != want {
					t.Errorf("%s: %d, or another page than for a link nobody has", method, a.Code)
				}
			}
		}
		if s.count("pass where spent_at is null and replaced_at is null and withdrawn_at is null and tries = 0") != 1 || s.count("session where pass_id is not null") != 0 {
			t.Error("opening it did something")
		}
	})
}

func TestALinkIsRedeemedByTheAccountItWasMailedTo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		hanako, taro := s.add("hanako@aozora.example"), s.add("taro@aozora.example")
		token, guide := s.byMail(hanako), ""
		s.in(func(ctx context.Context, tx *store.Tx) (err error) {
			guide, _, err = Give(ctx, tx, taro.Ref, Guide, Given{By: "sato"})
			return err
		})
		other := s.visit(taro)
		dead := s.ask(other, "POST", "/pass/nobodys")
		for name, path := range map[string]string{"another account's": "/pass/" + token, "a starting guide": "/pass/" + guide} {
			if a := s.ask(other, "POST", path); a.Code != http.StatusNotFound || a.Body.Len() != dead.Body.Len()+0 && s.redeemed(other) {
				t.Errorf("%s: %d", name, a.Code)
			}
		}
		if s.redeemed(other) {
			t.Error("it was redeemed")
		}
		mine := s.visit(hanako)
		if a := s.ask(mine, "POST", "/pass/"+token); a.Code != http.StatusSeeOther || !s.redeemed(mine) {
			t.Errorf("%d", a.Code)
		}
		if s.count("audit where act = 'account:pass:redeemed'") != 1 {
			t.Error("not recorded once")
		}
		w.Clock.Set(w.Clock.Now().Add(24 * time.Hour))
		late := s.visit(hanako)
		if a := s.ask(late, "POST", "/pass/"+token); a.Code != http.StatusNotFound || s.redeemed(late) {
			t.Errorf("a day later: %d", a.Code)
		}
	})
}

func TestTheCodeIsNowhereInTheDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		code := s.byHand(s.add("hanako@aozora.example"))
		var digest []byte
		if err := w.DB.QueryRow(t.Context(), `select code_digest from pass`).Scan(&digest); err != nil {
			t.Fatal(err)
		}
		if len(digest) != 32 || strings.Contains(string(digest), code) {
			t.Errorf("%x", digest)
		}
	})
}
