package signin

import (
	"context"
	"time"

	"nidan/internal/address"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// Rewind takes what was written in a time ahead, until was, back to is, after the
// machine's clock was set right and that accepted: nobody waits until the time comes
// round again, nothing is valid until then. It may be done twice. What decides about
// grace, windows and rollouts stays as it was written.
func Rewind(ctx context.Context, tx *store.Tx, was, is time.Time) error {
	if !is.Before(was) {
		return nil
	}
	for _, rewind := range []func(context.Context, *store.Tx, time.Time, time.Time) error{
		address.Rewind, limit.Rewind, mail.Rewind, mailotp.Rewind, pass.Rewind, password.Rewind, verification.Rewind,
	} {
		if err := rewind(ctx, tx, was, is); err != nil {
			return err
		}
	}
	return session.Rewind(ctx, tx, is)
}
