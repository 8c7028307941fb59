package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"nidan/internal/backup"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

type restoreCommand struct {
	Settings
	Asked
	File     string `arg:"" help:"The backup; - for stdin."`
	Identity string `placeholder:"FILE" help:"The age key whose public part the backup was encrypted to; the portal's own key file without it."`
}

// Help says more than one line.
func (restoreCommand) Help() string {
	return `Puts a backup into the database of the settings, which must be empty: a file that is not there yet, or a fresh PostgreSQL database, whichever engine the backup is of. Put the portal's key file in place first (NIDAN_KEY_FILE).

Every row is read back and compared before the database may be served; killed half-way, it serves nobody, and the command may be run again. A backup of an older version is brought up to this one.

What the copy cannot know is void: everybody signs in anew, mailed codes, links, passes and starting guides work no more, and codes of apps up to now are refused. Letters that were waiting go out if they tell one person what happened; codes, links, reminders and mailings do not.

Example:

	NIDAN_DATABASE=/var/lib/nidan/nidan.db nidan restore /var/backups/nidan/2018-03-04.nidan
	age -d -i vault.key nidan.backup > /dev/null && nidan restore nidan.backup --identity vault.key`
}

// restored is what was put back, for programs.
type restored struct {
	Database string      `json:"database"`
	Rows     int64       `json:"rows"`
	Taken    time.Time   `json:"taken"`
	Version  string      `json:"version"`
	Void     backup.Void `json:"void"`
}

// Run restores.
func (cmd restoreCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	keys, err := readKeys(cfg.KeyFile)
	if err != nil {
		return err
	}
	var identities []age.Identity
	if cmd.Identity != "" {
		if identities, err = backup.Identities(cmd.Identity); err != nil {
			return fmt.Errorf("--identity: %w", err)
		}
	}
	var from io.Reader = os.Stdin
	if cmd.File != "-" {
		file, err := os.Open(cmd.File)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	opened, err := backup.Open(from, keys, identities)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	p, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	void, err := opened.Restore(ctx, backup.Target{DB: p.db, Clock: p.clk, House: cfg.HouseZone, By: c.actor(), Place: filepath.Base(cmd.File),
		Keys: p.restoredKeys, Write: c.progress("written", "rows"), Verify: c.progress("compared", "rows")})
	c.endProgress()
	if err != nil {
		return cmd.broken(p, err)
	}
	h := opened.Header
	if cmd.JSON {
		return c.print(restored{p.db.Name(), h.Rows(), h.Taken, h.Product, void})
	}
	c.say("%s holds the portal as it stood %s: %s rows, each read back and equal.", p.db.Name(), p.moment(h.Taken), phrase.Number(h.Rows()))
	c.say("Void: %s sessions, %s mailed codes, %s password resets, %s passes and guides, %s changes of address.", phrase.Number(void.Sessions),
		phrase.Number(void.Codes), phrase.Number(void.Resets), phrase.Number(void.Passes), phrase.Number(void.Addresses))
	c.say("Not sent any more: %s letters; ended: %s mailings. Give guides and passes anew where they are wanted.", phrase.Number(void.Letters), phrase.Number(void.Mailings))
	return nil
}

// restoredKeys reads the key file, now that the rows are there which know it again.
func (p *portal) restoredKeys(ctx context.Context) (*secret.Keys, error) {
	var err error
	if p.mark, err = store.ReadPortal(ctx, p.db); err != nil {
		return nil, err
	}
	err = p.takeKeys(ctx)
	return p.keys, err
}

// broken says how the database stands after a restore that failed.
func (cmd restoreCommand) broken(p *portal, err error) error {
	if errors.Is(err, backup.ErrTarget) || errors.Is(err, backup.ErrNewer) {
		return fmt.Errorf("%s: %s; nothing was changed", cmd.File, oneLine(err))
	}
	return fmt.Errorf("%s: %s; %s is held and serves nobody: run the command again, or remove it", cmd.File, oneLine(err), p.db.Name())
}
