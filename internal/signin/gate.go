package signin

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Gate stands before every route. It learns what is known of the session in one
// statement, asks the rule, and lets pass, sends on or refuses. It keeps a copy of what
// was planned, compared with the store's version whenever it asks the store, and, where
// it has a Memory, what it learned in the last seconds and nobody has changed since.
type Gate struct {
	DB     *store.DB
	Site   *page.Site
	Clock  *clock.Clock
	Log    *slog.Logger
	Client func(*http.Request) netip.Addr // the client's address, behind named proxies too
	Memory *Memory                        // nil: every request asks the store

	copy atomic.Pointer[planned]
	room *page.Room
}

// asked is one request at the gate: what is known, what the rule said and when.
type asked struct {
	*remembered // shared with others: never written
	now         time.Time
	token       string
	step        Step
}

// Guard puts the gate before a route.
func (g *Gate) Guard(rt route.Route) http.HandlerFunc {
	if rt.Gate.Machine {
		return rt.Serve
	}
	return g.Site.Serve(func(w http.ResponseWriter, r *http.Request) error {
		client := g.Client(r)
		v, err := g.meet(r.Context(), session.Token(r, g.Site), rt.Gate, client)
		if err != nil {
			return err
		}
		r = r.WithContext(v)
		switch verdict := judge(rt.Gate, &v.asked); verdict.kind {
		case passes:
			if v.asked.Session.ID != "" && v.asked.Stale(v.asked.now) {
				if err := g.see(r.Context(), &v.asked); err != nil {
					return err
				}
			}
			rt.Serve(w, r)
			return nil
		case sends:
			return g.send(w, r, verdict.to)
		default:
			return g.refuse(w, r, &v.asked, verdict)
		}
	})
}

// meet asks about one request: what is remembered of its session, or the store. What by
// memory would not pass is asked of the store, so that nobody is refused by what may
// have become better meanwhile.
func (g *Gate) meet(ctx context.Context, token string, gate route.Gate, client netip.Addr) (*visitor, error) {
	v := &visitor{Context: ctx, g: g, gate: gate, client: client}
	if g.Memory == nil {
		return v, g.ask(ctx, g.DB, &v.asked, token, gate, client, g.Clock.Now)
	}
	of := stranger
	if token != "" {
		of = digest(sha256.Sum256([]byte(token)))
	}
	if e := g.Memory.recall(of); e != nil {
		v.asked.decide(e, token, gate, client, g.Clock.Now())
		if judge(gate, &v.asked).kind == passes {
			return v, nil
		}
		v.asked = asked{}
	}
	from := g.Memory.begin()
	if err := g.ask(ctx, g.DB, &v.asked, token, gate, client, g.Clock.Now); err != nil {
		return nil, err
	}
	// Whoever is half-way in is asked about each time; of whoever brings no session it is
	// remembered what is planned.
	if v.asked.step.Kind == Admit || token == "" {
		g.Memory.remember(from, of, v.asked.remembered)
	}
	return v, nil
}

func (g *Gate) see(ctx context.Context, a *asked) error {
	return g.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return session.See(ctx, tx, a.Session) })
}

// ask learns and asks. now is called after the facts were read, so that a slow
// read is decided at its end.
func (g *Gate) ask(ctx context.Context, r store.Reader, a *asked, token string, gate route.Gate, client netip.Addr, now func() time.Time) error {
	e, err := g.learn(ctx, r, token)
	if err != nil {
		return err
	}
	a.decide(e, token, gate, client, now())
	return nil
}

// learn reads everything that the gate decides by: of the session, of what is planned,
// and of permitted networks where they are checked.
func (g *Gate) learn(ctx context.Context, r store.Reader, token string) (*remembered, error) {
	e := &remembered{}
	var err error
	if token != "" {
		if e.known, err = learn(ctx, r, token); err != nil && !isNone(err) {
			return nil, err
		}
	}
	if e.Session.ID == "" {
		if e.known.policy, err = maintenance.Version(ctx, r); err != nil {
			return nil, err
		}
	}
	plan, err := g.planned(ctx, r, &e.known)
	if err != nil {
		return nil, err
	}
	e.policy = plan.of(e.Ref.Organization)
	if e.networkCheck {
		e.networks, err = account.Networks(ctx, r, e.Ref.Organization)
	}
	return e, err
}

// decide asks the rule at now.
func (a *asked) decide(e *remembered, token string, gate route.Gate, client netip.Addr, now time.Time) {
	a.remembered, a.token, a.now = e, token, now
	a.step = Next(now, a.facts(now, gate.InWindow, e.barred(client)), e.policy)
	if a.step.Kind != AskPassword && a.step.Kind != Closed && a.overdue() {
		a.step = Step{Kind: AskPassword}
	}
}

// overdue says that a sign-in was not finished in its ten minutes.
func (a *asked) overdue() bool {
	unfinished := a.step.Kind == AskCode || a.step.Kind == Refused || a.step.Kind == MustResetPassword
	return unfinished && a.CodeAt.IsZero() && !a.Pending(a.now)
}

// asks is the method whose code this account is asked for, whatever this session
// has proved already.
func (a *asked) asks() account.Method {
	facts := a.facts(a.now, false, false)
	term, grace := facts.term(a.policy)
	return facts.askable(grace && a.now.Before(term.OwnEnd))
}

func (k *known) facts(now time.Time, openInWindow, barred bool) Facts {
	f := k.stand.facts()
	f.OpenInWindow, f.PasswordProved, f.CodeProved = openInWindow, k.Live(now) && !k.outlived(now) && !k.unguided(now), !k.CodeAt.IsZero()
	f.Barred, f.Pass = barred, k.pass.Valid(now)
	if k.Ref.IsOperator() {
		f.OperatorID = k.Ref.ID
	}
	if !f.PasswordProved {
		// A session that ran out is nobody's: not even an operator's on a window's list.
		return Facts{OpenInWindow: openInWindow}
	}
	return f
}

// planned is the copy of what was planned, read anew when the store has another.
func (g *Gate) planned(ctx context.Context, r store.Reader, k *known) (*planned, error) {
	if p := g.copy.Load(); p != nil && p.holds(k) {
		return p, nil
	}
	p, err := readPlanned(ctx, r)
	if err != nil {
		return nil, err
	}
	if _, inside := r.(*store.Tx); !inside { // what a transaction sees may yet be taken back
		// Whichever was read last: one that another overtook is not what the store has, and
		// read anew. A version may also be less than before, when a standby took over.
		g.copy.Store(&p)
	}
	return &p, nil
}

// Planned is what is planned for an organization, as the gate decided by it last.
func (g *Gate) Planned(organization string) Policy {
	if p := g.copy.Load(); p != nil {
		return p.of(organization)
	}
	return Policy{}
}
