package cli

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/phrase"
	"nidan/internal/rehearsal"
)

type rolloutRehearseCommand struct {
	Settings
	Asked
	Rollout string `placeholder:"ID" help:"The rollout; by default the whole portal's."`
}

// Help says more than one line.
func (rolloutRehearseCommand) Help() string {
	return `Plays a rollout to its end: on a copy of the data, with a clock that is moved from instant to instant. It counts the reminders and asks, at each instant and about everybody, the rule that decides at the door; nobody is written to, and nothing in the database changes. The copy is a private temporary file without passwords and secrets, removed afterwards; TMPDIR says where. The command ends with 1 if forecast and rule disagree.

Example:

	nidan rollout rehearse --json`
}

// rehearsed is a rehearsal, for programs.
type rehearsed struct {
	rehearsal.Report
	Outcome foreseen `json:"outcome"`
}

// Run rehearses.
func (cmd rolloutRehearseCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	plan, _, err := l.find(ctx, cmd.Rollout)
	if err != nil {
		return err
	}
	report, err := rehearsal.Play(ctx, l.db, rehearsal.Stage{Site: l.Site, PerSecond: l.MailPace, Tell: telling(ctx, c)}, plan.ID, l.clk.Now())
	c.endProgress()
	if err != nil {
		return l.refused(err)
	}
	if cmd.JSON {
		err = c.print(rehearsed{report, newForeseen(report.Outcome)})
	} else {
		cmd.tell(c, l, report)
	}
	if err == nil && report.Disagree > 0 {
		err = fmt.Errorf("the forecast and the rule disagree about %s people", phrase.Number(int64(report.Disagree)))
	}
	return err
}

// telling writes the progress on a line of a terminal, and ends when ctx does.
func telling(ctx context.Context, c *Console) func(rehearsal.Step, int64) error {
	return func(step rehearsal.Step, done int64) error {
		if c.ErrTerminal {
			fmt.Fprintf(c.Err, "\r%s, %3d %% done", step, done*100/rehearsal.Whole)
		}
		return ctx.Err()
	}
}

func (cmd rolloutRehearseCommand) tell(c *Console, l *leading, r rehearsal.Report) {
	say := l.Site.Speaker(phrase.English, nil)
	c.say("Rehearsed with %s accounts in %s.", phrase.Number(int64(r.Accounts)), r.Took.Round(100*time.Millisecond))
	if len(r.Findings) == 0 {
		c.say("%s", say.T("rehearsal.findings_none"))
	}
	for _, f := range r.Findings {
		grave := ""
		if f.Grave > rehearsal.Note {
			grave = say.T(fmt.Sprintf("rehearsal.grave_%d", f.Grave)) + " "
		}
		c.say("- %s%s", grave, f.Said(say))
	}
	if r.Disagree == 0 {
		c.say("%s", say.T("rehearsal.agree"))
	}
	for _, at := range r.Instants {
		c.say("")
		for _, m := range at.Marks {
			c.say("%s", m.Said(say))
		}
		d := at.Doors
		c.say("  %s", say.Moment(at.At))
		c.say("  password alone %s, set-up first %s, code of an app %s, mailed code %s, must reset %s, refused %s, closed by a window %s; letters %s",
			number(d.OneStep), number(d.Setup), number(d.App), number(d.Mail), number(d.Reset), number(d.Shut()), number(d.Closed), number(at.Letters))
	}
	c.say("")
	l.tell(c, r.Outcome)
}

func number(n int) string { return phrase.Number(int64(n)) }
