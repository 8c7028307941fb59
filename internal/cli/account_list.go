package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"nidan/internal/importing"
	"nidan/internal/organization"
	"nidan/internal/store"
)

type accountListCommand struct {
	Settings
	Asked
	Organization string `placeholder:"NAME" help:"Of one organization."`
	OldHash      bool   `help:"Only those who still have a password hash of another system."`
}

// Help says more than one line.
func (accountListCommand) Help() string {
	return `Lists accounts by organization and name. With --old-hash it lists who was imported and has not signed in since, with the format of the hash: it is replaced at the first sign-in.

Example:

	nidan account list --old-hash --organization 'Yamada Trading'`
}

// Run lists.
func (cmd accountListCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	id := ""
	if cmd.Organization != "" {
		o, err := organization.ByName(ctx, p.db, cmd.Organization)
		if errors.Is(err, store.ErrNone) {
			return fmt.Errorf("there is no organization %q", cmd.Organization)
		}
		if err != nil {
			return err
		}
		id = o.ID
	}
	list := &listing{c: c, json: cmd.JSON}
	if err := importing.EachAccount(ctx, p.db, id, cmd.OldHash, list.add); err != nil {
		return err
	}
	return list.end()
}

// listing prints accounts as they come: there may be a million.
type listing struct {
	c    *Console
	json bool
	n    int
	rows [][]string
}

// together is how many rows are lined up with each other.
const together = 500

var listHeading = []string{"Organization", "Name", "Address", "Authority", "Method", "State", "Old hash"}

func (l *listing) add(a importing.Listed) error {
	l.n++
	if l.json {
		separator := ",\n"
		if l.n == 1 {
			separator = "[\n"
		}
		text, err := json.Marshal(a)
		if err == nil {
			_, err = fmt.Fprintf(l.c.Out, "%s  %s", separator, text)
		}
		return err
	}
	state := "not enrolled"
	switch {
	case a.Suspended:
		state = "suspended"
	case a.Enrolled:
		state = "enrolled"
	}
	l.rows = append(l.rows, []string{a.Organization, a.Name, a.Email, string(a.Authority), string(a.Method), state, a.OldHash})
	if len(l.rows) < together {
		return nil
	}
	return l.flush()
}

func (l *listing) flush() error {
	if len(l.rows) == 0 {
		return nil
	}
	_, err := fmt.Fprint(l.c.Out, table(append([][]string{listHeading}, l.rows...), l.c.Width))
	l.rows = l.rows[:0]
	return err
}

func (l *listing) end() error {
	if l.json {
		if l.n == 0 {
			l.c.say("[]")
		} else {
			l.c.say("\n]")
		}
		return nil
	}
	if err := l.flush(); err != nil {
		return err
	}
	if l.n == 0 {
		l.c.say("Nobody.")
	}
	return nil
}
