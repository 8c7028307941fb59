package password

import (
	"bytes"
	"context"
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
	"nidan/internal/audit"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

const (
	hadPassword = "copper lantern fjord 41"
	newPassword = "violet harbour sequoia 77"
)

// scene is the room on a real database, behind a gate that lets everybody pass.
type scene struct {
	storetest.World
	t    *testing.T
	room *Room
	mux  *http.ServeMux
	post *mail.Post
	log  *bytes.Buffer
	org  string
	woke int
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux(), log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, act.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, log, page.Options{Name: "Business Portal", House: time.FixedZone("JST", 9*60*60), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	pool := NewPool(quick, 2, 1<<30)
	t.Cleanup(pool.Close)
	s.room, err = New(Needs{DB: w.DB, Keys: w.Keys, Site: site, Pool: pool, BaseURL: "https://portal.example/",
		Wake: func() { s.woke++ }, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range s.room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	s.post = mail.NewPost(w.DB, w.Keys, w.Clock, mail.NewCatch(w.DB, w.Keys), "portal@portal.example", log)
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

// person is who is put into a scene. The zero person is a General User with a
// password, without a second verification.
type person struct {
	authority account.Authority
	assigned  account.Method
	enrolled  []account.Method
	language  phrase.Lang
	bare      bool // never had a password
}

func (s *scene) add(email, name string, p person) account.Account {
	s.t.Helper()
	if p.authority == "" {
		p.authority = account.GeneralUser
	}
	if p.language == "" {
		p.language = phrase.English
	}
	a := account.Account{Ref: account.Ref{Organization: s.org}, Email: email, Name: name, Phone: "03-1234-5678",
		Authority: p.authority, Language: p.language, Zone: "Asia/Tokyo"}
	hash, err := s.room.Pool.Hash(s.t.Context(), hadPassword)
	if err != nil {
		s.t.Fatal(err)
	}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil {
			return err
		}
		if !p.bare {
			if err := Set(ctx, tx, a.Ref, hash, Changed); err != nil {
				return err
			}
		}
		if p.assigned == account.MailOTP {
			a.Method = account.MailOTP
			if err := account.Assign(ctx, tx, a.Ref, account.MailOTP, "test"); err != nil {
				return err
			}
		}
		for _, m := range p.enrolled {
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
	return a
}

// visit signs a person in.
func (s *scene) visit(a account.Account) (*session.Visit, string) {
	s.t.Helper()
	v := &session.Visit{Person: a, OrganizationName: "Aozora Trading", TwoStep: true, From: "203.0.113.7/32",
		Again: func(context.Context, *store.Tx) error { return nil }}
	var token string
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		token, v.Session, err = session.Start(ctx, tx, a.Ref, v.From, "test", "")
		return err
	})
	return v, token
}

// signedIn says whether a cookie's value is that of an open session.
func (s *scene) signedIn(a account.Account, id string) bool {
	s.t.Helper()
	list, err := session.List(s.t.Context(), s.DB, a.Ref, s.Clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range list {
		if one.ID == id {
			return true
		}
	}
	return false
}

func (s *scene) ask(method, path string, form url.Values, v *session.Visit) *httptest.ResponseRecorder {
	return s.askIn(s.t.Context(), method, path, form, v)
}

func (s *scene) askIn(ctx context.Context, method, path string, form url.Values, v *session.Visit) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v == nil {
		v = &session.Visit{From: "203.0.113.7/32"}
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(ctx, v)))
	return w
}

// mails are the letters sent so far, newest first.
func (s *scene) mails() []mail.CaughtMail {
	s.t.Helper()
	if err := s.post.Drain(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	list, err := mail.Caught(s.t.Context(), s.DB, s.Keys)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// mailTo is the newest letter to an address.
func (s *scene) mailTo(email string) mail.CaughtMail {
	s.t.Helper()
	for _, m := range s.mails() {
		if m.To == email {
			return m
		}
	}
	s.t.Fatalf("no mail to %s", email)
	return mail.CaughtMail{}
}

var linkShape = regexp.MustCompile(`https?://\S+`)

// link has a link mailed, and answers its path.
func (s *scene) link(a account.Account) string {
	s.t.Helper()
	w := s.ask("POST", "/password/forgot", identity(a), nil)
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("forgot: %d %s", w.Code, w.Body)
	}
	found := linkShape.FindAllString(s.mailTo(a.Email).Text, -1)
	if len(found) != 1 {
		s.t.Fatalf("the mail holds %d links", len(found))
	}
	return strings.TrimPrefix(found[0], "https://portal.example")
}

func identity(a account.Account) url.Values {
	return url.Values{"email": {a.Email}, "name": {a.Name}, "phone": {a.Phone}}
}

func twice(text string) url.Values {
	return url.Values{"password": {text}, "password_again": {text}}
}

// works says whether a password is the one that counts now.
func (s *scene) works(a account.Account, typed string) bool {
	s.t.Helper()
	_, kept, _, err := Lookup(s.t.Context(), s.DB, s.Keys, a.EmailKey, s.Clock.Now(), [4]limit.Key{})
	if err != nil {
		s.t.Fatal(err)
	}
	match, err := s.room.Pool.Verify(s.t.Context(), kept.Hash, typed)
	if err != nil {
		s.t.Fatal(err)
	}
	return match.Right
}

// acts are the recorded acts of the organization, newest first.
func (s *scene) acts() []string {
	s.t.Helper()
	rows, err := audit.Read(s.t.Context(), s.DB, audit.Filter{Chain: s.org})
	if err != nil {
		s.t.Fatal(err)
	}
	var acts []string
	for _, row := range rows {
		acts = append(acts, row.Act)
	}
	return acts
}

func (s *scene) number(text string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.DB.QueryRow(s.t.Context(), text, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}
