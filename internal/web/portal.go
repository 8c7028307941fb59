package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/address"
	"nidan/internal/announcement"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/contact"
	"nidan/internal/delivery"
	"nidan/internal/demo"
	"nidan/internal/guide"
	"nidan/internal/home"
	"nidan/internal/importing"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/maintenance"
	"nidan/internal/network"
	"nidan/internal/notice"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/people"
	"nidan/internal/phrase"
	"nidan/internal/profile"
	"nidan/internal/progress"
	"nidan/internal/record"
	"nidan/internal/registry"
	"nidan/internal/rehearsal"
	"nidan/internal/reminder"
	"nidan/internal/rollout"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/setup"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/ticket"
	"nidan/internal/verification"
)

// hashBudget is the memory that hashing may take at once, beside everything else.
const hashBudget = 512 << 20

// cores are those this process may use: a container's limit counts. It is read before
// serve gives the scheduler more threads than that.
var cores = runtime.GOMAXPROCS(0)

// Needs is what a portal is built from.
type Needs struct {
	Config config.Config
	DB     *store.DB
	Keys   *secret.Keys
	Clock  *clock.Clock
	Log    *slog.Logger
	Sender mail.Sender
	Demo   bool
	// Node is this node's name, as it says what is in its key file; empty: it says nothing.
	Node string
	// HashCost is what hashing one password takes; zero: what the settings say. Tests of
	// other things than the cost take as little as there is.
	HashCost password.Cost
	// Patience is how long a request waits for a database that says nothing; zero: answerTime.
	Patience time.Duration
}

func (n Needs) hashCost() password.Cost {
	switch {
	case n.HashCost != password.Cost{}:
		return n.HashCost
	case n.Config.HashMemory == config.HashSmall:
		return password.Small
	default:
		return password.Standard
	}
}

// Portal is the whole of it, built and ready to serve.
type Portal struct {
	Needs
	Site *page.Site
	Pool *password.Pool
	Post *mail.Post
	// Held is told when the database must not be served any more; nil: nobody is.
	Held func(error)
	// Intake takes mail that comes in; nil: none does.
	Intake *mail.Intake

	routes   []route.Route
	gate     *signin.Gate
	rounds   *reminder.Rounds
	rollouts *rollout.Room
	plays    *rehearsal.Room
	mailings *notice.Mailing
	imports  *importing.Room
	metrics  *metrics
	ready    readiness
	ring     ring
	stops    atomic.Bool  // it was told to stop
	serving  atomic.Int64 // requests that are being answered
	tidied   time.Time    // the hour in which Upkeep last removed what is past its retention
}

// Words are every room's phrases.
func Words() []fs.FS {
	return []fs.FS{phrase.Words, page.Words, act.Words, operator.Words, session.Words, password.Words, verification.Words,
		maintenance.Words,
		notice.Words,
		delivery.Words,
		contact.Words,
		ticket.Words,
		announcement.Words,
		guide.Words,
		signin.Words,
		pass.Words,
		address.Words,
		setup.Words,
		rollout.Words,
		reminder.Words,
		rehearsal.Words,
		profile.Words,
		people.Words,
		registry.Words,
		importing.Words,
		network.Words,
		record.Words,
		home.Words,
		demo.Words,
	}
}

// New builds the rooms in order. Everything that can be wrong with templates,
// phrases or routes is an error here, at the start.
func New(n Needs) (*Portal, error) {
	book, err := phrase.NewBook(Words()...)
	if err != nil {
		return nil, err
	}
	p := &Portal{Needs: n, metrics: newMetrics()}
	p.Site, err = page.New(book, n.Log, page.Options{Name: n.Config.Name, House: n.Config.HouseZone,
		Contact: n.Config.Contact, Hours: hours(n.Config, n.Clock.Now()), Secure: n.Config.Secure(), Demo: n.Demo, Now: n.Clock.Now})
	if err != nil {
		return nil, err
	}
	p.Pool = password.NewPool(n.hashCost(), cores, hashBudget)
	p.Post = mail.NewPost(n.DB, n.Keys, n.Clock, n.Sender, n.Config.MailFrom.String(), n.Log)
	p.Post.Pace(n.Config.MailPace)
	p.metrics.registry.MustRegister(&state{p: p})
	replies, err := p.arriving()
	if err != nil {
		return nil, err
	}
	if err := p.rooms(replies); err != nil {
		return nil, err
	}
	return p, check(p.routes)
}

