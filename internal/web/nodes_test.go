package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// nodes are several portals on one database, each with connections of its own.
type nodes struct {
	storetest.World // the first one's
	t               *testing.T
	key             []byte
	all             []*servingNode
	plan            rollout.Plan
}

type servingNode struct {
	*Portal
	handler http.Handler
}

// onNodes runs a test on each engine with so many nodes that listen.
func onNodes(t *testing.T, n int, test func(s *nodes)) {
	t.Helper()
	for engine, source := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgresql": storetest.PostgreSQL} {
		t.Run(engine, func(t *testing.T) {
			s := &nodes{t: t, key: totp.NewSecret()}
			where := source(t)
			for range n {
				w := storetest.Open(t, where)
				if s.DB == nil {
					s.World = w
				}
				w.Clock = s.Clock // one time for all
				p := portal(t, w, false)
				s.all = append(s.all, &servingNode{p, p.Handler()})
				if _, err := clock.Start(t.Context(), w.DB, w.Clock, secret.ID()); err != nil {
					t.Fatal(err)
				}
				hears(t, p)
			}
			s.write(func(ctx context.Context, tx *store.Tx) (err error) {
				s.plan, err = rollout.Save(ctx, tx, rollout.Plan{Opens: tx.Now().AddDate(0, 0, 7), Ends: tx.Now().AddDate(0, 1, 0)}, "test")
				return err
			})
			test(s)
		})
	}
}

// listening has a portal hear what other nodes change, as a served one does.
func hears(t *testing.T, p *Portal) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { p.Listen(ctx) })
	t.Cleanup(func() { stop(); all.Wait() })
	surely(t, p)
}

func surely(t *testing.T, p *Portal) {
	t.Helper()
	eventually(t, "it hears the others", func() bool { return p.DB.Sure(p.Clock.Machine()) })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 4000 { // a busy machine may take its time
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("it does not come about: %s", what)
}

func (s *nodes) write(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Write(context.Background(), do); err != nil {
		s.t.Fatal(err)
	}
}

// somebody is a person in an organization of his own, signed in.
type somebody struct {
	account.Account
	sessionID, token string
}

// admin is a Portal Admin who has proved both steps; with grace, one who is not enrolled
// and has proved one.
func (s *nodes) admin(grace bool) (p somebody) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, secret.ID())
		if err != nil {
			return err
		}
		p.Account, err = account.Add(ctx, tx, s.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: secret.ID() + "@aozora.example",
			Name: "Hanako", Phone: "0312345678", Authority: account.PortalAdmin, Language: "en", Zone: "Asia/Tokyo"}, "test")
		if err != nil {
			return err
		}
		return s.signIn(ctx, tx, &p, p.Ref, grace)
	})
	return p
}

func (s *nodes) signIn(ctx context.Context, tx *store.Tx, p *somebody, ref account.Ref, grace bool) error {
	if err := password.Set(ctx, tx, ref, "never compared", password.Changed); err != nil {
		return err
	}
	var began session.Session
	var err error
	if p.token, began, err = session.Start(ctx, tx, ref, "192.0.2.1", "a browser", ""); err != nil || grace {
		p.sessionID = began.ID
		return err
	}
	p.sessionID = began.ID
	if err := totp.Enroll(ctx, tx, s.Keys, ref, s.key, 0, 0); err != nil {
		return err
	}
	p.token, err = session.Rise(ctx, tx, began, account.TOTP)
	return err
}

func (s *nodes) operator() (p somebody) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: secret.ID() + "@portal.example", Name: "Olga", Language: "en", Zone: "UTC"}, "test")
		if err != nil {
			return err
		}
		p.Ref = o.Ref()
		return s.signIn(ctx, tx, &p, o.Ref(), false)
	})
	return p
}

// get asks a node for a page, and answers the status and the round trips.
func (n *servingNode) get(token, path string) (status int, trips int64) {
	ctx, counted := store.Counting(context.Background())
	r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx)
	r.AddCookie(&http.Cookie{Name: "nidan", Value: token})
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	_, _ = io.Copy(io.Discard, w.Body)
	return w.Code, counted.N()
}

// warm has every node remember a session.
func (s *nodes) warm(p somebody, path string, status int) {
	s.t.Helper()
	for i, n := range s.all {
		eventually(s.t, "it remembers", func() bool { // what made p may still be on its way there
			before := n.gate.Memory.Hits.Load()
			if got, _ := n.get(p.token, path); got != status {
				s.t.Fatalf("node %d answers %s with %d, wanted %d", i, path, got, status)
			}
			return n.gate.Memory.Hits.Load() > before
		})
	}
}

