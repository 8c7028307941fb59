package notice

import (
	"context"
	"time"

	"nidan/internal/audit"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Refusals are what is wrong with a notice, all at once.
type Refusals []Wrong

// Error names the first.
func (r Refusals) Error() string { return "refused: " + r[0].Phrase }

// Deed is somebody who publishes, an operator at a page or the console. Each deed
// writes its one record and tells every node, in the deed's own transaction.
type Deed struct {
	Keys    *secret.Keys
	By      string // as columns keep it: the operator's id, or the console
	Actor   audit.Actor
	Network string
	Changed func(ctx context.Context, tx *store.Tx) error // tells every node
}

// Publish saves a new notice; Refusals say why it may not be. An ID that it has is
// kept: store.ErrTaken says that the same form was sent twice.
func (d Deed) Publish(ctx context.Context, tx *store.Tx, n Notice) (Notice, error) {
	if n.From.IsZero() {
		n.From = tx.Now()
	}
	if wrong := n.Check(tx.Now()); len(wrong) > 0 {
		return Notice{}, Refusals(wrong)
	}
	n, err := insert(ctx, tx, n, d.By)
	if err != nil {
		return Notice{}, err
	}
	return n, d.note(ctx, tx, "published", n)
}

// Change saves other words or instants of a notice; Refusals say why they may not
// be, store.ErrNone that it was withdrawn. Whom it is for stays.
func (d Deed) Change(ctx context.Context, tx *store.Tx, n Notice) error {
	if wrong := n.Check(tx.Now()); len(wrong) > 0 {
		return Refusals(wrong)
	}
	if err := rewrite(ctx, tx, n, d.By); err != nil {
		return err
	}
	return d.note(ctx, tx, "changed", n)
}

// Withdraw ends a notice; store.ErrNone when it was withdrawn before.
func (d Deed) Withdraw(ctx context.Context, tx *store.Tx, n Notice) error {
	if err := withdraw(ctx, tx, n, d.By); err != nil {
		return err
	}
	return d.note(ctx, tx, "withdrawn", n)
}

func (d Deed) note(ctx context.Context, tx *store.Tx, what string, n Notice) error {
	detail := map[string]string{"title": n.English.Title, "from": n.From.UTC().Format(time.RFC3339)}
	if !n.Until.IsZero() {
		detail["until"] = n.Until.UTC().Format(time.RFC3339)
	}
	if n.Organization != "" {
		detail["organization"] = n.Organization
	}
	if n.Audience.Authority != "" {
		detail["authority"] = string(n.Audience.Authority)
	}
	err := audit.Record(ctx, tx, d.Keys, audit.Entry{Chain: audit.Operators, Act: "portal:notice:" + what,
		Actor: d.Actor, Subject: n.ID, Network: d.Network, Detail: detail})
	if err != nil {
		return err
	}
	return d.Changed(ctx, tx)
}