// arriving has mail read that comes back or is written to the desk, where the mail
// server can bring it. replies make the addresses of answers to tickets.
func (p *Portal) arriving() (replies *ticket.Replies, err error) {
	if p.Config.LMTP == (config.Socket{}) {
		return nil, nil
	}
	b, err := mail.NewBounces(p.Keys, p.Config.Bounces.Address)
	if err != nil {
		return nil, fmt.Errorf("NIDAN_BOUNCES: %w", err)
	}
	p.Post.ReturnTo(b)
	p.Intake = &mail.Intake{Boxes: []mail.Box{b.Box(p.DB, p.Log)}, Log: p.Log}
	if replies, err = ticket.NewReplies(p.Keys, p.Config.Contact); err != nil {
		p.Log.Warn("answers to tickets are not read by mail", "setting", "NIDAN_CONTACT", "error", err)
		return nil, nil
	}
	return replies, nil
}

// hours are the help desk's hours with the zone they are in; empty when none are named.
func hours(c config.Config, now time.Time) string {
	text := c.Hours.String()
	if text == "" {
		return ""
	}
	zone, _ := now.In(c.HouseZone).Zone()
	return text + " " + zone
}

// rooms opens every room and collects its routes.
func (p *Portal) rooms(replies *ticket.Replies) error {
	desk := &verification.Desk{Keys: p.Keys, Site: p.Site}
	base := strings.TrimSuffix(p.Config.BaseURL.String(), "/")
	p.gate = &signin.Gate{DB: p.DB, Site: p.Site, Clock: p.Clock, Log: p.Log, Client: p.client, Memory: signin.NewMemory(p.DB, p.Clock.Machine)}
	p.metrics.remembers(p.gate.Memory)
	board := &notice.Board{DB: p.DB}
	noticeRoom, errNotice := notice.New(notice.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Log: p.Log, Board: board, Changed: maintenance.Changed, Said: p.said})
	p.mailings = &notice.Mailing{DB: p.DB, Keys: p.Keys, Site: p.Site, Address: page.Typed(base), Wake: p.Post.Wake}
	signinRoom, err1 := signin.New(signin.Needs{Board: board, Gate: p.gate, Keys: p.Keys, Desk: desk, Pool: p.Pool, Wake: p.Post.Wake})
	passwordRoom, err2 := password.New(password.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Pool: p.Pool, BaseURL: base, Wake: p.Post.Wake, Log: p.Log})
	setupRoom, err3 := setup.New(setup.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Desk: desk, Pool: p.Pool, Wake: p.Post.Wake})
	announcementRoom, errAnnouncement := announcement.New(announcement.Needs{DB: p.DB, Site: p.Site, BaseURL: base})
	guideRoom, errGuide := guide.New(guide.Needs{Ready: guide.Ready{Accounts: true, Tickets: true}, Site: p.Site, Announcement: announcementRoom})
	profileRoom, err4 := profile.New(profile.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site})
	homeRoom, err5 := home.New(p.DB, p.Site, noticeRoom, func(of string) []rollout.Plan { return p.gate.Planned(of).Plans })
	peopleRoom, errPeople := people.New(people.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Desk: desk, Wake: p.Post.Wake, Log: p.Log,
		Passes: &pass.Desk{Keys: p.Keys, Site: p.Site, BaseURL: base}, Removed: []func(context.Context, *store.Tx, account.Ref) error{setup.Remove}})
	networkRoom, errNetwork := network.New(network.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Wake: p.Post.Wake})
	recordRoom, errRecord := record.New(record.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site})
	passRoom, errPass := pass.New(pass.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, BaseURL: base, Wake: p.Post.Wake})
	registryRoom, errRegistry := registry.New(registry.Needs{DB: p.DB, Site: p.Site, Wake: p.Post.Wake, Desk: &pass.Desk{Keys: p.Keys, Site: p.Site, BaseURL: base}})
	addressRoom, errAddress := address.New(address.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, BaseURL: base, Wake: p.Post.Wake,
		CarryGrace: rollout.CarryGrace, Closed: closedUntil,
		Mailed: []func(context.Context, *store.Tx, account.Ref) error{password.EndResets, mailotp.End, pass.WithdrawMailed, setup.Abandon}})
	ticketRoom, errTicket := ticket.New(ticket.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, BaseURL: base, Hours: p.Config.Hours, Replies: replies, Beside: p.beside, Wake: p.Post.Wake})
	contactRoom, errContact := contact.New(contact.Needs{DB: p.DB, Site: p.Site, Desk: deskOf(ticketRoom), Hours: p.Config.Hours, Closed: p.closed, Wake: p.Post.Wake})
	maintenanceRoom, errMaintenance := maintenance.New(maintenance.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Wake: p.Post.Wake, Marks: Marks(p.Config.HouseZone)})
	rolloutRoom, err6 := rollout.New(rollout.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Wake: p.Post.Wake})
	p.rollouts = rolloutRoom
	deliveryRoom, errDelivery := delivery.New(delivery.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Wake: p.Post.Wake})
	p.rounds = &reminder.Rounds{DB: p.DB, Keys: p.Keys, Wake: p.Post.Wake}
	reminderRoom, errReminder := reminder.New(reminder.Needs{Rounds: p.rounds, Site: p.Site, BaseURL: base})
	importingRoom, errImporting := importing.New(&importing.Desk{DB: p.DB, Keys: p.Keys, Site: p.Site, BaseURL: base, Wake: p.Post.Wake, Log: p.Log})
	p.imports = importingRoom
	var errRehearsal error
	p.plays, errRehearsal = rehearsal.New(rehearsal.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Log: p.Log, PerSecond: p.Config.MailPace})
	err := errors.Join(err1, err2, err3, err4, err5, err6,
		errPass,
		errAddress,
		errPeople,
		errRegistry,
		errNetwork,
		errRecord,
		errAnnouncement,
		errGuide,
		errMaintenance,
		errContact,
		errTicket,
		errReminder,
		errRehearsal,
		errImporting,
		errDelivery,
		errNotice,
	)
	if err != nil {
		return err
	}
	p.letterbox(ticketRoom.Desk)
	for _, routes := range [][]route.Route{p.Site.Routes(), p.health(), signinRoom.Routes(), passwordRoom.Routes(),
		maintenanceRoom.Routes(),
		noticeRoom.Routes(),
		contactRoom.Routes(),
		ticketRoom.Routes(),
		announcementRoom.Routes(),
		guideRoom.Routes(),
		passRoom.Routes(),
		addressRoom.Routes(),
		setupRoom.Routes(),
		profileRoom.Routes(),
		peopleRoom.Routes(),
		registryRoom.Routes(),
		networkRoom.Routes(),
		recordRoom.Routes(),
		homeRoom.Routes(),
		rolloutRoom.Routes(),
		reminderRoom.Routes(),
		p.plays.Routes(),
		importingRoom.Routes(),
		deliveryRoom.Routes(),
	} {
		p.routes = append(p.routes, routes...)
	}
	if p.Demo {
		demoRoom, err := demo.New(demo.Needs{DB: p.DB, Keys: p.Keys, Site: p.Site, Clock: p.Clock})
		if err != nil {
			return err
		}
		p.routes = append(p.routes, demoRoom.Routes()...)
	}
	return nil
}