func TestARememberedSessionCostsNoRoundTrip(t *testing.T) {
	onNodes(t, 1, func(s *nodes) {
		p := s.admin(false)
		n := s.all[0]
		for i, want := range []int64{2, 0, 0} { // the first reads the session and, once a node, what is planned
			status, trips := n.get(p.token, "/accounts/new")
			if status != 200 || i > 0 && trips != want || i == 0 && trips < 1 {
				s.t.Errorf("the %d. request: %d, %d round trips, wanted %d", i+1, status, trips, want)
			}
		}
		// Permitted networks are remembered beside.
		s.write(func(ctx context.Context, tx *store.Tx) error {
			if err := account.Permit(ctx, tx, p.Organization, netip.MustParsePrefix("192.0.2.0/24"), ""); err != nil {
				return err
			}
			return account.CheckNetworks(ctx, tx, p.Ref, true)
		})
		for _, want := range []int64{2, 0} {
			if status, trips := n.get(p.token, "/accounts/new"); status != 200 || trips != want {
				s.t.Errorf("with networks: %d, %d round trips, wanted %d", status, trips, want)
			}
		}
		// The last request is written once a minute, and read anew after that.
		s.Clock.Set(s.Clock.Now().Add(session.SeenEvery))
		written := int64(3) // begin, update, commit
		if s.DB.Engine() == store.PostgreSQL {
			written = 1 // which go together
		}
		for _, want := range []int64{written, 2, 0} { // what was written is read
			if status, trips := n.get(p.token, "/accounts/new"); status != 200 || trips != want {
				s.t.Errorf("a minute later: %d, %d round trips, wanted %d", status, trips, want)
			}
		}
	})
}

