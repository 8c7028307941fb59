package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"nidan/internal/clock"
	"nidan/internal/importing"
	"nidan/internal/page"
	"nidan/internal/phrase"
)

type accountImportCommand struct {
	Settings
	Asked
	File     string            `arg:"" placeholder:"FILE" help:"CSV, LDIF or Excel (.xlsx)."`
	DryRun   bool              `help:"Say what would happen, and save nothing."`
	Report   string            `placeholder:"FILE" help:"Write each row that is not added into this CSV file, with the reason."`
	Format   string            `enum:",csv,ldif,xlsx" default:"" placeholder:"FORMAT" help:"csv, ldif or xlsx; found out without it."`
	Encoding string            `enum:",utf-8,shift_jis" default:"" placeholder:"NAME" help:"Of a CSV file: utf-8 or shift_jis; found out without it."`
	Map      map[string]string `placeholder:"NAME=COLUMN" help:"A column or attribute that the file calls otherwise: --map Firma=organization. May be given several times."`
	Default  map[string]string `placeholder:"COLUMN=VALUE" help:"What an empty or missing column means: --default time_zone=Asia/Tokyo."`
	Ignore   bool              `name:"ignore-columns" help:"Leave out columns that are not known."`
}

// Help says more than one line.
func (accountImportCommand) Help() string {
	return `Brings the people of an existing portal over. The first row of a table names its columns, in any order: organization, email, name, phone, authority (portal_admin or general_user), method (empty, totp or mailotp), mail_language (en or ja), time_zone, and, where there are any, password_hash, period_end, job_title, mobile. Of LDIF these attributes are read: mail, displayName or cn, telephoneNumber, o or ou, preferredLanguage, userPassword, title, mobile.

Organizations that are not there are made. An address that somebody has is never changed. Whoever brings a password hash signs in with the old password; everybody else gets a starting guide by mail. An import that was broken off goes on when the same command is run again; a file that was imported before changes nothing.

Examples:

	nidan account import people.csv --dry-run
	nidan account import people.csv --report refused.csv
	nidan account import directory.ldif --default mail_language=ja --map employeeType=authority`
}

// imported is what an import came to, for programs.
type imported struct {
	DryRun  bool   `json:"dry_run"`
	Run     string `json:"run,omitempty"`
	Resumed bool   `json:"resumed"`
	File    string `json:"file"`
	Digest  string `json:"sha256"`
	importing.Tally
	Unread string `json:"columns_not_read,omitempty"`
	Report string `json:"report,omitempty"`
}

// Run imports.
func (cmd accountImportCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	file, err := importing.OpenFile(ctx, cmd.File)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there", cmd.File)
	}
	if err != nil {
		return err
	}
	desk := &importing.Desk{DB: l.db, Keys: l.keys, Site: l.Site, BaseURL: strings.TrimSuffix(l.BaseURL.String(), "/"), Wake: func() {},
		Log: slog.New(slog.DiscardHandler)}
	options := importing.Options{Format: importing.Format(cmd.Format), Encoding: importing.Encoding(cmd.Encoding), Map: cmd.Map, Default: cmd.Default,
		Leave: cmd.Ignore, House: l.HouseZone.String()}
	out := imported{DryRun: cmd.DryRun, File: cmd.File, Digest: hex.EncodeToString(file.Digest), Report: cmd.Report}
	if cmd.DryRun {
		err = cmd.check(ctx, c, l, desk, file, options, &out)
	} else {
		err = cmd.bring(ctx, c, l, desk, file, options, &out)
	}
	c.endProgress()
	if err != nil {
		return l.refused(err)
	}
	if cmd.JSON {
		return c.print(out)
	}
	cmd.tell(c, out)
	return nil
}

// check is the dry run.
func (cmd accountImportCommand) check(ctx context.Context, c *Console, l *leading, desk *importing.Desk, file *importing.File, o importing.Options, out *imported) error {
	say := l.Site.Speaker(phrase.English, nil)
	each := func(see func(importing.Line) error) (err error) {
		out.Tally, out.Unread, err = desk.Check(ctx, file, o, see, c.steps(l.clk, "checked"))
		return err
	}
	shown := 0
	see := func(one importing.Line) error {
		if !cmd.JSON && cmd.Report == "" && one.Outcome != importing.There.String() && shown < refusedShown {
			shown++
			c.say("%s", lineText(one, say))
		}
		return nil
	}
	if cmd.Report == "" {
		return each(see)
	}
	return report(cmd.Report, say, each)
}

