package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"nidan/internal/figure"
)

type benchCommand struct {
	Name     string `arg:"" optional:"" help:"signin, code, gate, stall, overload, start, alike, reminders, mail, progress, import, people, tickets or backup; all: every one, and a table of them, as without a name."`
	Database string `placeholder:"URL" help:"A PostgreSQL database to measure on, in schemas that begin with bench_: postgres://…; temporary SQLite files without it."`
	Pairs    int    `default:"2000" help:"Pairs of attempts that alike compares."`
	Long     bool   `help:"Send 100,000 letters in mail, not 20,000."`
	Accounts int    `default:"1000000" help:"Accounts of progress (each tenth not enrolled), import, people and backup."`
	Tickets  int    `default:"1000000" help:"Tickets that tickets is measured with."`
	Profile  string `type:"path" placeholder:"FILE" help:"Write there where the portal's own process spends its time, for go tool pprof."`
	JSON     bool   `help:"Print JSON, for programs."`
}

// Help says more than one line.
func (benchCommand) Help() string {
	return `Takes the project's own figures. Each stands beside the limit it is held against, measured in the same run; it ends with 1 if one is missed. ` +
		`A busy machine gives worse figures: run it on a quiet one.

	signin   a full sign-in: CPU outside its one hash, and its rate against a bare hash loop
	code     one durable one-time code, by one client and by 200 at once
	gate     a request behind the gate against an empty handler: remembered, asked of the database, and while 64 clients sign in
	stall    a signed-in page while eight people sign in at once
	overload ten times the sign-ins that the cores can hash, as when a window lifts
	start    from the program's start to its first answers; its memory
	alike    doors at which nobody may be told apart: whoever is there against nobody
	mail     a mailing against the mail library alone; a code's wait meanwhile
	progress the pages of a rollout's progress and its dry run, over a million accounts
	import   the import of a million people against a bare bulk insert; its memory
	people   sign-in and search among a million accounts against ten thousand
	tickets  lists, queue and search over a million tickets
	backup   backup and restore of a portal of a million people against a raw copy; their memory
	all      every one, and at the end one table in Markdown with the machine named

Example:

	nidan bench gate`
}

// Run measures.
func (cmd benchCommand) Run(ctx context.Context, c *Console) error {
	if cmd.Name == "load" { // the load process of a bench: an order on stdin, a report on stdout
		return figure.Load(os.Stdin, c.Out)
	}
	ended, err := cmd.profile()
	if err != nil {
		return err
	}
	defer ended()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	names := []string{cmd.Name}
	all := cmd.Name == "" || cmd.Name == "all"
	if all {
		names = figure.Names
	}
	var taken []figure.Figure
	run := figure.Run{Out: c.Err, Program: program, Database: cmd.Database, Pairs: cmd.Pairs, Long: cmd.Long, Accounts: cmd.Accounts, Tickets: cmd.Tickets}
	missed := false
	for _, name := range names {
		figures, err := run.Do(ctx, name)
		if err != nil {
			return fmt.Errorf("bench %s: %w", name, err)
		}
		for _, f := range figures {
			missed = missed || !f.Holds
			if err := cmd.print(c, f); err != nil {
				return err
			}
		}
		taken = append(taken, figures...)
	}
	if all && !cmd.JSON {
		if _, err := fmt.Fprint(c.Out, "\n", figure.Table(taken, figure.Machine(), cmd.Database != "")); err != nil {
			return err
		}
	}
	if missed {
		return errors.New("a limit was missed")
	}
	return nil
}

// profile begins to note where time goes, if that is wanted.
func (cmd benchCommand) profile() (ended func(), err error) {
	if cmd.Profile == "" {
		return func() {}, nil
	}
	file, err := os.Create(cmd.Profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }, nil // a profile cut off is refused by its reader
}

func (cmd benchCommand) print(c *Console, f figure.Figure) error {
	if cmd.JSON {
		return json.NewEncoder(c.Out).Encode(f)
	}
	judged := ""
	if f.Limit != "" {
		judged = "  " + f.Limit + ": missed"
		if f.Holds {
			judged = "  " + f.Limit + ": holds"
		}
	}
	_, err := fmt.Fprintf(c.Out, "%-8s %-60s %10.3f %-4s%s\n", f.Bench, f.Name, f.Value, f.Unit, judged)
	return err
}