// beside is the rollout that figures of tickets stand beside.
func (p *Portal) beside(ctx context.Context, since time.Time) (ticket.Course, bool, error) {
	plan, happened, ok, err := p.rollouts.Beside(ctx, since)
	return ticket.Course{Rollout: plan.ID, Own: plan.Organization != "", Opens: plan.Opens, Ends: rollout.OwnEnd(plan, time.Time{}), Hours: happened}, ok, err
}

// closedUntil is until when a window closes the portal; zero: none does.
func closedUntil(ctx context.Context, r store.Reader, now time.Time) (time.Time, error) {
	windows, err := maintenance.Windows(ctx, r)
	if closed, until, _ := maintenance.Covering(windows, now); closed && err == nil {
		return until, nil
	}
	return time.Time{}, err
}

// deskOf is the desk of a room that could be built.
func deskOf(room *ticket.Room) *ticket.HelpDesk {
	if room == nil {
		return nil
	}
	return room.Desk
}

// letterbox has mails to the desk taken, where any come in.
func (p *Portal) letterbox(desk *ticket.HelpDesk) {
	if p.Intake == nil {
		return
	}
	box := &ticket.Letterbox{Desk: desk, DB: p.DB, Log: p.Log, Wake: p.Post.Wake, Address: p.Config.Contact, Own: []string{p.Config.MailFrom.Address}}
	p.Intake.Boxes = append(p.Intake.Boxes, box.Boxes()...)
}

