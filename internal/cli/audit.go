package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nidan/internal/audit"
	"nidan/internal/phrase"
	"nidan/internal/record"
)

type auditVerifyCommand struct {
	Settings
	Asked
}

// Help says more than one line.
func (auditVerifyCommand) Help() string {
	return `Walks every chain of the record and names the first broken row of each: one that was altered, removed, slipped in or moved, or a chain that was cut. It may run beside a serving portal. It ends with 1 if anything is broken.

Where the operators' chain stands is printed at the end: kept elsewhere, it also shows a cut in that chain.

Example:

	nidan audit verify --json`
}

// verified is what was found, for programs.
type verified struct {
	Intact bool        `json:"intact"`
	Rows   int64       `json:"rows"`
	Chains int         `json:"chains"`
	Broken []brokenRow `json:"broken"`
	Linked *time.Time  `json:"linked_at"` // when the heads of all chains were last written down
	Head   string      `json:"head"`
}

type brokenRow struct {
	Chain string    `json:"chain"`
	Row   int64     `json:"row"`
	Why   audit.Why `json:"why"`
}

// Run verifies.
func (cmd auditVerifyCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	report, err := audit.Verify(ctx, p.db, p.keys, c.progress("verified", "rows"))
	c.endProgress()
	if err != nil {
		return err
	}
	if err := cmd.tell(c, p, report); err != nil {
		return err
	}
	if n := len(report.Broken); n > 0 {
		return fmt.Errorf("the record was tampered with: %d of %d chains broken", n, max(n, report.Chains))
	}
	return nil
}

func (cmd auditVerifyCommand) tell(c *Console, p *portal, report audit.Report) error {
	found := verified{Intact: len(report.Broken) == 0, Rows: report.Rows, Chains: report.Chains, Broken: []brokenRow{}, Head: report.Head}
	if !report.LinkedAt.IsZero() {
		found.Linked = &report.LinkedAt
	}
	for _, b := range report.Broken {
		found.Broken = append(found.Broken, brokenRow{b.Chain, b.Seq, b.Why})
	}
	if cmd.JSON {
		return c.print(found)
	}
	for _, b := range report.Broken {
		c.say("broken: %s", b)
	}
	c.say("Rows read: %s, chains: %s.", phrase.Number(found.Rows), phrase.Number(int64(found.Chains)))
	if found.Linked != nil {
		c.say("The chains were last linked to the operators' chain at %s; what was cut off the end of one since then does not show.", p.moment(*found.Linked))
	}
	if found.Head != "" {
		c.say("The operators' chain stands at %s", found.Head)
	}
	return nil
}

// progress shows on a terminal how far long work is; elsewhere it is nil.
func (c *Console) progress(done, things string) func(n, of int64) {
	if !c.ErrTerminal {
		return nil
	}
	return func(n, of int64) {
		fmt.Fprintf(c.Err, "\r%s %s of %s %s", done, phrase.Number(n), phrase.Number(of), things)
	}
}

// endProgress removes the line of progress.
func (c *Console) endProgress() {
	if c.ErrTerminal {
		fmt.Fprintf(c.Err, "\r%s\r", strings.Repeat(" ", min(c.Width, plainWidth)-1))
	}
}

type auditExportCommand struct {
	Settings
	Format string `enum:"jsonl,cef,csv" default:"jsonl" help:"jsonl, cef (ArcSight's Common Event Format) or csv."`
	From   string `placeholder:"TIME" help:"Only rows from this instant on (RFC 3339)."`
	Until  string `placeholder:"TIME" help:"Only rows before this instant (RFC 3339)."`
	Chain  string `placeholder:"NAME" help:"Only rows of this organization, by name or id, or of the operators."`
	Act    string `placeholder:"ACT" help:"Only this act, such as account:method:changed, or acts of a noun, such as account."`
}

// Help says more than one line.
func (auditExportCommand) Help() string {
	return `Writes the record to stdout. As it is, every row is a JSON object a line, each chain from its oldest row on, which is what a chain can be checked by. With another format or with a choice of rows they come in the order of time.

In a table, a cell that a spreadsheet would calculate comes with an apostrophe before it. It may run beside a serving portal.

Example:

	nidan audit export | gzip > audit.jsonl.gz
	nidan audit export --format cef --from 2018-03-01T00:00:00Z --act account:password`
}

// Run exports.
func (cmd auditExportCommand) Run(ctx context.Context, c *Console) error {
	f, err := cmd.filter()
	if err != nil {
		return err
	}
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	out := bufio.NewWriter(c.Out)
	if cmd.Format == string(record.JSONLines) && cmd.From+cmd.Until+cmd.Chain+cmd.Act == "" {
		return errors.Join(audit.Export(ctx, p.db, out), out.Flush())
	}
	book, err := phrase.NewBook(record.Words)
	if err != nil {
		return err
	}
	f.Acts = record.Matching(record.Acts(book), cmd.Act)
	if f.Chain, err = record.Chain(ctx, p.db, cmd.Chain); err != nil {
		return fmt.Errorf("--chain: %w", err)
	}
	return errors.Join(record.Export(ctx, p.db, f, record.Format(cmd.Format), record.Say(book, phrase.English), out), out.Flush())
}

// filter reads the instants.
func (cmd auditExportCommand) filter() (f record.Filter, err error) {
	for _, one := range []struct {
		name, text string
		at         *time.Time
	}{{"--from", cmd.From, &f.From}, {"--until", cmd.Until, &f.Until}} {
		if one.text == "" {
			continue
		}
		if *one.at, err = time.Parse(time.RFC3339, one.text); err != nil {
			return f, fmt.Errorf("%s: %q is no instant such as 2018-03-01T00:00:00Z", one.name, one.text)
		}
	}
	return f, nil
}
