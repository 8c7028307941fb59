package network

import (
	"context"
	"embed"
	"errors"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/secret"
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
	Keys *secret.Keys
	Site *page.Site
	Wake func() // tells the outbox that mail waits; after commits
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.Wake == nil {
		return nil, errors.New("network: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages}, err
}

// Routes are this room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	see, change, check, open := act.Gate(act.SeeNetworks), act.Gate(act.ChangeNetworks), act.Gate(act.CheckNetworks), act.Gate(act.OpenNetworks)
	return []route.Route{
		{Pattern: "GET /networks", Gate: see, Serve: rm.Site.Serve(rm.list)},
		{Pattern: "GET /networks/new", Gate: change, Serve: rm.Site.Serve(rm.showNew)},
		{Pattern: "POST /networks/new", Gate: change, Serve: rm.Site.Serve(rm.postNew)},
		{Pattern: "GET /networks/{id}", Gate: change, Serve: rm.Site.Serve(rm.showOne)},
		{Pattern: "POST /networks/{id}", Gate: change, Serve: rm.Site.Serve(rm.postOne)},
		{Pattern: "GET /networks/{id}/remove", Gate: change, Serve: rm.Site.Serve(rm.showRemove)},
		{Pattern: "POST /networks/{id}/remove", Gate: change, Serve: rm.Site.Serve(rm.postRemove)},
		{Pattern: "GET /networks/accounts", Gate: see, Serve: rm.Site.Serve(rm.accounts)},
		{Pattern: "GET /networks/check", Gate: check, Serve: rm.Site.Serve(rm.showCheck)},
		{Pattern: "POST /networks/check", Gate: check, Serve: rm.Site.Serve(rm.postCheck)},
		{Pattern: "GET /operator/networks", Gate: act.Gate(act.SeeOrganizations), Serve: rm.Site.Serve(rm.organizations)},
		{Pattern: "GET /operator/networks/{organization}", Gate: open, Serve: rm.Site.Serve(rm.showOpen)},
		{Pattern: "POST /operator/networks/{organization}", Gate: open, Serve: rm.Site.Serve(rm.postOpen)},
	}
}

// Nobody's: an id of another organization and one that never was, alike.
var (
	errNone   = fault.New(fault.NotFound, "network.none")
	errNobody = fault.New(fault.NotFound, "network.nobody")
)

// may asks the table of acts; nil when it allows.
func may(a act.Act, v *session.Visit, now time.Time, whom act.Whom) error {
	switch answer := act.May(a, v.Who(now), whom); answer {
	case act.Allowed:
		return nil
	case act.Hidden:
		return errNobody
	default:
		if why := answer.Why(); why != "" {
			return fault.New(fault.Refused, why)
		}
		return fault.New(fault.Refused, "session.refused")
	}
}

// decide runs a deed: the gate and the table are asked again in its transaction, and
// after it mail is sent.
func (rm *Room) decide(ctx context.Context, a act.Act, do func(ctx context.Context, tx *store.Tx, v *session.Visit) error) error {
	v := session.Of(ctx)
	err := rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if a != act.CheckNetworks { // that one is asked about each person
			if err := may(a, v, tx.Now(), act.Whom{}); err != nil {
				return err
			}
		}
		return do(ctx, tx, v)
	})
	if err == nil {
		rm.Wake()
	}
	return err
}

// tell writes one letter to each Portal Admin who stands, and one record.
func (rm *Room) tell(ctx context.Context, tx *store.Tx, v *session.Visit, organizationID, what, subject string, detail map[string]string) error {
	err := audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: organizationID, Act: actOf[what], Actor: v.Actor(), Subject: subject, Network: v.From, Detail: detail})
	if err != nil {
		return err
	}
	admins, err := account.Admins(ctx, tx, organizationID)
	if err != nil {
		return err
	}
	var letters []mail.Letter
	for _, a := range admins {
		letters = append(letters, rm.letter(a, v, tx.Now(), what, detail))
	}
	for _, l := range letters {
		if err := mail.Queue(ctx, tx, rm.Keys, l); err != nil {
			return err
		}
	}
	return nil
}

// actOf are the acts as the record names them.
var actOf = map[string]string{
	"added": "organization:network:added", "described": "organization:network:described", "removed": "organization:network:removed",
	"opened": "organization:network-check:opened",
	"on":     "account:network-check:on", "off": "account:network-check:off",
}

func (rm *Room) letter(to account.Account, v *session.Visit, now time.Time, what string, detail map[string]string) mail.Letter {
	say := rm.Site.Speaker(to.Language, to.Location())
	args := []any{"name", to.Name, "portal", rm.Site.Name, "when", say.Moment(now), "who", v.Person.Name,
		"network", detail["network"], "description", detail["description"], "ticket", detail["ticket"]}
	return mail.Letter{Organization: to.Organization, Holder: to.ID, Lane: mail.Notice, Kind: "network-" + what, To: to.Email, Language: to.Language,
		Subject: say.T("network.told_subject", args...), Text: say.T("network.told_"+what, args...)}
}
