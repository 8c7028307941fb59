package registry

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

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/clock"
	"nidan/internal/fault"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// scene is the room on a real database, behind a gate that lets everybody pass
// whose session is open.
type scene struct {
	storetest.World
	t   *testing.T
	mux *http.ServeMux
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	book, err := phrase.NewBook(page.Words, phrase.Words, act.Words, session.Words, pass.Words, Words)
	must(t, err)
	site, err := page.New(book, slog.New(slog.NewTextHandler(t.Output(), nil)), page.Options{Name: "Business Portal",
		House: phrase.Location("Asia/Tokyo"), Now: w.Clock.Now, Contact: "help@portal.example"})
	must(t, err)
	room, err := New(Needs{DB: w.DB, Site: site, Wake: func() {}, Desk: &pass.Desk{Keys: w.Keys, Site: site, BaseURL: "https://portal.example"}})
	must(t, err)
	for _, rt := range room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	_, err = clock.Load(t.Context(), w.DB, w.Clock)
	must(t, err)
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

func (s *scene) organization(name string) (o organization.Organization) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = organization.Add(ctx, tx, name)
		return err
	})
	return o
}

// add puts somebody into an organization; able ones have proved TOTP.
func (s *scene) add(o organization.Organization, name string, authority account.Authority, able bool) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: o.ID}, Email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.jp",
		Name: name, Phone: "0312345678", Authority: authority, Language: phrase.English, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil || !able {
			return err
		}
		if err := progress.Note(ctx, tx, a.Organization, a.ID, progress.Enrolled, "totp"); err != nil {
			return err
		}
		return totp.Enroll(ctx, tx, s.Keys, a.Ref, make([]byte, 20), 1, 1)
	})
	return a
}

func (s *scene) admin(o organization.Organization, name string, able bool) account.Account {
	return s.add(o, name, account.PortalAdmin, able)
}

// fold adds up what was noted, as it is done beside the requests.
func (s *scene) fold() {
	s.t.Helper()
	_, err := progress.Fold(s.t.Context(), s.DB)
	must(s.t, err)
}

// operator is one of the staff with a fresh code.
func (s *scene) operator(name string) *session.Visit {
	s.t.Helper()
	v := &session.Visit{TwoStep: true, From: "198.51.100.1/32"}
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: strings.ToLower(name) + "@portal.example", Name: name, Language: phrase.English, Zone: "Asia/Tokyo"}, "test")
		if err != nil {
			return err
		}
		v.Person = account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name, Language: o.Language, Zone: o.Zone}
		_, v.Session, err = session.Start(ctx, tx, o.Ref(), v.From, "a browser", "")
		v.CodeAt, v.FreshCode = tx.Now(), tx.Now()
		return err
	})
	v.Again = func(ctx context.Context, tx *store.Tx) error {
		var open bool
		if err := tx.QueryRow(ctx, `select ended_at is null from session where id = $1`, v.Session.ID).Scan(&open); err != nil || open {
			return err
		}
		return fault.New(fault.Refused, "session.refused")
	}
	return v
}

// unsaid is a phrase that is missing, or a value that nobody filled in.
var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!|<no value|ZgotmplZ`)

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
	if wrong := unsaid.FindString(body); wrong != "" {
		s.t.Errorf("%s %s says %q:\n%s", method, path, wrong, body)
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

func (s *scene) count(condition string) (n int) {
	s.t.Helper()
	must(s.t, s.DB.QueryRow(s.t.Context(), "select count(*) from "+condition).Scan(&n))
	return n
}

// counts checks how many rows each condition finds.
func (s *scene) counts(want map[string]int) {
	s.t.Helper()
	for condition, n := range want {
		if got := s.count(condition); got != n {
			s.t.Errorf("%d rows of %s, wanted %d", got, condition, n)
		}
	}
}

func place(o organization.Organization) string { return "/operator/organizations/" + o.ID }

// hanako is a Portal Admin as typed into the form.
func hanako(more ...string) []string {
	return append([]string{"name", "佐藤 花子", "email", "Hanako@aozora.example", "phone", "03-1234-5678", "language", "ja",
		"time_zone", "Asia/Tokyo", "job_title", "総務部長"}, more...)
}

var long = strings.Repeat("x", 101)
