package web

import (
	"context"
	"time"

	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/store"
)

// keepMail is how long delivery data of mails is kept (security.md, retention).
const keepMail = 90 * 24 * time.Hour

// Upkeep is done each minute, by every node; doing it twice does nothing more. It
// decides nothing about anybody: what follows from the clock is computed.
func (p *Portal) Upkeep(ctx context.Context) error {
	if err := clock.Remember(ctx, p.DB, p.Clock); err != nil {
		return err
	}
	return p.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := audit.LinkHeads(ctx, tx, p.Keys); err != nil {
			return err
		}
		if err := limit.Prune(ctx, tx, tx.Now()); err != nil {
			return err
		}
		_, err := mail.Forget(ctx, tx, tx.Now().Add(-keepMail))
		return err
	})
}
