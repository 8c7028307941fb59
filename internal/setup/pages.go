package setup

import (
	"context"
	"embed"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

//go:embed pages
var pageFiles embed.FS

// Needs is what set-up works with.
type Needs struct {
	DB   *store.DB
	Keys *secret.Keys
	Site *page.Site
	Desk *verification.Desk
	Pool *password.Pool
	Wake func() // tells the outbox that mail waits; after commits
}

// Room is set-up.
type Room struct {
	Needs
	pages *page.Room
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, pages: pages}, nil
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /start/{token}", Gate: route.Door, Serve: rm.Site.Serve(rm.showStart)},
		{Pattern: "POST /start/{token}", Gate: route.Door, Serve: rm.Site.Serve(rm.postStart)},
		{Pattern: "GET /setup", Gate: route.SetupStep, Serve: rm.get(Address, rm.address)},
		{Pattern: "POST /setup", Gate: route.SetupStep, Serve: rm.Site.Serve(rm.sendCode)},
		{Pattern: "GET /setup/method", Gate: route.SetupStep, Serve: rm.get(Choose, rm.method)},
		{Pattern: "POST /setup/method", Gate: route.SetupStep, Serve: rm.Site.Serve(rm.choose)},
		{Pattern: "GET /setup/mailbox", Gate: route.SetupStep, Serve: rm.get(Mailbox, rm.mailbox)},
		{Pattern: "POST /setup/mailbox", Gate: route.SetupStep, Serve: rm.Site.Serve(rm.proveMailbox)},
		{Pattern: "GET /setup/password", Gate: route.SetupStep, Serve: rm.get(Password, rm.password)},
		{Pattern: "POST /setup/password", Gate: route.SetupStep, Serve: rm.Site.Serve(rm.keepPassword)},
		{Pattern: "GET /setup/totp", Gate: route.SetupStep, Serve: rm.get(App, rm.app)},
		{Pattern: "POST /setup/totp", Gate: route.SetupStep, Serve: rm.Site.Serve(rm.proveApp)},
		{Pattern: "GET /setup/done", Gate: route.SignedIn, Serve: rm.Site.Serve(rm.done)},
		{Pattern: "GET /profile/totp", Gate: route.Fresh, Serve: rm.Site.Serve(rm.phone)},
		{Pattern: "POST /profile/totp", Gate: route.Fresh, Serve: rm.Site.Serve(rm.provePhone)},
	}
}

// shower shows the page of a step, with what is wrong.
type shower func(w http.ResponseWriter, r *http.Request, status int, p stage, faults ...*fault.Fault) error

// get serves a step's page to whoever is at that step; all others go on to theirs.
// The choice stays open until the end.
func (rm *Room) get(step Step, show shower) http.HandlerFunc {
	return rm.Site.Serve(func(w http.ResponseWriter, r *http.Request) error {
		p, err := rm.read(r, verification.Setup)
		if err != nil {
			return err
		}
		next := Next(p.Facts)
		if next != step && (step != Choose || !p.MayChoose() || p.Finished) {
			return page.See(w, string(next))
		}
		return show(w, r, http.StatusOK, p)
	})
}

func (rm *Room) read(r *http.Request, door verification.Door) (stage, error) {
	return load(r.Context(), rm.DB, rm.Site.Now(), session.Of(r.Context()), door)
}

// decide runs do in one transaction that asks the gate once more before anything
// else, and answers the stage as it was found there. do does not run when
// this set-up was finished meanwhile, as by the same form sent twice: that is no
// refusal, and whoever calls sees it in the stage before anything that do left.
func (rm *Room) decide(r *http.Request, door verification.Door,
	do func(ctx context.Context, tx *store.Tx, p stage) error) (p stage, err error) {
	v := session.Of(r.Context())
	err = rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		refused := v.Still(ctx, tx)
		if refused != nil && fault.Of(refused) == nil {
			return refused
		}
		var err error
		if p, err = load(ctx, tx, tx.Now(), v, door); err != nil {
			return err
		}
		switch {
		case p.Finished:
			return nil
		case refused != nil:
			return refused
		case !p.begun:
			if err := begin(ctx, tx, v.Session, door); err != nil {
				return err
			}
		}
		return do(ctx, tx, p)
	})
	return p, err
}

// frame is what every page of set-up shows.
type frame struct {
	page.View
	Email  string
	Method account.Method
	Ends   time.Time // in the last hour: what is not finished by then counts for nothing
	After  string    // name of the step after this one
	Leave  string    // where to go without finishing, or empty
}

// MailOTP says which method it is, in a template.
func (f *frame) MailOTP() bool { return f.Method == account.MailOTP }

// frame fills what every page at a step shows.
func (rm *Room) frame(r *http.Request, p stage, step Step, faults []*fault.Fault) frame {
	v := session.Of(r.Context())
	f := frame{Email: p.person.Email, Method: p.Method(), After: Next(p.With(step)).name()}
	f.Faults, f.Stair = faults, 2
	ends := p.ends
	if !p.Pass && v.OneStep {
		ends, f.Leave = v.OwnEnd, "/"
	}
	if !ends.IsZero() && ends.Sub(rm.Site.Now()) <= lastHour {
		f.Ends = ends
	}
	return f
}

// wait is a fault that says from when on, with Retry-After set for machines.
func (rm *Room) wait(w http.ResponseWriter, r *http.Request, field, phrase string, until time.Time) *fault.Fault {
	page.RetryAfter(w, rm.Site.Now(), until)
	return fault.Field(field, phrase, "until", rm.Site.Speak(r).Zones.Clock(until))
}
