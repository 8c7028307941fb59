package cli

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/phrase"
	"nidan/internal/progress"
)

type rolloutRecountCommand struct {
	Settings
	Asked
	Repair bool `help:"Write what was counted over what is kept."`
}

// Help says more than one line.
func (rolloutRecountCommand) Help() string {
	return `Counts the figures of the changeover anew from the accounts and their methods, and names each that is kept otherwise. It may run beside a serving portal: one organization is counted at a time. It ends with 1 if anything differs and is not repaired.

Example:

	nidan rollout recount --repair`
}

// recounted is what was found, for programs.
type recounted struct {
	Organizations int64             `json:"organizations"`
	People        int64             `json:"people"`
	Different     int64             `json:"different"`
	Repaired      bool              `json:"repaired"`
	First         []differentFigure `json:"first"`
}

type differentFigure struct {
	Organization string     `json:"organization"`
	Account      string     `json:"account,omitempty"`
	Hour         *time.Time `json:"hour,omitempty"`
	What         string     `json:"what"`
	Kept         string     `json:"kept"`
	Counted      string     `json:"counted"`
}

// Run recounts.
func (cmd rolloutRecountCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	found, err := progress.Recount(ctx, p.db, cmd.Repair, cmd.counting(c))
	c.endProgress()
	if err != nil {
		return err
	}
	if err := cmd.tell(c, found); err != nil {
		return err
	}
	if found.Different > 0 && !cmd.Repair {
		return fmt.Errorf("figures that differ from the rows: %s; --repair writes what was counted", phrase.Number(found.Different))
	}
	return nil
}

func (cmd rolloutRecountCommand) counting(c *Console) func(people int64) {
	if !c.ErrTerminal {
		return nil
	}
	return func(people int64) { fmt.Fprintf(c.Err, "\rcounted %s people", phrase.Number(people)) }
}

func (cmd rolloutRecountCommand) tell(c *Console, found progress.Recounted) error {
	if cmd.JSON {
		out := recounted{found.Organizations, found.People, found.Different, found.Repaired && found.Different > 0, []differentFigure{}}
		for _, d := range found.First {
			one := differentFigure{d.Organization, d.Holder, nil, d.What, d.Kept, d.Counted}
			if !d.Hour.IsZero() {
				one.Hour = &d.Hour
			}
			out.First = append(out.First, one)
		}
		return c.print(out)
	}
	for _, d := range found.First {
		c.say("%s", d)
	}
	if more := found.Different - int64(len(found.First)); more > 0 {
		c.say("… and %s more.", phrase.Number(more))
	}
	c.say("People counted: %s in %s organizations; figures that differ: %s.",
		phrase.Number(found.People), phrase.Number(found.Organizations), phrase.Number(found.Different))
	if found.Repaired && found.Different > 0 {
		c.say("They were repaired.")
	}
	return nil
}
