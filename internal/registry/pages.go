package registry

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/route"
	"nidan/internal/session"
	"nidan/internal/store"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Needs is what the room works with.
type Needs struct {
	DB   *store.DB
	Site *page.Site
	Desk *pass.Desk
	Wake func() // tells the outbox that mail waits; after commits
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Site == nil || n.Desk == nil || n.Wake == nil {
		return nil, errors.New("registry: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are this room's. Every page that acts asks for a fresh code, its GET too,
// so that /confirm leads back to the form.
func (rm *Room) Routes() []route.Route {
	const all, one = "/operator/organizations", "/operator/organizations/{id}"
	line := func(pattern string, a act.Act, serve func(http.ResponseWriter, *http.Request) error) route.Route {
		return route.Route{Pattern: pattern, Gate: act.Gate(a), Serve: rm.Site.Serve(serve)}
	}
	return []route.Route{
		line("GET "+all, act.SeeOrganizations, rm.list),
		line("GET "+all+"/new", act.AddOrganization, rm.showNew),
		line("POST "+all+"/new", act.AddOrganization, rm.postNew),
		line("GET "+one, act.SeeOrganizations, rm.organization),
		line("GET "+one+"/name", act.RenameOrganization, rm.showName),
		line("POST "+one+"/name", act.RenameOrganization, rm.postName),
		line("GET "+one+"/suspend", act.SuspendOrganization, rm.showSuspend),
		line("POST "+one+"/suspend", act.SuspendOrganization, rm.postSuspend),
		line("GET "+one+"/return", act.ReturnOrganization, rm.showReturn),
		line("POST "+one+"/return", act.ReturnOrganization, rm.postReturn),
		line("GET "+one+"/admins/new", act.AddAdmin, rm.showAdmin),
		line("POST "+one+"/admins/new", act.AddAdmin, rm.postAdmin),
		line("GET "+one+"/admins/{account}/guide", act.GuideAdmin, rm.showGuide),
		line("POST "+one+"/admins/{account}/guide", act.GuideAdmin, rm.postGuide),
	}
}

// plainID says whether a text can be an id at all; no other reaches the store.
func plainID(id string) bool {
	return len(id) == 36 && strings.Trim(id, "0123456789abcdef-") == ""
}

// of reads the organization that an address names.
func of(r *http.Request, in store.Reader) (Listed, error) {
	id := r.PathValue("id")
	if !plainID(id) {
		return Listed{}, errUnknown
	}
	l, err := find(r.Context(), in, id)
	if errors.Is(err, store.ErrNone) {
		err = errUnknown
	}
	return l, err
}

// deed is the visitor as one who keeps the register.
func (rm *Room) deed(v *session.Visit) Deed {
	return Deed{Desk: rm.Desk, From: pass.Sender{ID: v.Ref.ID, Name: v.Person.Name, As: pass.ByOperator, Actor: v.Actor(), Network: v.From}}
}

// decide does an act in one transaction that first asks the gate and the table once
// more. Two of the same at once may collide where both found a place free: whoever
// lost looks again, and sees why.
func (rm *Room) decide(r *http.Request, a act.Act, do func(context.Context, *store.Tx, Deed) error) error {
	v := session.Of(r.Context())
	try := func() error {
		return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := v.Still(ctx, tx); err != nil {
				return err
			}
			if answer := act.May(a, v.Who(tx.Now()), act.Whom{}); answer != act.Allowed {
				return refusal(answer)
			}
			return do(ctx, tx, rm.deed(v))
		})
	}
	err := try()
	if errors.Is(err, store.ErrTaken) {
		err = try()
	}
	if err == nil {
		rm.Wake()
	}
	return err
}

// upon is decide for an act upon the organization that the address names.
func (rm *Room) upon(r *http.Request, a act.Act, do func(context.Context, *store.Tx, Deed, organization.Organization) error) error {
	return rm.decide(r, a, func(ctx context.Context, tx *store.Tx, d Deed) error {
		o, err := organizationOf(ctx, tx, r)
		if err != nil {
			return err
		}
		return do(ctx, tx, d, o)
	})
}

// refusal is what the table's answer tells.
func refusal(answer act.Answer) error {
	if answer == act.Hidden {
		return errNobody
	}
	if why := answer.Why(); why != "" {
		return fault.New(fault.Refused, why)
	}
	return fault.New(fault.Refused, "session.refused")
}

// wrongs hands on what is wrong with what was typed to the form; whatever else went
// wrong is not the form's.
func wrongs(form *page.Form, err error) error {
	var wrong Refusals
	if !errors.As(err, &wrong) {
		return err
	}
	for _, one := range wrong {
		add(form, one)
	}
	return nil
}

// add notes a fault beside a field that has none yet.
func add(form *page.Form, one *fault.Fault) {
	if one == nil {
		return
	}
	for _, there := range form.Faults() {
		if there.Field == one.Field {
			return
		}
	}
	form.Add(one)
}

// done is what an act that led here has to say. The address only chooses among
// sentences of our own: a made-up link can say nothing else.
func (rm *Room) done(r *http.Request, args ...any) string {
	asked := r.URL.Query().Get("done")
	for _, one := range []string{"added", "renamed", "suspended", "returned", "admin", "guided", "same"} {
		if asked == one {
			return rm.Site.Speak(r).T("registry.done_"+one, args...)
		}
	}
	return ""
}

// clip makes what came by an address short and fit for the store.
func clip(text string) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "")))
	return string(runes[:min(len(runes), 100)])
}

// whom is one account as the table of acts sees it.
func whom(a Admin, leaders []account.Admin, stands bool) act.Whom {
	w := act.Whom{Ref: a.Ref, Authority: a.Authority, Suspended: !stands || !a.Suspended.IsZero(), Enrolled: a.Proved,
		EverEnrolled: a.EverEnrolled, LastAble: account.LastAble(leaders, a.ID)}
	for _, other := range account.Able(leaders) {
		w.OthersAble = w.OthersAble || other.ID != a.ID
	}
	return w
}
