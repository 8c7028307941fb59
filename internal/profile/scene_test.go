package profile

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// scene is the room on a real database, behind a gate that lets everybody pass.
type scene struct {
	storetest.World
	t   *testing.T
	mux *http.ServeMux
	org string
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, password.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal",
		House: time.FixedZone("JST", 9*60*60), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	room, err := New(Needs{DB: w.DB, Keys: w.Keys, Site: site})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range room.Routes() {
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

func (s *scene) add(email string, authority account.Authority, assigned account.Method, enrolled ...account.Method) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: s.org}, Email: email, Name: "Hanako Sato", Phone: "03",
		Authority: authority, Language: phrase.English, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil {
			return err
		}
		if err := account.Assign(ctx, tx, a.Ref, assigned, "test"); err != nil {
			return err
		}
		for _, m := range enrolled {
			if m == account.TOTP {
				err = totp.Enroll(ctx, tx, s.Keys, a.Ref, make([]byte, 20), 1, 1)
			} else {
				_, err = mailotp.Enroll(ctx, tx, a.Ref)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	a.Method = assigned
	return a
}

// visit signs a person in, with a browser.
func (s *scene) visit(a account.Account, agent string) *session.Visit {
	s.t.Helper()
	v := &session.Visit{Person: a, OrganizationName: "Aozora Trading", TwoStep: true, From: "203.0.113.7/32",
		Again: func(context.Context, *store.Tx) error { return nil }}
	if a.IsOperator() {
		v.OrganizationName = ""
	}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		_, v.Session, err = session.Start(ctx, tx, a.Ref, v.From, agent, "")
		return err
	})
	return v
}

func (s *scene) ask(method, path string, form url.Values, v *session.Visit) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(s.t.Context(), v)))
	return w
}

// open are the ids of the open sessions of an account.
func (s *scene) open(a account.Account) map[string]bool {
	s.t.Helper()
	list, err := session.List(s.t.Context(), s.DB, a.Ref, s.Clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, one := range list {
		ids[one.ID] = true
	}
	return ids
}
