package network

import (
	"bytes"
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/clock"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// scene is the room on a real database, behind a gate that lets everybody pass.
type scene struct {
	storetest.World
	t     *testing.T
	mux   *http.ServeMux
	mails []mail.Message
	post  *mail.Post
	org   string
	other string
}

// Send keeps the mail.
func (s *scene) Send(_ context.Context, m mail.Message) error {
	s.mails = append(s.mails, m)
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, act.Words, Words)
	must(t, err)
	site, err := page.New(book, log, page.Options{Name: "Business Portal", Now: w.Clock.Now, Contact: "help@portal.example"})
	must(t, err)
	room, err := New(Needs{DB: w.DB, Keys: w.Keys, Site: site, Wake: func() {}})
	must(t, err)
	for _, rt := range room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	_, err = clock.Load(t.Context(), w.DB, w.Clock)
	must(t, err)
	s.post = mail.NewPost(w.DB, w.Keys, w.Clock, s, "portal@portal.example", log)
	s.in(func(ctx context.Context, tx *store.Tx) error {
		for name, id := range map[string]*string{"Aozora Trading": &s.org, "Brennhof": &s.other} {
			o, err := organization.Add(ctx, tx, name)
			if err != nil {
				return err
			}
			*id = o.ID
		}
		return nil
	})
	return s
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	must(s.t, s.DB.Write(s.t.Context(), do))
}

// add puts somebody into an organization, enrolled.
func (s *scene) add(org, name string, authority account.Authority) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: org}, Email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@" + org[len(org)-4:] + ".example",
		Name: name, Phone: "0312345678", Authority: authority, Language: phrase.English, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil {
			return err
		}
		return totp.Enroll(ctx, tx, s.Keys, a.Ref, make([]byte, 20), 1, 1)
	})
	return a
}

func (s *scene) admin(name string) account.Account { return s.add(s.org, name, account.PortalAdmin) }

// visit signs somebody in with two steps, from an address.
func (s *scene) visit(a account.Account, from string) *session.Visit {
	s.t.Helper()
	v := &session.Visit{Person: a, OrganizationName: "Aozora Trading", TwoStep: true, Address: netip.MustParseAddr(from)}
	v.From = limit.Network(v.Address)
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if _, v.Session, err = session.Start(ctx, tx, a.Ref, v.From, "a browser", ""); err != nil {
			return err
		}
		_, err = session.Rise(ctx, tx, v.Session, account.TOTP)
		return err
	})
	v.FreshCode, v.CodeAt = v.Started, v.Started
	v.Again = func(context.Context, *store.Tx) error { return nil }
	return v
}

// staff is an operator's visit.
func (s *scene) staff() *session.Visit {
	v := s.visit(account.Account{Ref: account.Ref{Organization: organization.Operators, ID: "op-1"}, Name: "Mika Operator"}, "192.0.2.1")
	return v
}

func (s *scene) ask(v *session.Visit, method, path string, fields ...string) *httptest.ResponseRecorder {
	s.t.Helper()
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
	body := html.UnescapeString(w.Body.String())
	if strings.Contains(body, "[network.") || strings.Contains(body, "[act.") || strings.Contains(body, "ZgotmplZ") {
		s.t.Errorf("%s %s: a phrase or a link is missing:\n%s", method, path, body)
	}
	w.Body = bytes.NewBufferString(body)
	return w
}

// is checks an answer's status and parts of its page.
func (s *scene) is(w *httptest.ResponseRecorder, status int, parts ...string) {
	s.t.Helper()
	if w.Code != status {
		s.t.Fatalf("%d, wanted %d; on to %q:\n%s", w.Code, status, w.Header().Get("Location"), w.Body)
	}
	for _, part := range parts {
		if !strings.Contains(w.Body.String(), part) {
			s.t.Errorf("%q is not in\n%s", part, w.Body)
		}
	}
}

func (s *scene) to(w *httptest.ResponseRecorder, path string) {
	s.t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != path {
		s.t.Fatalf("%d on to %q, wanted %q:\n%s", w.Code, got, path, w.Body)
	}
}

func (s *scene) count(condition string, args ...any) (n int) {
	s.t.Helper()
	must(s.t, s.DB.QueryRow(s.t.Context(), "select count(*) from "+condition, args...).Scan(&n))
	return n
}

// counts holds how many networks, checks, records and letters there are.
func (s *scene) holds(networks, checks, records, letters int) {
	s.t.Helper()
	got := []int{s.count("network"), s.count("account where network_check"), s.count("audit"), s.count("mail")}
	want := []int{networks, checks, records, letters}
	for i := range got {
		if got[i] != want[i] {
			s.t.Errorf("networks, checks, records, letters: %v, wanted %v", got, want)
			return
		}
	}
}

func (s *scene) permit(org string, networks ...string) (ids []string) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		ids = nil
		for _, text := range networks {
			if err := account.Permit(ctx, tx, org, netip.MustParsePrefix(text), "Office"); err != nil {
				return err
			}
		}
		list, err := account.PermittedNetworks(ctx, tx, org)
		for _, n := range list {
			ids = append(ids, n.ID)
		}
		return err
	})
	return ids
}

func (s *scene) check(people ...account.Account) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		for _, a := range people {
			if err := account.CheckNetworks(ctx, tx, a.Ref, true); err != nil {
				return err
			}
		}
		return nil
	})
}