// closed says whether a window covers now, and until when, as the gate saw it last.
func (p *Portal) closed() (bool, time.Time) {
	closed, until, _ := maintenance.Covering(p.gate.Planned("").Windows, p.Clock.Now())
	return closed, until
}

// Routes is the route map.
func (p *Portal) Routes() []route.Route { return p.routes }

// client is the address a request came from, behind named proxies too.
func (p *Portal) client(r *http.Request) netip.Addr {
	return p.Config.TrustedProxies.Client(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))
}

// check refuses a route that nobody gave a gate.
func check(routes []route.Route) error {
	for _, rt := range routes {
		if rt.Gate.Who == route.Nobody {
			return fmt.Errorf("route %s has no gate: it would admit nobody", rt.Pattern)
		}
		if rt.Serve == nil {
			return fmt.Errorf("route %s serves nothing", rt.Pattern)
		}
	}
	return nil
}

// Background does what is done beside requests, until ctx ends: the outbox, the
// latest instant, the upkeep of the day.
func (p *Portal) Background(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { p.Listen(ctx) })
	all.Go(func() { p.Post.Run(ctx) })
	if p.Demo {
		all.Go(func() { demo.Follow(ctx, p.DB, p.Clock, p.Log) })
	}
	all.Go(func() { p.every(ctx, keysEvery, "keys", p.FollowKeys) })
	all.Go(func() { p.every(ctx, foldEvery, "progress", p.fold) })
	all.Go(func() { p.every(ctx, time.Minute, "count of whom mail does not reach", p.rollouts.Count) })
	all.Go(func() { p.every(ctx, remindEvery, "reminders", p.Remind) })
	all.Go(func() { p.every(ctx, noticeEvery, "mailing of notices", p.mailings.Run) })
	all.Go(func() { p.every(ctx, rehearseEvery, "rehearsals", p.Rehearse) })
	all.Go(func() { p.every(ctx, importEvery, "imports", p.Import) })
	p.every(ctx, time.Minute, "upkeep", p.Upkeep)
	all.Wait()
}

// Listen hears what other nodes change, until ctx ends. Without it each request asks the
// database, on PostgreSQL.
func (p *Portal) Listen(ctx context.Context) {
	p.DB.Listen(ctx, p.Clock.Machine, func(err error) {
		p.Log.Warn("what other nodes change is not heard for a moment: every request asks the database", slog.String("error", err.Error()))
	})
}

// foldEvery is how far the figures of the changeover may lag behind.
const foldEvery = 2 * time.Second

func (p *Portal) fold(ctx context.Context) error {
	_, err := progress.Fold(ctx, p.DB)
	return err
}

// remindEvery is how long after its date a letter may be begun.
const remindEvery = 20 * time.Second

// Remind has the letters of rollouts written that are due, and those taken by the
// mail server counted as told.
func (p *Portal) Remind(ctx context.Context) error { return p.rounds.Run(ctx, p.Clock.Now()) }

// noticeEvery is how long a notice that shows may wait for its mailing to begin.
const noticeEvery = 20 * time.Second

// rehearseEvery is how long a rehearsal waits for a node that has nothing else to play.
const rehearseEvery = 2 * time.Second

// Rehearse plays the rehearsals that wait, one after another.
func (p *Portal) Rehearse(ctx context.Context) error { return p.plays.Work(ctx) }

// importEvery is how long an upload or a confirmed import waits for a node that has
// nothing else to import.
const importEvery = 2 * time.Second

// Import does what waits of uploaded imports, one after another.
func (p *Portal) Import(ctx context.Context) error { return p.imports.Work(ctx) }

// every does something at once and then at each tick, until ctx ends.
func (p *Portal) every(ctx context.Context, span time.Duration, what string, do func(context.Context) error) {
	tick := time.NewTicker(span)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			p.Log.Error(what+" failed", slog.String("error", err.Error()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
