package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/hours"
	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// mailTime bounds how long a relay is waited for.
const mailTime = 10 * time.Second

type checkCommand struct {
	Settings
	Asked
	Alive bool `help:"Only ask the node that serves here whether it lives, as a container's health check."`
}

// Help says more than one line.
func (checkCommand) Help() string {
	return `Looks at everything a portal needs, changes nothing, and prints a line for each: configuration, hours, database, keys, clock, mail. What failed says what to do. It ends with 1 if anything failed.

Example:

	nidan check --config /etc/nidan/nidan.yaml`
}

// finding is what was found out about one thing.
type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Run checks.
func (cmd checkCommand) Run(ctx context.Context, c *Console) error {
	if cmd.Alive {
		return cmd.alive(ctx, c)
	}
	findings := cmd.examine(ctx, c)
	failed := 0
	for _, f := range findings {
		if !f.OK {
			failed++
		}
	}
	if cmd.JSON {
		if err := c.print(map[string]any{"ok": failed == 0, "checks": findings}); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			c.say("%-13s  %s: %s", f.Name, map[bool]string{true: "ok", false: "failed"}[f.OK], f.Detail)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(findings))
	}
	return nil
}

// examine looks at each thing in the order in which one needs the other.
func (cmd checkCommand) examine(ctx context.Context, c *Console) []finding {
	names := []string{"configuration", "hours", "database", "keys", "clock", "mail"}
	cfg, err := cmd.load(c)
	if err != nil {
		findings := []finding{found(names[0], "", err)}
		for _, name := range names[1:] {
			findings = append(findings, found(name, "", errors.New("not looked at: set the configuration right first")))
		}
		return findings
	}
	e := &examination{portal: &portal{Config: cfg, clk: clock.New()}}
	defer func() {
		if e.db != nil {
			e.close()
		}
	}()
	looks := []func(context.Context) (string, error){e.configuration, e.hours, e.database, e.key, e.time, e.mail}
	findings := make([]finding, len(looks))
	for i, look := range looks {
		detail, err := look(ctx)
		findings[i] = found(names[i], detail, err)
	}
	return findings
}

func found(name, detail string, err error) finding {
	if err != nil {
		return finding{Name: name, Detail: strings.Join(strings.Split(err.Error(), "\n"), "; ")}
	}
	return finding{Name: name, OK: true, Detail: detail}
}

// examination is one run of the checks, and what they learn for those after them.
type examination struct {
	*portal
	fresh bool // nothing was set up so far
}

func (e *examination) configuration(context.Context) (string, error) {
	return "people reach the portal at " + e.BaseURL.String(), nil
}

// holidaysLeft is how long before the end of the table of holidays a warning is due.
const holidaysLeft = 365 * 24 * time.Hour

// hours warns, and does not fail, where the table of public holidays ends soon: the
// days after it are working days by their weekday alone.
func (e *examination) hours(context.Context) (string, error) {
	if e.Hours == (config.Hours{}) {
		return "none are set, so no ticket is ever due", nil
	}
	return e.Hours.String() + ", " + holidaysReach(hours.DayOf(e.clk.Machine(), e.HouseZone)), nil
}

// holidaysReach says how far the table of holidays reaches, as seen from a day.
func holidaysReach(today hours.Day) string {
	if last := hours.LastHoliday; last.Before(today.Plus(int(holidaysLeft / (24 * time.Hour)))) {
		return "warning: public holidays are known until " + last.String() + " only; close later ones at /operator/hours, or take a newer release"
	}
	return "public holidays known until " + hours.LastHoliday.String()
}