// refusedShown is how many rows that are not added a command names by itself.
const refusedShown = 20

func lineText(one importing.Line, say page.Speaker) string {
	cells := one.Cells(say)
	return fmt.Sprintf("line %s, %s, %s: %s", cells[0], one.Email, cells[1], cells[4])
}

// bring is the import itself.
func (cmd accountImportCommand) bring(ctx context.Context, c *Console, l *leading, desk *importing.Desk, file *importing.File, o importing.Options, out *imported) error {
	result, err := desk.Import(ctx, file, o, importing.Doer{By: c.by(), Actor: c.actor()}, c.steps(l.clk, "imported"))
	if err != nil {
		return err
	}
	out.Run, out.Resumed, out.Tally, out.Unread = result.Run.ID, result.Resumed, result.Run.Tally, result.Run.Unread
	say := l.Site.Speaker(phrase.English, nil)
	if cmd.Report != "" {
		return report(cmd.Report, say, func(see func(importing.Line) error) error { return importing.EachLine(ctx, l.db, result.Run.ID, see) })
	}
	if cmd.JSON {
		return nil
	}
	shown := 0
	return importing.EachLine(ctx, l.db, result.Run.ID, func(one importing.Line) error {
		if one.Outcome != importing.There.String() && shown < refusedShown {
			shown++
			c.say("%s", lineText(one, say))
		}
		return nil
	})
}

// report writes a report into a new file that its owner alone reads; one that is
// there is written over.
func report(name string, say page.Speaker, each func(see func(importing.Line) error) error) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = page.Table(file, importing.Header(say), func(write func(cells ...string) error) error {
		return each(func(one importing.Line) error { return write(one.Cells(say)...) })
	})
	return errors.Join(err, file.Close())
}

// steps tells how far an import has come: on a line of a terminal, or a line for every
// twentieth of the file.
func (c *Console) steps(clk *clock.Clock, done string) importing.Tell {
	began, last := clk.Machine(), 0
	return func(t importing.Tally, read float64) {
		percent := int(read * 100)
		switch {
		case c.ErrTerminal:
			bar := strings.Repeat("█", percent/5) + strings.Repeat("░", 20-percent/5)
			rate := float64(t.Rows) / max(0.001, clk.Machine().Sub(began).Seconds())
			fmt.Fprintf(c.Err, "\r%s %3d %%  %s rows %s, %s a second ", bar, percent, phrase.Number(t.Rows), done, phrase.Number(int64(rate)))
		case percent/5 > last:
			last = percent / 5
			fmt.Fprintf(c.Err, "%d %%: %s rows %s\n", percent, phrase.Number(t.Rows), done)
		}
	}
}

// tell says what an import came to.
func (cmd accountImportCommand) tell(c *Console, out imported) {
	t := out.Tally
	if n := t.Refused + t.Differs; n > refusedShown && cmd.Report == "" {
		c.say("… and %s more; --report FILE names them all.", phrase.Number(n-refusedShown))
	}
	if out.Unread != "" {
		c.say("Not read of the file: %s.", out.Unread)
	}
	if out.Resumed {
		c.say("An earlier import of this file was broken off: it was gone on with.")
	}
	heading := "Imported"
	if cmd.DryRun {
		heading = "This would happen with"
	}
	c.say("%s %s: %s.", heading, cmd.File, rowsText(t.Rows))
	c.say("  %10s  added; new organizations: %s", phrase.Number(t.Added), phrase.Number(t.Organizations))
	c.say("  %10s  of them without a password: they get a starting guide now", phrase.Number(t.Guides))
	c.say("  %10s  of them asked for MailOTP, which is noted", phrase.Number(t.Requests))
	c.say("  %10s  of them with a later own end", phrase.Number(t.Extended))
	c.say("  %10s  already there", phrase.Number(t.There))
	c.say("  %10s  there, and different in the file: not changed", phrase.Number(t.Differs))
	c.say("  %10s  refused", phrase.Number(t.Refused))
	switch {
	case cmd.DryRun:
		c.say("Nothing was saved. Without --dry-run it is.")
	case t.Added == 0:
		c.say("Nothing changed: nobody in the file is new.")
	}
	if cmd.Report != "" {
		c.say("Each row that was not added, with its reason: %s", cmd.Report)
	}
}

func rowsText(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return phrase.Number(n) + " rows"
}