// Whatever takes a right away is known to the node that did it with its answer, and to
// every other within five seconds: on SQLite at its next request.
func TestWhatIsRevokedIsRevokedOnEveryNode(t *testing.T) {
	type deed func(s *nodes, ctx context.Context, tx *store.Tx, p somebody) error
	raw := func(text string) deed {
		return func(s *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			_, err := tx.Exec(ctx, text, p.Organization, p.ID)
			return err
		}
	}
	cases := []struct {
		name   string
		grace  bool // one step
		path   string
		status int
		do     deed
	}{
		{"signed out", false, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			return session.End(ctx, tx, p.Ref, p.sessionID, "signed out")
		}},
		{"all sessions ended", false, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			_, err := session.EndAll(ctx, tx, p.Ref, "", "method changed")
			return err
		}},
		{"all of the organization ended", false, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			_, err := session.EndOrganization(ctx, tx, p.Organization, "suspended")
			return err
		}},
		{"the cookie has a new value", false, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			_, err := session.Renew(ctx, tx, session.Session{Ref: p.Ref, ID: p.sessionID})
			return err
		}},
		{"too many wrong codes", false, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			for range session.WrongCodes {
				if _, err := session.Wrong(ctx, tx, p.Ref, p.sessionID); err != nil {
					return err
				}
			}
			return nil
		}},
		{"account suspended", false, "/profile", 403, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			return account.Suspend(ctx, tx, p.Ref, "test")
		}},
		{"organization suspended", false, "/profile", 403, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			return organization.Suspend(ctx, tx, p.Organization, "test")
		}},
		{"account deleted", false, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			return account.Delete(ctx, tx, p.Account)
		}},
		{"made a General User", false, "/accounts/new", 403, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			p.Authority = account.GeneralUser
			return account.Change(ctx, tx, p.Account)
		}},
		{"the app is removed", false, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			return totp.Remove(ctx, tx, p.Ref)
		}},
		{"a method assigned that is asked", true, "/profile", 303, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			_, err := tx.Exec(ctx, `insert into mailotp (organization_id, holder_id, enrolled_at) values ($1, $2, 1)`, p.Organization, p.ID)
			if err != nil {
				return err
			}
			return account.Assign(ctx, tx, p.Ref, account.MailOTP, "test")
		}},
		{"stopped", true, "/profile", 403, raw(`insert into second_step_state (organization_id, holder_id, stopped_at) values ($1, $2, 1)`)},
		{"another password counts", false, "/profile", 303, raw(`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at,
			needs_approval, aside, approved_at, waits_until) select 'r' || s.id, s.digest, s.organization_id, s.holder_id, 1, 1, true, s.digest, s.started_at + 1, s.started_at + 1
			from session s where s.organization_id = $1 and s.holder_id = $2`)},
		{"grace finished", true, "/profile", 403, func(s *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			return rollout.FinishGrace(ctx, tx, s.Keys, p.Account, "test", "test")
		}},
		{"networks checked", false, "/profile", 403, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			return account.CheckNetworks(ctx, tx, p.Ref, true)
		}},
		{"a network that is permitted no longer", false, "/profile", 403, func(_ *nodes, ctx context.Context, tx *store.Tx, p somebody) error {
			networks, err := account.PermittedNetworks(ctx, tx, p.Organization)
			if err != nil {
				return err
			}
			return account.Forbid(ctx, tx, p.Organization, networks[0].ID)
		}},
		{"operator removed", false, "/operator/rollouts", 403, raw(`update operator set removed_at = 1, removed_by = $1 where id = $2`)},
		{"the end is earlier", true, "/profile", 403, func(s *nodes, ctx context.Context, tx *store.Tx, _ somebody) error {
			plan := s.plan
			plan.Opens, plan.Ends = tx.Now().Add(-2*time.Second), tx.Now().Add(-time.Second)
			_, err := rollout.Change(ctx, tx, plan, "test")
			return err
		}},
		{"closed by a window", false, "/profile", 503, func(_ *nodes, ctx context.Context, tx *store.Tx, _ somebody) error {
			_, err := maintenance.Plan(ctx, tx, tx.Now(), tx.Now().Add(time.Hour), "test")
			return err
		}},
	}
	onNodes(t, 3, func(s *nodes) {
		for _, c := range cases {
			var p somebody
			if p = s.admin(c.grace); c.name == "operator removed" {
				p = s.operator()
			}
			if c.name == "a network that is permitted no longer" {
				s.write(func(ctx context.Context, tx *store.Tx) error {
					if err := account.Permit(ctx, tx, p.Organization, netip.MustParsePrefix("192.0.2.0/24"), ""); err != nil {
						return err
					}
					return account.CheckNetworks(ctx, tx, p.Ref, true)
				})
			}
			s.Clock.Set(s.Clock.Now().Add(time.Second))
			s.warm(p, c.path, 200)
			err := s.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error { return c.do(s, ctx, tx, p) })
			if err != nil {
				s.t.Fatalf("%s: %v", c.name, err)
			}
			for i, n := range s.all {
				status, _ := n.get(p.token, c.path)
				if i > 0 && s.DB.Engine() == store.PostgreSQL {
					eventually(s.t, c.name, func() bool { status, _ = n.get(p.token, c.path); return status != 200 })
				}
				if status != c.status {
					s.t.Errorf("%s: node %d answers %d, wanted %d", c.name, i, status, c.status)
				}
			}
		}
	})
}

// Without its listening connection a node asks the database each time, is right, and
// remembers again as soon as it hears again.
func TestANodeWhoseListenerIsKilledAsksTheDatabaseAndComesBack(t *testing.T) {
	onNodes(t, 2, func(s *nodes) {
		if s.DB.Engine() != store.PostgreSQL {
			return // nothing listens there
		}
		p, gone := s.admin(false), s.admin(false)
		other := s.all[1]
		s.warm(p, "/profile", 200)
		s.warm(gone, "/profile", 200)
		unsure := other.gate.Memory.Unsure.Load()
		var killed int
		err := s.DB.QueryRow(s.t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and application_name = 'nidan listening'`).Scan(&killed)
		if err != nil || killed != 2 {
			s.t.Fatal(killed, err)
		}
		s.write(func(ctx context.Context, tx *store.Tx) error {
			return session.End(ctx, tx, gone.Ref, gone.sessionID, "signed out")
		})
		eventually(s.t, "it knows", func() bool { status, _ := other.get(gone.token, "/profile"); return status == 303 })
		eventually(s.t, "it asks the database", func() bool { other.get(p.token, "/profile"); return other.gate.Memory.Unsure.Load() > unsure })
		eventually(s.t, "it remembers again", func() bool {
			before := other.gate.Memory.Hits.Load()
			status, _ := other.get(p.token, "/profile")
			return status == 200 && other.gate.Memory.Hits.Load() > before
		})
		if status, _ := other.get(gone.token, "/profile"); status != 303 {
			s.t.Errorf("who signed out meanwhile gets %d", status)
		}
	})
}
