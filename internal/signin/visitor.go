package signin

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/session"
	"nidan/internal/store"
)

// visitor is the context of one request behind the gate. The visit for the handler and
// the frame of the page are made when somebody asks for them: most of what is served
// without a page asks for neither.
type visitor struct {
	context.Context
	asked  asked
	g      *Gate
	gate   route.Gate
	client netip.Addr

	once, framed sync.Once
	visit        *session.Visit
	frame        any // a page.Chrome, as a context answers
}

// Value answers for the visit and the frame.
func (v *visitor) Value(key any) any {
	switch key.(type) {
	case session.Key:
		return v.described()
	case page.Key:
		v.framed.Do(func() { v.frame = v.g.chrome(&v.asked, v.described()) })
		return v.frame
	}
	return v.Context.Value(key)
}

func (v *visitor) described() *session.Visit {
	v.once.Do(func() { v.visit = v.g.describe(&v.asked, v.gate, v.client) })
	return v.visit
}

// describe is the visit as the handler sees it.
func (g *Gate) describe(a *asked, gate route.Gate, client netip.Addr) *session.Visit {
	v := &session.Visit{From: limit.Network(client), Address: client, Policy: a.known.policy}
	if a.step.Kind != AskPassword && a.Session.ID != "" && (a.step.Kind != Closed || a.Live(a.now)) {
		v.Session, v.Person, v.OrganizationName = a.Session, a.person, a.organization
		v.TwoStep, v.OneStep, v.Setup = !a.CodeAt.IsZero(), a.step.OneStep, a.step.Setup
		v.Stopped, v.Opens, v.OwnEnd = a.stopped, a.step.Opens, a.step.OwnEnd
		v.Asks = a.asks()
		v.Again = g.again(a, gate, client)
	}
	return v
}

// again is the gate's question inside a deciding transaction.
func (g *Gate) again(before *asked, gate route.Gate, client netip.Addr) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		var a asked
		if err := g.ask(ctx, tx, &a, before.token, gate, client, tx.Now); err != nil {
			return err
		}
		switch {
		case judge(gate, &a).kind == passes && a.Session.ID == before.Session.ID:
			return nil
		case a.step.Kind == Closed:
			return &fault.Fault{Kind: fault.Closed, Phrase: "signin.closed_meanwhile", Until: a.step.Until}
		}
		return fault.New(fault.Refused, "signin.changed_meanwhile")
	}
}

// chrome is the frame: who is here, and what lies ahead.
func (g *Gate) chrome(a *asked, v *session.Visit) page.Chrome {
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
