package people

import (
	"bytes"
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/clock"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/setup"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// scene is the room on a real database, behind a gate that lets everybody pass
// whose session is open.
type scene struct {
	storetest.World
	t     *testing.T
	mux   *http.ServeMux
	mails []mail.Message
	post  *mail.Post
	org   string // Aozora Trading
	other string // Brennhof
	site  *page.Site
}

// Send keeps the mail.
func (s *scene) Send(_ context.Context, m mail.Message) error {
	s.mails = append(s.mails, m)
	return nil
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book, err := phrase.NewBook(page.Words, phrase.Words, act.Words, session.Words, pass.Words, verification.Words, signin.Words, Words)
	must(t, err)
	site, err := page.New(book, log, page.Options{Name: "Business Portal", House: time.FixedZone("JST", 9*60*60), Now: w.Clock.Now, Contact: "help@portal.example"})
	must(t, err)
	s.site = site
	room, err := New(Needs{DB: w.DB, Keys: w.Keys, Site: site, Desk: &verification.Desk{Keys: w.Keys, Site: site}, Wake: func() {}, Log: log,
		Passes:  &pass.Desk{Keys: w.Keys, Site: site, BaseURL: "https://portal.example"},
		Removed: []func(context.Context, *store.Tx, account.Ref) error{setup.Remove}})
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	must(s.t, s.DB.Write(s.t.Context(), do))
}

// add puts somebody into an organization: admin or not, with an assigned method and
// the methods that were proved.
func (s *scene) add(org, name string, authority account.Authority, assigned account.Method, proved ...account.Method) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: org}, Email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@" + org[len(org)-4:] + ".example",
		Name: name, Phone: "0312345678", Authority: authority, Language: phrase.English, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil {
			return err
		}
		if err := account.Assign(ctx, tx, a.Ref, assigned, "test"); err != nil {
			return err
		}
		for _, m := range proved {
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

func newOrganization(ctx context.Context, tx *store.Tx, name string) (string, error) {
	o, err := organization.Add(ctx, tx, name)
	return o.ID, err
}

func (s *scene) admin(name string) account.Account {
	return s.add(s.org, name, account.PortalAdmin, account.TOTP, account.TOTP)
}

func (s *scene) user(name string) account.Account {
	return s.add(s.org, name, account.GeneralUser, account.TOTP)
}

// visit signs somebody in with two steps.
func (s *scene) visit(a account.Account) *session.Visit {
	s.t.Helper()
	v := &session.Visit{Person: a, OrganizationName: "Aozora Trading", TwoStep: true, From: "203.0.113.7/32"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if _, v.Session, err = session.Start(ctx, tx, a.Ref, v.From, "a browser", ""); err != nil {
			return err
		}
		v.Session.CodeAt, v.Session.FreshCode = tx.Now(), tx.Now()
		_, err = session.Rise(ctx, tx, v.Session, account.TOTP)
		return err
	})
	v.Again = func(ctx context.Context, tx *store.Tx) error {
		var open bool
		if err := tx.QueryRow(ctx, `select ended_at is null from session where id = $1`, v.Session.ID).Scan(&open); err != nil {
			return err
		}
		if !open {
			return fault.New(fault.Refused, "session.refused")
		}
		return nil
	}
	return v
}

// oneStep signs somebody in by the password alone, in the period.
func (s *scene) oneStep(a account.Account) *session.Visit {
	v := s.visit(a)
	v.TwoStep, v.OneStep, v.Setup, v.Session.CodeAt, v.Session.FreshCode = false, true, true, time.Time{}, time.Time{}
	return v
}

// passing lets a visit pass the gate whatever becomes of its session: the rule alone decides.
func passing(v *session.Visit) *session.Visit {
	v.Again = func(context.Context, *store.Tx) error { return nil }
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
	body := html.UnescapeString(w.Body.String())
	if strings.Contains(body, "[people.") || strings.Contains(body, "[pass.") || strings.Contains(body, "ZgotmplZ") {
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

func (s *scene) count(condition string) (n int) {
	s.t.Helper()
	must(s.t, s.DB.QueryRow(s.t.Context(), "select count(*) from "+condition).Scan(&n))
	return n
}

// mailed is the newest mail to somebody.
func (s *scene) mailed(a account.Account) mail.Message {
	s.t.Helper()
	must(s.t, s.post.Drain(s.t.Context()))
	for i := len(s.mails) - 1; i >= 0; i-- {
		if s.mails[i].To == a.Email {
			return s.mails[i]
		}
	}
	s.t.Fatalf("nothing was mailed to %s", a.Email)
	return mail.Message{}
}

var (
	codeLine = regexp.MustCompile(`(?m)^\s+(\d{4} \d{4})$`)
	passCode = regexp.MustCompile(`[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}`)
)

func (s *scene) methodOf(a account.Account) account.Method {
	s.t.Helper()
	p, err := find(s.t.Context(), s.DB, a.Ref, s.Clock.Now())
	must(s.t, err)
	return p.Method
}
