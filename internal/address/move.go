package address

import (
	"context"
	"errors"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/session"
	"nidan/internal/store"
)

// move consumes a link and gives the account its new address, in one transaction:
// what was mailed to the old one is dead with it, and every session ends but the
// owner's own that used the link. It is refused, and the link not used, while the
// account or its organization is suspended, or somebody else has the address.
// cookie is the new value of the session that goes on, or empty; store.ErrNone says
// that the link opens nothing (any more).
func (rm *Room) move(ctx context.Context, tx *store.Tx, v *session.Visit, token string) (cookie string, err error) {
	now := tx.Now()
	until, err := rm.Closed(ctx, tx, now)
	if err != nil {
		return "", err
	}
	if !until.IsZero() { // the window began while this request waited
		return "", &fault.Fault{Kind: fault.Closed, Phrase: "address.closed", Until: until}
	}
	c, err := byToken(ctx, tx, token)
	if err != nil {
		return "", err
	}
	if c.Change.State(now) != IsSent {
		return "", store.ErrNone
	}
	if !c.Stands {
		return "", fault.New(fault.Refused, "address.link_suspended")
	}
	if err := use(ctx, tx, c.Change, token); err != nil {
		return "", err
	}
	err = account.Move(ctx, tx, rm.Keys, c.Ref, c.Change.Email)
	if errors.Is(err, store.ErrTaken) {
		return "", fault.New(fault.Taken, "address.link_taken")
	}
	if err != nil {
		return "", err
	}
	if cookie, err = rm.leave(ctx, tx, v, c); err != nil {
		return "", err
	}
	detail := map[string]string{"change": c.Change.ID, "from": c.Email, "to": c.Change.Email, "asked-by": c.Change.AskedBy}
	if c.Change.Ticket != "" {
		detail["ticket"] = string(c.Change.Ticket)
	}
	err = audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: c.Organization, Act: "account:address:changed", Subject: c.ID,
		Actor: audit.Actor{Kind: audit.KindAccount, ID: c.ID}, Network: v.From, Detail: detail})
	if err != nil {
		return "", err
	}
	if err := rm.toOld(ctx, tx, v, c, c.Change, "changed_old"); err != nil {
		return "", err
	}
	return cookie, rm.welcome(ctx, tx, c)
}

// leave ends all that hangs on the old address.
func (rm *Room) leave(ctx context.Context, tx *store.Tx, v *session.Visit, c Case) (cookie string, err error) {
	err = rm.CarryGrace(ctx, tx, c.Ref, account.AddressDigest(rm.Keys, c.EmailKey), account.AddressDigest(rm.Keys, c.Change.EmailKey))
	if err != nil {
		return "", err
	}
	for _, end := range rm.Mailed {
		if err := end(ctx, tx, c.Ref); err != nil {
			return "", err
		}
	}
	own := ""
	if v.Ref == c.Ref && v.TwoStep {
		own = v.Session.ID
	}
	if _, err := session.EndAll(ctx, tx, c.Ref, own, "address changed"); err != nil || own == "" {
		return "", err
	}
	cookie, err = session.Renew(ctx, tx, v.Session)
	if errors.Is(err, store.ErrNone) { // it ended meanwhile
		return "", nil
	}
	return cookie, err
}
