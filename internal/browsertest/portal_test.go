package browsertest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/demo"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
	"nidan/internal/web"
)

// The announcement's dates, and a day in its period.
var (
	opens  = time.Date(2018, 3, 3, 15, 0, 0, 0, time.UTC)
	ends   = time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)
	before = time.Date(2018, 2, 20, 1, 0, 0, 0, time.UTC)
	during = time.Date(2018, 3, 12, 1, 24, 0, 0, time.UTC)
	after  = time.Date(2018, 4, 25, 1, 24, 0, 0, time.UTC)
)

// stage is a portal on its own address, database, clock and mail server.
type stage struct {
	*testing.T
	url    string
	source string
	db     *store.DB
	keys   *secret.Keys
	clock  *clock.Clock
	portal *web.Portal
	sink   *sink
	org    string
	busy   atomic.Int32 // so many requests are next answered as by a busy database
	cut    atomic.Bool  // no request is answered: the connection is closed instead
}

// found sets up an empty portal, or an empty demo.
func found(t *testing.T, asDemo bool) *stage {
	t.Helper()
	s := &stage{source: storetest.SQLite(t), T: t, clock: clock.At(before), sink: newSink(t)}
	ctx := context.Background()
	var err error
	s.db, err = store.Open(ctx, s.source, s.clock.Now)
	s.must(err)
	t.Cleanup(func() { _ = s.db.Close() })
	s.keys, err = secret.NewKeys([]byte("0123456789abcdef0123456789abcdef"))
	s.must(err)
	_, err = clock.Start(ctx, s.db, s.clock, "browsertest")
	s.must(err)
	s.serve(asDemo)
	return s
}

// demonstrate sets up a demo with its made-up people.
func demonstrate(t *testing.T) (*stage, demo.Facts) {
	t.Helper()
	s := found(t, true)
	s.write(func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, s.keys.Digest(secret.ForKey, "portal"), true)
	})
	facts, err := demo.Seed(context.Background(), demo.Seeding{Database: s.source, KeyFile: "demo.key", Keys: s.keys,
		Site: s.portal.Site, Pool: s.portal.Pool, URL: s.url}, s.clock.Now())
	s.must(err)
	return s, facts
}

// build sets up a portal with one organization and the announced rollout.
func build(t *testing.T) *stage {
	t.Helper()
	s := found(t, false)
	s.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, "Aozora Trading")
		if err != nil {
			return err
		}
		s.org = o.ID
		_, err = rollout.Save(ctx, tx, rollout.Plan{Opens: opens, Ends: ends}, "browsertest")
		return err
	})
	return s
}

// serve builds the portal and serves it, its outbox included.
func (s *stage) serve(asDemo bool) {
	const from = "Business Portal <portal@portal.example>"
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	c, err := config.Load("", []string{"NIDAN_CONTACT=help@portal.example",
		"NIDAN_MAIL_FROM=" + from, "NIDAN_BASE_URL=" + s.url})
	s.must(err)
	sender, err := mail.NewSMTP("smtp://"+s.sink.address, from)
	s.must(err)
	s.portal, err = web.New(web.Needs{Config: c, DB: s.db, Keys: s.keys, Clock: s.clock, Sender: sender, Log: slog.New(slog.DiscardHandler), Demo: asDemo,
		HashCost: password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}})
	s.must(err)
	portal := s.portal.Handler()
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		if s.busy.Add(-1) >= 0 {
			s.portal.Site.Fail(w, r, store.ErrBusy)
			return
		}
		portal.ServeHTTP(w, r)
	})
	server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	var outbox sync.WaitGroup
	outbox.Go(func() { s.portal.Post.Run(ctx) })
	s.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		cancel()
		outbox.Wait()
		_ = sender.Close()
		s.portal.Pool.Close()
	})
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) write(do func(ctx context.Context, tx *store.Tx) error) {
	s.Helper()
	s.must(s.db.Write(context.Background(), do))
}

// now moves the portal's clock.
func (s *stage) now(t time.Time) { s.clock.Set(t) }

// later lets time pass.
func (s *stage) later(d time.Duration) { s.clock.Set(s.clock.Raw().Add(d)) }

// person is somebody with a password.
type person struct {
	account.Account
	password string
	key      []byte // of the authenticator app; nil: none
	operator bool
}

// trait is what is special about a person.
type trait int

