package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"

	"nidan/internal/config"
	"nidan/internal/mail"
	"nidan/internal/web"
)

type serveCommand struct {
	Settings
	Demo bool `help:"Serve a demo's database, beside the demo itself."`
}

// Help says more than one line.
func (serveCommand) Help() string {
	return `Serves the portal until it is told to stop (Ctrl-C, or SIGTERM: what is in hand is finished; a second signal stops at once).

An empty database is set up: schema, key file, and a one-time link for the first operator, shown on a terminal or written to first-operator.link beside the key file. ` +
		`A database with another schema is refused, see nidan migrate; so is a missing or wrong key file, and a demo's database without --demo. ` +
		`Several nodes may serve one database, with the same key file.

Example:

	NIDAN_BASE_URL=https://portal.example.com \
	NIDAN_MAIL_FROM='Portal <portal@example.com>' \
	NIDAN_DATABASE=/var/lib/nidan/nidan.db \
	NIDAN_KEY_FILE=/etc/nidan/nidan.key nidan serve`
}

// Run serves.
func (cmd serveCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	log := c.logger(cfg.Log.Level)
	p, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	listener, err := p.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := p.prepare(ctx, cmd.Demo); err != nil {
		return err
	}
	relay, named, err := p.relay()
	if err != nil {
		return err
	}
	defer relay.Close()
	var sender mail.Sender = relay
	if cmd.Demo && !named {
		relay = nil
	}
	if cmd.Demo {
		sender = p.caught(relay)
	}
	built, err := p.build(log, sender)
	if err != nil {
		return err
	}
	return p.run(ctx, c, built, listener)
}

// prepare makes the database one that can be served: this portal's, set up now if
// it is empty, and a demo's exactly if that was asked for.
func (p *portal) prepare(ctx context.Context, demo bool) error {
	fresh, err := p.admit(ctx)
	if err != nil {
		return err
	}
	if fresh && demo {
		return fmt.Errorf("NIDAN_DATABASE: %s holds no demo yet: `nidan demo` makes one", p.db.Name())
	}
	if fresh {
		if err := p.setUp(ctx, false); err != nil {
			return err
		}
	}
	switch {
	case p.mark.Demo && !demo:
		return fmt.Errorf("NIDAN_DATABASE: %s is a demo's, with made-up people whose passwords are known: only `nidan serve --demo` serves it", p.db.Name())
	case demo && !p.mark.Demo:
		return fmt.Errorf("NIDAN_DATABASE: %s is a portal's, not a demo's: serve it without --demo", p.db.Name())
	}
	return p.follow(ctx)
}

// relay is the SMTP server of the settings, and whether one was named at all.
func (p *portal) relay() (relay *mail.SMTP, named bool, err error) {
	usual, err := config.Load("", nil)
	if err != nil {
		return nil, false, err
	}
	relay, err = mail.NewSMTP(p.SMTP.String(), p.MailFrom.String())
	if err != nil {
		return nil, false, fmt.Errorf("NIDAN_SMTP: %w", err)
	}
	return relay, p.SMTP.String() != usual.SMTP.String(), nil
}

// caught is where a demo's mail goes: to its mailbox page, and to a relay as well
// if one is given.
func (p *portal) caught(relay *mail.SMTP) mail.Sender {
	box := mail.NewCatch(p.db, p.keys)
	if relay == nil {
		return box
	}
	return mail.Both(box, relay)
}

// build makes a portal. What is read for it leaves several times as much behind as stays: collected sooner, it lies less
// between what does, where no memory goes back to the system for as long as the portal serves.
func (p *portal) build(log *slog.Logger, sender mail.Sender) (*web.Portal, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	return web.New(web.Needs{Config: p.Config, DB: p.db, Keys: p.keys, Clock: p.clk, Log: log, Sender: sender, Demo: p.mark.Demo})
}

// run serves a portal as one node of it.
func (p *portal) run(ctx context.Context, c *Console, built *web.Portal, listener net.Listener) error {
	n := &node{Portal: built, name: nodeName(built.DB.Engine(), p.Listen), main: listener, metrics: p.listenMetrics(built.Log), lmtp: p.listenLMTP(built.Log)}
	if err := p.firstLink(ctx, c, built.Log); err != nil {
		// The portal may go on: others may be able to make a link, by `nidan operator add`.
		built.Log.Error("no one-time link for the first operator", slog.String("error", err.Error()))
	}
	built.Log.Info("listening", slog.String("address", listener.Addr().String()), slog.String("url", p.BaseURL.String()))
	if err := n.serve(ctx); err != nil {
		return err
	}
	built.Log.Info("stopped")
	return nil
}
