package address

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
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// scene is the room on a real database, behind a gate that lets everybody pass whose
// session is open.
type scene struct {
	storetest.World
	t       *testing.T
	mux     *http.ServeMux
	post    *mail.Post
	mutex   sync.Mutex
	mails   []mail.Message
	org     string // Aozora Trading
	other   string // Brennhof
	closes  time.Time
	carried int // ends of grace that were carried over
}

// Send keeps the mail.
func (s *scene) Send(_ context.Context, m mail.Message) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.mails = append(s.mails, m)
	return nil
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, act.Words, Words)
	must(t, err)
	site, err := page.New(book, log, page.Options{Name: "Business Portal", House: time.FixedZone("JST", 9*60*60), Now: w.Clock.Now})
	must(t, err)
	room, err := New(Needs{DB: w.DB, Keys: w.Keys, Site: site, BaseURL: "https://portal.example", Wake: func() {},
		CarryGrace: func(context.Context, *store.Tx, account.Ref, []byte, []byte) error {
			s.mutex.Lock()
			s.carried++
			s.mutex.Unlock()
			return nil
		},
		Closed: func(context.Context, store.Reader, time.Time) (time.Time, error) { return s.closes, nil },
		Mailed: []func(context.Context, *store.Tx, account.Ref) error{password.EndResets, mailotp.End, pass.WithdrawMailed}})
	must(t, err)
	for _, rt := range room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
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

// add puts somebody into an organization, enrolled by the methods that were proved.
func (s *scene) add(org, name string, authority account.Authority, proved ...account.Method) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: org}, Email: strings.ToLower(name) + "@aozora.example",
		Name: name, Phone: "0312345678", Authority: authority, Language: phrase.English, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil {
			return err
		}
		for _, m := range proved {
			if m == account.TOTP {
				err = totp.Enroll(ctx, tx, s.Keys, a.Ref, make([]byte, 20), 1, 1)
			} else if _, err = mailotp.Enroll(ctx, tx, a.Ref); err == nil {
				err = account.Assign(ctx, tx, a.Ref, account.MailOTP, "test")
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return a
}

func (s *scene) admin(name string) account.Account {
	return s.add(s.org, name, account.PortalAdmin, account.TOTP)
}
func (s *scene) user(name string) account.Account { return s.add(s.org, name, account.GeneralUser) }

// visit signs somebody in with two steps, the code just proved.
func (s *scene) visit(a account.Account) *session.Visit {
	s.t.Helper()
	v := &session.Visit{Person: a, OrganizationName: "Aozora Trading", TwoStep: true, From: "203.0.113.7/32"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		_, v.Session, err = session.Start(ctx, tx, a.Ref, v.From, "a browser", "")
		return err
	})
	v.FreshCode = v.Started
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

func (s *scene) operator() *session.Visit {
	s.t.Helper()
	var o operator.Operator
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = operator.Add(ctx, tx, operator.Operator{Email: "abe@portal.example", Name: "Taro Abe", Language: phrase.English, Zone: "Asia/Tokyo"}, "test")
		return err
	})
	return s.visit(account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name, Language: o.Language, Zone: o.Zone})
}

var stranger = &session.Visit{From: "198.51.100.9/32"}

// fresh lets a visit prove its code again now.
func (s *scene) fresh(v *session.Visit) { v.FreshCode = s.Clock.Now() }

func (s *scene) later(d time.Duration) { s.Clock.Set(s.Clock.Now().Add(d)) }

func (s *scene) ask(v *session.Visit, method, path string, fields ...string) *httptest.ResponseRecorder {
	return s.askIn(s.t.Context(), v, method, path, fields...)
}

func (s *scene) askIn(ctx context.Context, v *session.Visit, method, path string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(ctx, v)))
	body := html.UnescapeString(w.Body.String())
	if strings.Contains(body, "[address.") || strings.Contains(body, "ZgotmplZ") {
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

// mailed is the newest mail to an address; a zero one when there is none.
func (s *scene) mailed(to string) mail.Message {
	s.t.Helper()
	must(s.t, s.post.Drain(s.t.Context()))
	for i := len(s.mails) - 1; i >= 0; i-- {
		if s.mails[i].To == to {
			return s.mails[i]
		}
	}
	return mail.Message{}
}

var linkShape = regexp.MustCompile(`https://portal\.example(/address/[A-Za-z0-9_-]{43})\n`)

// link is the path of the newest link to an address.
func (s *scene) link(to string) string {
	s.t.Helper()
	m := s.mailed(to)
	found := linkShape.FindStringSubmatch(m.Text)
	if found == nil {
		s.t.Fatalf("no link in the newest mail to %s: %s", to, m.Text)
	}
	return found[1]
}

// addressOf is where an account signs in now.
func (s *scene) addressOf(a account.Account) string {
	s.t.Helper()
	now, err := account.Find(s.t.Context(), s.DB, a.Ref)
	must(s.t, err)
	holder, err := account.Holder(s.t.Context(), s.DB, now.EmailKey)
	must(s.t, err)
	if holder != a.Ref || now.EmailKey != account.Key(now.Email) {
		s.t.Errorf("%s is not held by its account: %+v", now.Email, holder)
	}
	return now.Email
}

// signedIn writes that somebody proved a code at a door now.
func (s *scene) signedIn(a account.Account, door string) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, at)
			values ($1, $2, $3, $4, $5, 'totp', $6, $7)`, secret.ID(), a.Organization, a.ID, secret.ID(), door, tx.Now().Unix(), store.Micros(tx.Now()))
		return err
	})
}
