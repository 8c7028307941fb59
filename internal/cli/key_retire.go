package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nidan/internal/keyring"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/web"
)

type keyRetireCommand struct {
	Settings
	Asked
	Key     uint8    `arg:"" placeholder:"N" help:"The key's number."`
	AtOnce  bool     `help:"Within 24 hours after another key came to seal: for a key that has leaked. Pass codes handed over before fail then."`
	Without []string `placeholder:"NODE" help:"Do not wait for this node, which is gone for good. May be given several times."`
}

// Help says more than one line.
func (keyRetireCommand) Help() string {
	return `Takes a key out of use on every node, and its line out of this machine's key file. It is refused while anything is sealed with it, while a node has not said that it seals with another, and for 24 hours after another key came to seal, unless it leaked (--at-once: then it waits until the other key has sealed for a minute). From then on it opens nothing, and codes and addresses made with it are not known again: answers by mail to letters of before become tickets of nobody.

Run it on each machine: where the key is retired already, it takes the line out of that file. Keep a copy of the line as long as you keep backups of the database from before.

Example:

	nidan key retire 1`
}

// retired is what came of it, for programs.
type retired struct {
	Key  byte   `json:"key"`
	New  bool   `json:"retired"` // false: it was before
	File string `json:"key_file"`
}

// Run retires.
func (cmd keyRetireCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	state, err := keyring.Read(ctx, l.db, l.mark)
	if err != nil {
		return err
	}
	out := retired{Key: cmd.Key, File: l.KeyFile}
	if line, known := state.Line(cmd.Key); !known || line.Retired.IsZero() {
		if err := cmd.allowed(ctx, l, l.db); err != nil {
			return err
		}
		if err := wait(ctx, c, state.Since.Add(settling), l.clk.Now(), "the other key came to seal"); err != nil {
			return err
		}
		if err := unsealed(ctx, l.db, cmd.Key); err != nil {
			return err
		}
		if out.New, err = cmd.retire(ctx, c, l); err != nil {
			return err
		}
	}
	// A process that was stopped for longer may have committed what it had sealed before: in a transaction that had seen the
	// key in use, or it would have been refused.
	if state, err = keyring.Read(ctx, l.db, l.mark); err != nil {
		return err
	}
	if line, _ := state.Line(cmd.Key); l.db.Engine() == store.PostgreSQL {
		if err := wait(ctx, c, line.Retired.Add(ending), l.clk.Now(), fmt.Sprintf("key %d was retired", cmd.Key)); err != nil {
			return err
		}
	}
	if err := unsealed(ctx, l.db, cmd.Key); err != nil {
		return fmt.Errorf("key %d is retired, and its line stays in %s, since a value came that it seals: run `nidan key rotate`, then this again", cmd.Key, l.KeyFile)
	}
	if err := secret.RemoveKey(l.KeyFile, cmd.Key); err != nil {
		return fmt.Errorf("NIDAN_KEY_FILE: key %d is retired, but its line could not be taken out of %s: %w; take it out by hand", cmd.Key, l.KeyFile, err)
	}
	if cmd.JSON {
		return c.print(out)
	}
	c.say("Key %d is retired, and its line is not in %s any more. Run this on every machine with a copy of the file.", cmd.Key, l.KeyFile)
	return nil
}

// settling is longer than any transaction lasts: what a request sealed before its node went over to the key that seals
// now is committed by then, or never will be. ending is longer than a transaction of a process that is stopped: PostgreSQL
// ends it after 15 seconds, and on SQLite none is open while a key is retired.
var settling, ending = time.Minute, 16 * time.Second

// wait waits until a moment, for what was begun before something else was.
func wait(ctx context.Context, c *Console, until, now time.Time, before string) error {
	left := until.Sub(now)
	if left <= 0 {
		return nil
	}
	fmt.Fprintf(c.Err, "Waiting %s for what was begun before %s …\n", left.Round(time.Second), before)
	select {
	case <-time.After(left):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// allowed says why the key may not be retired, as far as keys and nodes tell.
func (cmd keyRetireCommand) allowed(ctx context.Context, l *leading, r store.Reader) error {
	state, err := keyring.Read(ctx, r, l.mark)
	if err != nil {
		return err
	}
	until, err := state.Retirable(cmd.Key, l.clk.Now(), cmd.AtOnce)
	if errors.Is(err, keyring.ErrEarly) {
		return fmt.Errorf("key %d is not retired: %w until %s; --at-once if it has leaked", cmd.Key, err, l.moment(until))
	}
	if err != nil {
		return fmt.Errorf("key %d is not retired: %w", cmd.Key, err)
	}
	nodes, err := keyring.Nodes(ctx, r)
	if err != nil {
		return err
	}
	if behind := keyring.Behind(nodes, state.Seals, cmd.Without); len(behind) > 0 {
		return errors.New(nodesText(behind, fmt.Sprintf("has not said that it seals with key %d", state.Seals)))
	}
	return nil
}

// unsealed says what a key still seals. It is asked after every node seals with another:
// from then on nothing comes to it.
func unsealed(ctx context.Context, r store.Reader, id byte) error {
	var lines []string
	for _, column := range web.Sealed() {
		counts, err := column.Sealed(ctx, r)
		if err != nil {
			return err
		}
		if n := counts[id]; n > 0 {
			lines = append(lines, fmt.Sprintf("key %d is not retired: it still seals values of %s: %s; run `nidan key rotate`", id, column.Name, phrase.Number(n)))
		}
	}
	if len(lines) > 0 {
		return errors.New(strings.Join(lines, "\n"))
	}
	return nil
}

func (cmd keyRetireCommand) retire(ctx context.Context, c *Console, l *leading) (done bool, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := cmd.allowed(ctx, l, tx); err != nil {
			return err
		}
		if done, err = keyring.Retire(ctx, tx, cmd.Key, c.by()); err != nil || !done {
			return err
		}
		return l.noteKey(ctx, tx, c, "portal:key:retired", "retired", cmd.Key, detailOf(cmd.Without))
	})
	return done, err
}
