package ticket

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// scene is the room on a real database, behind a gate that lets everybody pass
// whose session is open.
type scene struct {
	storetest.World
	t     *testing.T
	mux   *http.ServeMux
	room  *Room
	mails []mail.Message
	post  *mail.Post
	org   string // Aozora Trading
	other string // Brennhof
}

// Send keeps the mail.
func (s *scene) Send(_ context.Context, m mail.Message) error {
	s.mails = append(s.mails, m)
	return nil
}

// business is Monday to Friday, 9:00 to 17:30 JST.
var business = config.Hours{From: 9 * time.Hour, To: 17*time.Hour + 30*time.Minute}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, Words)
	must(t, err)
	site, err := page.New(book, log, page.Options{Name: "Business Portal", House: phrase.Location("Asia/Tokyo"), Now: w.Clock.Now, Contact: "help@portal.example"})
	must(t, err)
	replies, err := NewReplies(w.Keys, "help@portal.example")
	must(t, err)
	s.room, err = New(Needs{DB: w.DB, Keys: w.Keys, Site: site, BaseURL: "https://portal.example/", Hours: business, Replies: replies, Wake: func() {}})
	must(t, err)
	for _, rt := range s.room.Routes() {
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

// person is somebody of an organization, signed in.
func (s *scene) person(org, name string, lang phrase.Lang) *session.Visit {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: org}, Email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@" + org[len(org)-4:] + ".example",
		Name: name, Phone: "0312345678", Authority: account.PortalAdmin, Language: lang, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		a, err = account.Add(ctx, tx, s.Keys, a, "test")
		return err
	})
	return s.visit(a)
}

func (s *scene) staff(name string) *session.Visit {
	s.t.Helper()
	var o operator.Operator
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = operator.Add(ctx, tx, operator.Operator{Email: strings.ToLower(name) + "@portal.example", Name: name, Language: "en", Zone: "UTC"}, "test")
		return err
	})
	return s.visit(account.Account{Ref: o.Ref(), Name: name, Language: "en", Zone: "UTC"})
}

func (s *scene) visit(a account.Account) *session.Visit {
	s.t.Helper()
	v := &session.Visit{Person: a, TwoStep: true, From: "203.0.113.7/32"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		_, v.Session, err = session.Start(ctx, tx, a.Ref, v.From, "a browser", "")
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

func (s *scene) ask(v *session.Visit, method, path string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return s.serve(v, r)
}

func (s *scene) serve(v *session.Visit, r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(r.Context(), v)))
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		return w
	}
	body := html.UnescapeString(w.Body.String())
	if found := regexp.MustCompile(`\[(ticket|page)\.[a-z_.]+\]|ZgotmplZ|\{[a-z_]+\}|%!`).FindString(body); found != "" {
		s.t.Errorf("%s %s says %q:\n%s", r.Method, r.URL, found, body)
	}
	w.Body = bytes.NewBufferString(body)
	return w
}

// upload is a form with files: each is "name" and what is in it.
func upload(path string, fields []string, files ...string) *http.Request {
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = parts.WriteField(fields[i], fields[i+1])
	}
	for i := 0; i+1 < len(files); i += 2 {
		part, _ := parts.CreateFormFile("attachment", files[i])
		_, _ = part.Write([]byte(files[i+1]))
	}
	_ = parts.Close()
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	return r
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

// exec changes rows behind the room's back.
func (s *scene) exec(text string, args ...any) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf(text, args...))
		return err
	})
}

// mailed are the letters that were sent since it was asked last.
func (s *scene) mailed() []mail.Message {
	s.t.Helper()
	must(s.t, s.post.Drain(s.t.Context()))
	sent := s.mails
	s.mails = nil
	return sent
}

var shownForm = regexp.MustCompile(`name="form" value="([^"]+)"`)
var shownVersion = regexp.MustCompile(`name="version" value="([^"]+)"`)

// form is the token and the version of the form on a page, as fields.
func (s *scene) form(v *session.Visit, path string) []string {
	s.t.Helper()
	w := s.ask(v, "GET", path)
	s.is(w, http.StatusOK)
	found := shownForm.FindStringSubmatch(w.Body.String())
	if found == nil {
		s.t.Fatalf("there is no form at %s:\n%s", path, w.Body)
	}
	fields := []string{"form", found[1]}
	if version := shownVersion.FindStringSubmatch(w.Body.String()); version != nil {
		fields = append(fields, "version", version[1])
	}
	return fields
}

var shownKept = regexp.MustCompile(`name="(kept-[^"]+)" value="([^"]+)"`)

// kept are the fields by which a page that was shown again names what has arrived.
func kept(w *httptest.ResponseRecorder) (fields []string) {
	for _, found := range shownKept.FindAllStringSubmatch(w.Body.String(), -1) {
		fields = append(fields, found[1], found[2])
	}
	return fields
}

// announced are the fields of the announcement's ticket.
var announced = []string{"category", "portal", "service", "business-portal", "kind", "question", "urgency", "normal",
	"summary", "二段階認証の設定について", "detail", "認証アプリの設定ができません。"}

// opened makes a ticket and answers its number as it is written.
func (s *scene) opened(v *session.Visit, fields ...string) string {
	s.t.Helper()
	w := s.ask(v, "POST", "/tickets/new", append(append([]string{}, announced...), fields...)...)
	path, ok := strings.CutSuffix(w.Header().Get("Location"), "?done=created")
	if w.Code != http.StatusSeeOther || !ok {
		s.t.Fatalf("%d: no ticket was made:\n%s", w.Code, w.Body)
	}
	return strings.TrimPrefix(path, "/tickets/")
}
