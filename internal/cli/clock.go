package cli

import (
	"context"
	"errors"
	"time"

	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/signin"
	"nidan/internal/store"
)

type clockAcceptCommand struct {
	Settings
	Asked
}

// Help says more than one line.
func (clockAcceptCommand) Help() string {
	return `The portal's time never runs back: after the machine's clock ran ahead and was set right, the portal stays at the latest instant it has seen, is not ready and takes no codes of authenticator apps. This command takes the machine's present time instead. Ends and windows that had passed meanwhile are ahead again; codes accepted before stay spent. The record keeps who did it.

Example:

	nidan clock accept`
}

// Run accepts the machine's time.
func (cmd clockAcceptCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	var was, is time.Time
	err = p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if was, is, err = clock.Accept(ctx, tx, p.clk); err != nil {
			return err
		}
		if err = signin.Rewind(ctx, tx, was, is); err != nil {
			return err
		}
		return audit.Record(ctx, tx, p.keys, audit.Entry{Chain: audit.Operators, Act: "portal:clock:accepted", Actor: c.actor(), Subject: "clock",
			Detail: map[string]string{"was": was.Format(time.RFC3339Nano), "is": is.Format(time.RFC3339Nano)}})
	})
	if errors.Is(err, clock.ErrNotBehind) {
		return errors.New("nothing to accept: this machine's clock is not behind the latest instant the portal has seen")
	}
	if err != nil {
		return err
	}
	if cmd.JSON {
		return c.print(map[string]time.Time{"was": was, "is": is})
	}
	c.say("The portal's time was %s.\nIt is now       %s.\nNodes that are running follow within a minute.", p.moment(was), p.moment(is))
	return nil
}
