package signin

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Gate stands before every route. It learns what is known of the session in one
// statement, asks the rule, and lets pass, sends on or refuses. It keeps nothing
// but a copy of what was planned, compared at each request with the store's version.
type Gate struct {
	DB     *store.DB
	Site   *page.Site
	Clock  *clock.Clock
	Log    *slog.Logger
	Client func(*http.Request) netip.Addr // the client's address, behind named proxies too

	copy atomic.Pointer[planned]
	room *page.Room
}

// asked is one request at the gate: what is known, what the rule said and when.
type asked struct {
	known
	now    time.Time
	token  string
	step   Step
	policy Policy
}

// Guard puts the gate before a route.
func (g *Gate) Guard(rt route.Route) http.HandlerFunc {
	if rt.Gate.Machine {
		return rt.Serve
	}
	return g.Site.Serve(func(w http.ResponseWriter, r *http.Request) error {
		client := g.Client(r)
		a, err := g.ask(r.Context(), g.DB, session.Token(r, g.Site), rt.Gate, client, g.Clock.Now)
		if err != nil {
			return err
		}
		r = r.WithContext(g.describe(r.Context(), a, rt.Gate, client))
		switch verdict := judge(rt.Gate, a); verdict.kind {
		case passes:
			if a.Session.ID != "" && a.Stale(a.now) {
				if err := g.see(r.Context(), a); err != nil {
					return err
				}
			}
			rt.Serve(w, r)
			return nil
		case sends:
			return g.send(w, r, verdict.to)
		default:
			return g.refuse(w, r, a, verdict)
		}
	})
}

func (g *Gate) see(ctx context.Context, a asked) error {
	return g.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return session.See(ctx, tx, a.Session) })
}

// ask learns and asks. now is called after the facts were read, so that a slow
// read is decided at its end.
func (g *Gate) ask(ctx context.Context, r store.Reader, token string, gate route.Gate, client netip.Addr, now func() time.Time) (a asked, err error) {
	a.token = token
	if token != "" {
		a.known, err = learn(ctx, r, token)
		if err != nil && !isNone(err) {
			return asked{}, err
		}
	}
	if a.Session.ID == "" {
		if a.known.policy, err = maintenance.Version(ctx, r); err != nil {
			return asked{}, err
		}
	}
	plan, err := g.planned(ctx, r, a.known)
	if err != nil {
		return asked{}, err
	}
	a.policy = plan.of(a.Ref.Organization)
	barred, err := a.barred(ctx, r, client)
	if err != nil {
		return asked{}, err
	}
	a.now = now()
	a.step = Next(a.now, a.facts(a.now, gate.InWindow, barred), a.policy)
	if a.step.Kind != AskPassword && a.step.Kind != Closed && a.overdue() {
		a.step = Step{Kind: AskPassword}
	}
	return a, nil
}

// overdue says that a sign-in was not finished in its ten minutes.
func (a asked) overdue() bool {
	unfinished := a.step.Kind == AskCode || a.step.Kind == Refused || a.step.Kind == MustResetPassword
	return unfinished && a.CodeAt.IsZero() && !a.Pending(a.now)
}

// asks is the method whose code this account is asked for, whatever this session
// has proved already.
func (a asked) asks() account.Method {
	facts := a.facts(a.now, false, false)
	term, grace := facts.term(a.policy)
	return facts.askable(grace && a.now.Before(term.OwnEnd))
}

func (k known) facts(now time.Time, openInWindow, barred bool) Facts {
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

// barred says whether the client's address is outside the permitted networks of
// an account that checks them.
func (k known) barred(ctx context.Context, r store.Reader, client netip.Addr) (bool, error) {
	if !k.networkCheck {
		return false, nil
	}
	networks, err := account.Networks(ctx, r, k.Ref.Organization)
	return !account.Permits(networks, client), err
}

// planned is the copy of what was planned, read anew when the store has another.
func (g *Gate) planned(ctx context.Context, r store.Reader, k known) (*planned, error) {
	if p := g.copy.Load(); p != nil && p.holds(k) {
		return p, nil
	}
	p, err := readPlanned(ctx, r)
	if err != nil {
		return nil, err
	}
	if _, inside := r.(*store.Tx); !inside { // what a transaction sees may yet be taken back
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

// describe hands the visit to the handler and to the frame of the page.
func (g *Gate) describe(ctx context.Context, a asked, gate route.Gate, client netip.Addr) context.Context {
	v := &session.Visit{From: limit.Network(client), Address: client, Policy: a.known.policy}
	if a.step.Kind != AskPassword && a.Session.ID != "" && (a.step.Kind != Closed || a.Live(a.now)) {
		v.Session, v.Person, v.OrganizationName = a.Session, a.person, a.organization
		v.TwoStep, v.OneStep, v.Setup = !a.CodeAt.IsZero(), a.step.OneStep, a.step.Setup
		v.Stopped, v.Opens, v.OwnEnd = a.stopped, a.step.Opens, a.step.OwnEnd
		v.Asks = a.asks()
		v.Again = g.again(a, gate, client)
	}
	return session.With(page.WithChrome(ctx, g.chrome(a, v)), v)
}

// again is the gate's question inside a deciding transaction.
func (g *Gate) again(before asked, gate route.Gate, client netip.Addr) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		a, err := g.ask(ctx, tx, before.token, gate, client, tx.Now)
		if err != nil {
			return err
		}
		switch {
		case judge(gate, a).kind == passes && a.Session.ID == before.Session.ID:
			return nil
		case a.step.Kind == Closed:
			return &fault.Fault{Kind: fault.Closed, Phrase: "signin.closed_meanwhile", Until: a.step.Until}
		}
		return fault.New(fault.Refused, "signin.changed_meanwhile")
	}
}

// chrome is the frame: who is here, and what lies ahead.
func (g *Gate) chrome(a asked, v *session.Visit) page.Chrome {
	c := page.Chrome{}
	if v.Session.ID != "" {
		c = page.Chrome{Name: v.Person.Name, Where: v.OrganizationName, Operator: v.Operator(), Admin: v.Admin() && v.TwoStep, People: v.Admin(),
			Pending: a.step.Kind != Admit, Reader: v.Person.Location()}
	}
	for _, next := range maintenance.Coming(a.policy.Windows, a.now, 7*24*time.Hour) {
		c.Banners = append(c.Banners, page.Banner{Kind: "soon", Link: "/status", Name: "signin.window_status", Text: func(say page.Speaker) string {
			return say.T("signin.window_ahead", "opens", say.Moment(next.Opens), "closes", say.End(next.Closes))
		}})
	}
	if a.step.Setup {
		end, left := a.step.OwnEnd, a.step.OwnEnd.Sub(a.now)
		c.Banners = append(c.Banners, page.Banner{Kind: "ends", Link: "/setup", Name: "signin.setup_link",
			Text: func(say page.Speaker) string {
				return say.T("signin.setup_by", "end", say.End(end), "left", say.Span(left))
			}})
	}
	if a.step.Kind == Admit && a.aside.Waits(a.now) {
		// Whoever is signed in by the old password is told wherever he is: a link that
		// was not his leads to nothing if he says so in time.
		c.Banners = append(c.Banners, page.Banner{Kind: "ends", Always: true, Link: "/profile/password", Name: "signin.aside_link",
			Text: func(say page.Speaker) string { return say.T("signin.aside_waits") }})
	}
	return c
}