func (e *examination) database(ctx context.Context) (string, error) {
	if path, missing := missingFile(e.Database); missing {
		if _, err := os.Stat(e.KeyFile); err == nil {
			return "", fmt.Errorf("NIDAN_DATABASE: %s is not there, but its key %s is: put the database back, or correct the setting", path, e.KeyFile)
		}
		e.fresh = true
		return path + " is not there yet: the first `nidan serve` makes it", nil
	}
	p, err := connect(ctx, e.Config)
	if err != nil {
		return "", err
	}
	e.portal = p
	empty, err := p.schema(ctx)
	if err != nil {
		return "", err
	}
	if !empty {
		if p.mark, err = store.ReadPortal(ctx, p.db); err != nil && !errors.Is(err, store.ErrNone) {
			return "", err
		}
	}
	e.fresh = len(p.mark.KeyCheck) == 0
	if err := p.db.Write(ctx, func(context.Context, *store.Tx) error { return nil }); err != nil {
		return "", fmt.Errorf("NIDAN_DATABASE: %s cannot be written to: %s", p.db.Name(), oneLine(err))
	}
	said := p.db.Name() + " is empty: the first `nidan serve` sets it up"
	if !e.fresh {
		said = fmt.Sprintf("%s, set up %s", p.db.Name(), p.moment(p.mark.Created))
	}
	s, replicates, err := p.db.Standing(ctx)
	if err != nil || !replicates {
		return said, err
	}
	how, err := keeps(s)
	if err != nil {
		return "", fmt.Errorf("NIDAN_DATABASE: %s: %w", p.db.Name(), err)
	}
	return said + "; " + how, nil
}

func (e *examination) key(ctx context.Context) (string, error) {
	if _, err := os.Stat(e.KeyFile); e.fresh && errors.Is(err, fs.ErrNotExist) {
		return e.KeyFile + " is not there yet: the first `nidan serve` makes it", nil
	}
	if len(e.mark.KeyCheck) == 0 {
		if _, err := readKeys(e.KeyFile); err != nil {
			return "", err
		}
		return e.KeyFile + " can be read; there is nothing to compare it with", nil
	}
	if err := e.takeKeys(ctx); err != nil {
		return "", err
	}
	state, err := keyring.Read(ctx, e.db, e.mark)
	if err != nil {
		return "", err
	}
	said := e.KeyFile + " is the database's"
	if state.Seals != secret.First {
		said += fmt.Sprintf("; key %d seals since %s", state.Seals, e.moment(state.Since))
	}
	for _, id := range e.keys.Held() {
		l, known := state.Line(id)
		switch {
		case !known:
			said += fmt.Sprintf("; key %d is not known yet: `nidan key add` makes it known", id)
		case !l.Retired.IsZero():
			said += fmt.Sprintf("; key %d is retired: `nidan key retire %d` takes it out of this file too", id, id)
		case l.Active.IsZero():
			said += fmt.Sprintf("; key %d seals nothing yet: copy the file to every node, then `nidan key rotate`", id)
		}
	}
	return said, nil
}

func (e *examination) time(ctx context.Context) (string, error) {
	switch {
	case e.db == nil && e.fresh:
		return "there is nothing to compare it with yet", nil
	case e.db == nil:
		return "", errors.New("not looked at: the database is asked for its time")
	}
	before := e.clk.Machine()
	at, err := e.db.Clock(ctx)
	if err != nil {
		return "", err
	}
	if off := max(before.Sub(at), at.Sub(e.clk.Machine())); off > clock.Skew {
		return "", fmt.Errorf("this machine's clock is %s off the database's: let both follow a time server", off.Round(time.Second))
	}
	if e.fresh || len(e.mark.KeyCheck) == 0 {
		return "as the database's", nil
	}
	if err := e.follow(ctx); err != nil {
		return "", err
	}
	if behind := e.clk.Behind(); behind > clock.Skew {
		return "", fmt.Errorf("it stands %s behind the latest instant the portal has seen: set it right, or run `nidan clock accept`", behind.Round(time.Second))
	}
	return "as the database's, and not behind", nil
}

func (e *examination) mail(ctx context.Context) (string, error) {
	relay, named, err := e.relay()
	if err != nil {
		return "", err
	}
	defer relay.Close()
	if e.mark.Demo && !named {
		return "a demo keeps its mails for its mailbox page", nil
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	if err := relay.Check(ctx); err != nil {
		return "", fmt.Errorf("NIDAN_SMTP: %s did not take the connection: %s", relay.Name(), oneLine(err))
	}
	return relay.Name() + " takes mail from " + e.MailFrom.Address, nil
}
