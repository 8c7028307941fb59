package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"nidan/internal/audit"
	"nidan/internal/store"
)

type migrateCommand struct {
	Settings
	Asked
}

// Help says more than one line.
func (migrateCommand) Help() string {
	return `Applies the steps of the schema that the database lacks, all in one transaction, and names them. Steps only add; nodes of the version before may go on serving meanwhile. Make a backup first.

Example:

	nidan migrate --config /etc/nidan/nidan.yaml`
}

// Run migrates. The key file is asked for as soon as the database has one.
func (cmd migrateCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.unlock(ctx); err != nil {
		return err
	}
	applied, err := p.db.Migrate(ctx)
	if err != nil {
		return fmt.Errorf("nothing was changed in %s: %s", p.db.Name(), oneLine(err))
	}
	if err := p.recordMigration(ctx, c, applied); err != nil {
		return err
	}
	return cmd.tell(c, p, applied)
}

// unlock reads the key of a database that has one, whatever its schema.
func (p *portal) unlock(ctx context.Context) error {
	_, err := p.db.Schema(ctx)
	if err != nil && !errors.Is(err, store.ErrSchema) {
		return err
	}
	if hold, err := store.ReadHold(ctx, p.db); err == nil && hold.What != "" { // an older schema has no holds
		return fmt.Errorf("NIDAN_DATABASE: %s: %w", p.db.Name(), hold.Err())
	}
	if p.mark, err = store.ReadPortal(ctx, p.db); err != nil {
		return nil // neither a mark nor a table for it: there is nothing to protect yet
	}
	return p.takeKeys(ctx)
}

func (p *portal) recordMigration(ctx context.Context, c *Console, applied []store.Migration) error {
	if len(applied) == 0 || p.keys == nil {
		return nil
	}
	if err := p.follow(ctx); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return audit.Record(ctx, tx, p.keys, audit.Entry{Chain: audit.Operators, Act: "portal:schema:migrated", Actor: c.actor(),
			Subject: "schema", Detail: map[string]string{"steps": strconv.Itoa(len(applied)), "last": applied[len(applied)-1].Name}})
	})
}

func (cmd migrateCommand) tell(c *Console, p *portal, applied []store.Migration) error {
	names := make([]string, len(applied))
	for i, step := range applied {
		names[i] = step.Name
	}
	if cmd.JSON {
		return c.print(map[string]any{"database": p.db.Name(), "applied": names})
	}
	for _, name := range names {
		c.say("applied %s", name)
	}
	if len(names) == 0 {
		c.say("%s has this program's schema already.", p.db.Name())
	}
	return nil
}
