package web

import (
	"context"
	"time"

	"nidan/internal/address"
	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/importing"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/password"
	"nidan/internal/record"
	"nidan/internal/rehearsal"
	"nidan/internal/session"
	"nidan/internal/setup"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/ticket"
)

// keepMail is how long delivery data of mails is kept (security.md, retention).
const keepMail = 90 * 24 * time.Hour

// Upkeep is done each minute, by every node; doing it twice does nothing more. It
// decides nothing about anybody: what follows from the clock is computed.
func (p *Portal) Upkeep(ctx context.Context) error {
	if err := p.remember(ctx); err != nil {
		return err
	}
	err := p.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return audit.LinkHeads(ctx, tx, p.Keys) })
	if err == nil {
		_, err = mail.Answered(ctx, p.DB)
	}
	if err == nil {
		err = p.DB.Write(ctx, record.Fold)
	}
	hour := p.Clock.Now().Truncate(time.Hour)
	if err != nil || p.tidied.Equal(hour) {
		return err
	}
	p.tidied = hour
	return p.tidy(ctx)
}

// remember keeps the latest instant. When an earlier time was accepted this node
// learns of it here, and what it wrote until now in the time ahead is taken back.
func (p *Portal) remember(ctx context.Context) error {
	was := p.Clock.Now()
	if err := clock.Remember(ctx, p.DB, p.Clock); err != nil {
		return err
	}
	is := p.Clock.Now()
	if !is.Before(was) {
		return nil
	}
	return p.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return signin.Rewind(ctx, tx, was, is) })
}

// tidy removes what its retention no longer keeps, once an hour: a handful in each
// transaction, since on SQLite everybody who writes waits for it.
func (p *Portal) tidy(ctx context.Context) error {
	if err := p.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return limit.Prune(ctx, tx, tx.Now()) }); err != nil {
		return err
	}
	for _, forget := range []func(context.Context, *store.Tx) (int64, error){
		func(ctx context.Context, tx *store.Tx) (int64, error) { return audit.Trim(ctx, tx, p.Keys) },
		session.Forget, address.Forget, setup.Forget, mailotp.Forget, password.Forget, rehearsal.Forget, importing.Forget, ticket.Forget,
		func(ctx context.Context, tx *store.Tx) (int64, error) {
			return mail.Forget(ctx, tx, tx.Now().Add(-keepMail))
		},
	} {
		for gone := int64(1); gone > 0; {
			err := p.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				gone, err = forget(ctx, tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
