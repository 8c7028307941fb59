package address

import (
	"context"
	"embed"
	"errors"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/secret"
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
	DB      *store.DB
	Keys    *secret.Keys
	Site    *page.Site
	BaseURL string // of the portal, without a slash at its end; stands before a link's path
	Wake    func() // tells the outbox that mail waits; after commits
	// CarryGrace says what becomes of an account's grace when it moves from one address
	// to another.
	CarryGrace func(ctx context.Context, tx *store.Tx, ref account.Ref, from, to []byte) error
	// Mailed are other rooms' ends of what was mailed to an account's address and
	// still works: codes, links, a set-up half-way.
	Mailed []func(ctx context.Context, tx *store.Tx, ref account.Ref) error
	// Closed is until when a window closes the portal at now; zero: none does.
	Closed func(ctx context.Context, r store.Reader, now time.Time) (until time.Time, err error)
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil || n.BaseURL == "" || n.Wake == nil || n.CarryGrace == nil || len(n.Mailed) == 0 || n.Closed == nil {
		return nil, errors.New("address: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	return &Room{Needs: n, page: pages}, nil
}

// Routes are this room's. Anybody may open a link: the new mailbox answers by it.
// An owner withdraws by one step too, since nothing changes by that.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /profile/address", Gate: route.Fresh, Serve: rm.Site.Serve(rm.showOwn)},
		{Pattern: "POST /profile/address", Gate: route.Fresh, Serve: rm.Site.Serve(rm.postOwn)},
		{Pattern: "GET /profile/address/withdraw", Gate: route.FreshOwn, Serve: rm.Site.Serve(rm.showWithdraw)},
		{Pattern: "POST /profile/address/withdraw", Gate: route.FreshOwn, Serve: rm.Site.Serve(rm.postWithdraw)},
		{Pattern: "GET /address/{token}", Gate: route.Door, Serve: rm.Site.Serve(rm.showLink)},
		{Pattern: "POST /address/{token}", Gate: route.Door, Serve: rm.Site.Serve(rm.postLink)},
		{Pattern: "GET /accounts/{id}/address", Gate: act.Gate(act.ChangeAddress), Serve: rm.Site.Serve(rm.showPerson)},
		{Pattern: "POST /accounts/{id}/address", Gate: act.Gate(act.ChangeAddress), Serve: rm.Site.Serve(rm.postPerson)},
		{Pattern: "GET /operator/addresses", Gate: route.OperatorOnly, Serve: rm.Site.Serve(rm.list)},
		{Pattern: "GET /operator/addresses/{organization}/{id}", Gate: act.Gate(act.CorrectAddress), Serve: rm.Site.Serve(rm.showCorrection)},
		{Pattern: "POST /operator/addresses/{organization}/{id}", Gate: act.Gate(act.CorrectAddress), Serve: rm.Site.Serve(rm.postCorrection)},
	}
}