const (
	admin     trait = iota
	withApp         // enrolled with an authenticator app
	withMail        // enrolled with MailOTP
	weak            // the password fails the rule
	newcomer        // came after the period opened: no grace
	suspended       // closed
	granted         // assigned MailOTP, not proved
)

func has(traits []trait, one trait) bool {
	for _, t := range traits {
		if t == one {
			return true
		}
	}
	return false
}

// person adds somebody, of the time before the period unless a newcomer.
func (s *stage) person(name string, traits ...trait) *person {
	s.Helper()
	if has(traits, newcomer) {
		s.now(during)
	}
	first, _, _ := strings.Cut(strings.ToLower(name), " ")
	p := &person{password: "lantern over harbor", Account: account.Account{Ref: account.Ref{Organization: s.org},
		Email: first + "@aozora.example", Name: name, Phone: "+81 3-1234-5678", Authority: account.GeneralUser,
		Language: phrase.English, Zone: "Asia/Tokyo"}}
	if has(traits, admin) {
		p.Authority = account.PortalAdmin
	}
	if has(traits, weak) {
		p.password = "aozora2018"
	}
	hash := s.hash(p.password)
	s.write(func(ctx context.Context, tx *store.Tx) (err error) {
		if p.Account, err = account.Add(ctx, tx, s.keys, p.Account, "browsertest"); err != nil {
			return err
		}
		if err := password.Set(ctx, tx, p.Ref, hash, password.Changed); err != nil {
			return err
		}
		return s.mark(ctx, tx, p, traits)
	})
	return p
}

func (s *stage) mark(ctx context.Context, tx *store.Tx, p *person, traits []trait) error {
	if has(traits, withMail) || has(traits, granted) {
		if err := account.Assign(ctx, tx, p.Ref, account.MailOTP, "browsertest"); err != nil {
			return err
		}
	}
	switch {
	case has(traits, suspended):
		return account.Suspend(ctx, tx, p.Ref, "browsertest")
	case has(traits, withMail):
		if _, err := mailotp.Enroll(ctx, tx, p.Ref); err != nil {
			return err
		}
	case has(traits, withApp):
		p.key = totp.NewSecret()
		if err := totp.Enroll(ctx, tx, s.keys, p.Ref, p.key, 0, 0); err != nil {
			return err
		}
	default:
		return nil
	}
	return rollout.FinishGrace(ctx, tx, s.keys, p.Account, "enrolled", "browsertest")
}

func (s *stage) hash(typed string) string {
	s.Helper()
	hash, err := s.portal.Pool.Hash(context.Background(), typed)
	s.must(err)
	return hash
}

// operator adds one who has set up the authenticator app.
func (s *stage) operator() *person {
	s.Helper()
	p := &person{password: "lantern over harbor", operator: true, key: totp.NewSecret()}
	hash := s.hash(p.password)
	s.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: "olga@portal.example", Name: "Olga Berg", Language: phrase.English, Zone: "Asia/Tokyo"}, "browsertest")
		if err != nil {
			return err
		}
		p.Ref, p.Email, p.Name = o.Ref(), o.Email, o.Name
		if err := password.Set(ctx, tx, o.Ref(), hash, password.Changed); err != nil {
			return err
		}
		return totp.Enroll(ctx, tx, s.keys, o.Ref(), p.key, 0, 0)
	})
	return p
}

// maintain plans a maintenance window.
func (s *stage) maintain(from, until time.Time, operators ...*person) {
	s.Helper()
	var ids []string
	for _, o := range operators {
		ids = append(ids, o.ID)
	}
	s.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := maintenance.Plan(ctx, tx, from, until, "browsertest", ids...)
		return err
	})
}

// oath is the code that a person's app shows now.
func (s *stage) oath(p *person) string { s.Helper(); return s.oathOf(totp.Text(p.key)) }

// oathOf has oathtool compute the code of a key as it is shown, at the portal's time.
func (s *stage) oathOf(key string) string {
	s.Helper()
	now := s.clock.Now().Format("2006-01-02 15:04:05 UTC")
	code, err := exec.Command(program(s.T, "oathtool"), "--totp", "--base32", "--now="+now, key).Output()
	if err != nil {
		s.Fatalf("oathtool: %v", err)
	}
	return strings.TrimSpace(string(code))
}

func (s *stage) get(path string) int {
	s.Helper()
	answer, err := http.Get(s.url + path)
	s.must(err)
	s.must(answer.Body.Close())
	return answer.StatusCode
}
