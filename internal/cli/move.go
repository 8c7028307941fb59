package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"nidan/internal/backup"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

type moveCommand struct {
	Settings
	Asked
	To     string `placeholder:"URL" xor:"to" required:"" help:"An empty database: postgres://user:password@host/name, or the path of a new file."`
	Cancel bool   `xor:"to" required:"" help:"Give the database of the settings free again, from which a move led away."`
}

// Help says more than one line.
func (moveCommand) Help() string {
	return `Moves the portal from the database of the settings into another one, which is the way to grow: from SQLite to PostgreSQL, or back. Stop every node first. Every row is read back and compared; then the new database may be served, and the old one is marked and serves nobody. People stay signed in; codes of apps up to now are refused.

Killed half-way, neither is served: run the command again, or take the mark off with --cancel. After a move that came to its end, --cancel opens the old database again as it was then: what happened in the new one since is not in it.

Example:

	nidan move --config /etc/nidan/nidan.yaml --to 'postgres://nidan:secret@db.example.com/nidan'`
}

// Run moves.
func (cmd moveCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	if path, missing := missingFile(cfg.Database); missing {
		return fmt.Errorf("NIDAN_DATABASE: %s is not there", path)
	}
	p, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	p.held = true
	if err := p.enter(ctx); err != nil {
		return err
	}
	if cmd.Cancel {
		return cmd.cancel(ctx, c, p)
	}
	if scheme, _, isURL := strings.Cut(cmd.To, "://"); isURL && scheme != "postgres" && scheme != "postgresql" {
		return errors.New("--to: must be a file path or postgres://user:password@host/name")
	}
	to, err := store.Open(ctx, cmd.To, p.clk.Now)
	if err != nil {
		return fmt.Errorf("--to: %s", oneLine(err))
	}
	defer to.Close()
	rows, err := backup.Move{From: p.db, To: to, Keys: p.keys, Clock: p.clk, By: c.actor(),
		Write: c.progress("written", "rows"), Verify: c.progress("compared", "rows")}.Do(ctx)
	c.endProgress()
	if err != nil {
		return errors.New(oneLine(err))
	}
	if cmd.JSON {
		return c.print(map[string]any{"from": p.db.Name(), "to": to.Name(), "rows": rows})
	}
	if rows > 0 {
		c.say("%s holds the portal: %s rows, each read back and equal.", to.Name(), phrase.Number(rows))
	} else {
		c.say("%s holds the portal: the move had come to its end before.", to.Name())
	}
	c.say("%s serves nobody any more. Set NIDAN_DATABASE to the new one on every node.", p.db.Name())
	return nil
}

func (cmd moveCommand) cancel(ctx context.Context, c *Console, p *portal) error {
	hold, err := backup.Cancel(ctx, p.db, p.keys, c.actor())
	if err != nil {
		return fmt.Errorf("%s: %w", p.db.Name(), err)
	}
	if cmd.JSON {
		return c.print(map[string]any{"database": p.db.Name(), "was": hold.What, "to": hold.Place})
	}
	c.say("%s may be served again. Do not serve %s as well.", p.db.Name(), hold.Place)
	return nil
}
