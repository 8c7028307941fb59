// Package story tells whole tales against the real server in process: real
// database, real templates, a settable clock, a mailbox. Each story is a txtar
// file and runs on both engines; its commands are in commands_test.go.
package story

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/mail"
	"nidan/internal/operator"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/web"
)

func TestStoriesOnSQLite(t *testing.T) {
	run(t, storetest.SQLite)
}

func TestStoriesOnPostgreSQL(t *testing.T) {
	run(t, storetest.PostgreSQL)
}

func run(t *testing.T, source func(testing.TB) string) {
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		RequireExplicitExec: true,
		Cmds:                commands,
		Setup: func(env *testscript.Env) error {
			tt, ok := env.T().(interface{ TB() testing.TB })
			var tb testing.TB = t
			if ok {
				tb = tt.TB()
			}
			s, err := open(source(tb))
			if err != nil {
				return err
			}
			env.Values[storyKey{}] = s
			env.Defer(s.close)
			return nil
		},
	})
}

type storyKey struct{}

// stage is the portal of one story with everybody who acts in it.
type stage struct {
	db       *store.DB
	keys     *secret.Keys
	clock    *clock.Clock
	portal   *web.Portal
	server   *httptest.Server
	mailbox  *mailbox
	browsers map[string]*http.Client
	browser  string
	orgs     map[string]string
	accounts map[string]account.Account
	ops      map[string]operator.Operator
	secrets  map[string][]byte
	rollouts []string
	kept     string       // what keep has read
	lmtp     net.Listener // where mail is brought
	stopMail func()
	failing  bool // the database is broken: an answer of 500 is looked at, not refused

	status   int
	location string
	header   http.Header
	body     string
}

func open(source string) (*stage, error) {
	s := &stage{clock: clock.At(time.Date(2018, 3, 1, 0, 0, 0, 0, time.UTC)), mailbox: &mailbox{},
		browsers: map[string]*http.Client{}, orgs: map[string]string{}, accounts: map[string]account.Account{},
		ops: map[string]operator.Operator{}, secrets: map[string][]byte{}}
	var err error
	if s.db, err = store.Open(context.Background(), source, s.clock.Now); err != nil {
		return nil, err
	}
	if s.keys, err = secret.NewKeys([]byte("0123456789abcdef0123456789abcdef")); err != nil {
		return nil, err
	}
	if _, err = clock.Start(context.Background(), s.db, s.clock, "story"); err != nil {
		return nil, err
	}
	return s, s.serve()
}

// serve builds the portal on the stage's database; a restart calls it again.
func (s *stage) serve() error {
	c, err := config.Load("", []string{"NIDAN_CONTACT=help@portal.example", "NIDAN_MAIL_FROM=Portal <portal@portal.example>", "NIDAN_LMTP=127.0.0.1:2424"})
	if err != nil {
		return err
	}
	s.portal, err = web.New(web.Needs{Config: c, DB: s.db, Keys: s.keys, Clock: s.clock,
		Log: slog.New(slog.DiscardHandler), Sender: s.mailbox,
		HashCost: password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}})
	if err != nil {
		return err
	}
	s.server = httptest.NewServer(s.portal.Handler())
	return s.takeMail()
}

// takeMail has the portal take mail as the mail server brings it, at a port of its own.
func (s *stage) takeMail() (err error) {
	if s.lmtp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	intake, listener := s.portal.Intake, s.lmtp
	go func() {
		defer close(ended)
		_ = intake.Serve(ctx, listener) // it ends with the stage
	}()
	s.stopMail = func() { stop(); <-ended }
	return nil
}

// end stops serving; the database stays.
func (s *stage) end() {
	s.stopMail()
	s.server.Close()
	s.portal.Pool.Close()
}

func (s *stage) close() {
	s.end()
	_ = s.db.Close()
}

// client is the browser in use, with its own cookies.
func (s *stage) client() *http.Client {
	if c, ok := s.browsers[s.browser]; ok {
		return c
	}
	jar, _ := cookiejar.New(nil) // without a public suffix list it cannot fail
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.browsers[s.browser] = c
	return c
}

// mailbox catches every mail.
type mailbox struct {
	mu    sync.Mutex
	mails []mail.Message
}

// Send keeps the mail.
func (m *mailbox) Send(_ context.Context, message mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, message)
	return nil
}

// latest is the newest mail to an address that contains a text; ok is false when there is none.
func (m *mailbox) latest(to, text string) (found mail.Message, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.mails {
		if strings.EqualFold(one.To, to) && (strings.Contains(one.Text, text) || strings.Contains(one.Subject, text)) {
			found, ok = one, true
		}
	}
	return found, ok
}

func origin(server *httptest.Server) *url.URL {
	u, _ := url.Parse(server.URL) // httptest makes it
	return u
}
