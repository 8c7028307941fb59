package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

type rolloutPlanCommand struct {
	Settings
	Asked
	Opens        string `required:"" placeholder:"TIME" help:"When people can set up: RFC 3339, or a time in the zone."`
	Ends         string `required:"" placeholder:"TIME" help:"When 1-step sign-in ends; 24:00 is the end of a day."`
	Zone         string `placeholder:"ZONE" help:"The zone it is announced in, such as Asia/Tokyo; by default the portal's."`
	Organization string `placeholder:"NAME" help:"Plan it for one organization instead of the whole portal."`
	Reminders    string `default:"28,14,7,3,1" placeholder:"DAYS" help:"Days before the end on which people are reminded."`
	MessageEN    string `name:"message-en" placeholder:"TEXT" help:"Your own words in the announcement, in English."`
	MessageJA    string `name:"message-ja" placeholder:"TEXT" help:"Your own words in the announcement, in Japanese."`
	DryRun       bool   `help:"Only say what it would mean; save nothing."`
}

// Help says more than one line.
func (rolloutPlanCommand) Help() string {
	return `Plans the change from 1-step to 2-step sign-in, after saying whom its end would lock out if everybody stayed as they are now. The other operators are told by mail, and the record keeps who did it.

Example:

	nidan rollout plan --opens '2018-03-04 00:00' --ends '2018-04-24 24:00' --zone Asia/Tokyo --dry-run`
}

// Run plans.
func (cmd rolloutPlanCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	plan, err := cmd.read(ctx, l)
	if err != nil {
		return err
	}
	out, err := l.foresee(ctx, plan, plan.Ends)
	if err != nil {
		return err
	}
	if !cmd.DryRun {
		err := l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			plan, err = l.Plan(ctx, tx, plan)
			return err
		})
		if err != nil {
			return l.refused(err)
		}
	}
	if cmd.JSON {
		return c.print(struct {
			Rollout  plannedRollout `json:"rollout"`
			Saved    bool           `json:"saved"`
			Forecast foreseen       `json:"forecast"`
		}{l.planned(plan), !cmd.DryRun, newForeseen(out)})
	}
	if !cmd.DryRun {
		l.show(c, plan)
	}
	l.tell(c, out)
	return nil
}

func (cmd rolloutPlanCommand) read(ctx context.Context, l *leading) (rollout.Titled, error) {
	zone := l.HouseZone
	if cmd.Zone != "" {
		var ok bool
		if zone, ok = phrase.Zone(cmd.Zone); !ok {
			return rollout.Titled{}, fmt.Errorf("--zone: there is no time zone %q", cmd.Zone)
		}
	}
	opens, err1 := when("--opens", cmd.Opens, zone)
	ends, err2 := when("--ends", cmd.Ends, zone)
	series, ok := rollout.ParseSeries(cmd.Reminders)
	if err := errors.Join(err1, err2); err != nil {
		return rollout.Titled{}, err
	}
	if !ok {
		return rollout.Titled{}, errors.New("--reminders: " + l.book.Say(phrase.English, "rollout.reminders_shape"))
	}
	plan := rollout.Titled{Plan: rollout.Plan{Opens: opens, Ends: ends, Zone: zone.String(), Reminders: series,
		Message: rollout.Message{English: cmd.MessageEN, Japanese: cmd.MessageJA}}}
	if cmd.Organization == "" {
		return plan, nil
	}
	o, err := organization.ByName(ctx, l.db, cmd.Organization)
	if errors.Is(err, store.ErrNone) {
		return rollout.Titled{}, fmt.Errorf("--organization: there is none of the name %q", cmd.Organization)
	}
	plan.Organization, plan.Scope = o.ID, o.Name
	return plan, err
}

type rolloutChangeCommand struct {
	Settings
	Asked
	Rollout   string  `placeholder:"ID" help:"The rollout; by default the whole portal's."`
	Opens     string  `placeholder:"TIME" help:"The new opening."`
	Ends      string  `placeholder:"TIME" help:"The new end."`
	Reminders *string `placeholder:"DAYS" help:"Days before the end on which people are reminded."`
}

// Help says more than one line.
func (rolloutChangeCommand) Help() string {
	return `Moves the dates of a rollout. An instant that has passed is never moved. An earlier date binds everybody at once; those who have not set up are told of a new end by mail, and the announcement shows it.

Example:

	nidan rollout change --ends '2018-05-31 24:00'`
}

// Run changes.
func (cmd rolloutChangeCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	plan, _, err := l.find(ctx, cmd.Rollout)
	if err != nil {
		return err
	}
	zone := plan.Location(l.HouseZone)
	if cmd.Opens != "" {
		if plan.Opens, err = when("--opens", cmd.Opens, zone); err != nil {
			return err
		}
	}
	if cmd.Ends != "" {
		if plan.Ends, err = when("--ends", cmd.Ends, zone); err != nil {
			return err
		}
	}
	if cmd.Reminders != nil {
		series, ok := rollout.ParseSeries(*cmd.Reminders)
		if !ok {
			return errors.New("--reminders: " + l.book.Say(phrase.English, "rollout.reminders_shape"))
		}
		plan.Reminders = series
	}
	if err := l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return l.Change(ctx, tx, plan) }); err != nil {
		return l.refused(err)
	}
	return l.after(ctx, c, cmd.Asked, plan.ID)
}

type rolloutWithdrawCommand struct {
	Settings
	Asked
	Rollout string `arg:"" placeholder:"ID" help:"The rollout's id, as nidan rollout show names it."`
}

// Help says more than one line.
func (rolloutWithdrawCommand) Help() string {
	return `Takes a rollout back, which cannot be undone. An organization's own that has not opened gives way to the whole portal's; any other withdrawal ends 1-step sign-in for everybody it covered, at once and for ever. Look at "nidan rollout forecast" first.

Example:

	nidan rollout withdraw 0197f0a2-5c1d-7c3e-9a51-3f2b8c6d4e10`
}

// Run withdraws.
func (cmd rolloutWithdrawCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	plan, _, err := l.find(ctx, cmd.Rollout)
	if err != nil {
		return err
	}
	err = l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return l.Withdraw(ctx, tx, plan) })
	if errors.Is(err, store.ErrNone) {
		return errors.New(l.book.Say(phrase.English, "rollout.withdrawn_already"))
	}
	if err != nil {
		return l.refused(err)
	}
	return l.after(ctx, c, cmd.Asked, plan.ID)
}

// after shows a rollout as it stands after a deed.
func (l *leading) after(ctx context.Context, c *Console, asked Asked, id string) error {
	plan, _, err := l.find(ctx, id)
	if err != nil {
		return err
	}
	if asked.JSON {
		return c.print(l.planned(plan))
	}
	l.show(c, plan)
	return nil
}

type rolloutForecastCommand struct {
	Settings
	Asked
	Rollout string `placeholder:"ID" help:"The rollout; by default the whole portal's."`
	At      string `placeholder:"TIME" help:"If the end came then; by default the planned end."`
}

// Help says more than one line.
func (rolloutForecastCommand) Help() string {
	return `Says whom the end of a rollout would lock out if everybody stayed as they are now, which organizations would have no Portal Admin left who could sign in, and whom to write to first. It asks the rule that decides at the door.

Example:

	nidan rollout forecast --at '2018-04-01 24:00' --json`
}

// Run forecasts.
func (cmd rolloutForecastCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	plan, _, err := l.find(ctx, cmd.Rollout)
	if err != nil {
		return err
	}
	end := plan.Ends
	if cmd.At != "" {
		if end, err = when("--at", cmd.At, plan.Location(l.HouseZone)); err != nil {
			return err
		}
		if !end.After(plan.Opens) {
			return errors.New("--at: must be after the opening")
		}
	}
	out, err := l.foresee(ctx, plan, end)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return c.print(newForeseen(out))
	}
	l.tell(c, out)
	return nil
}

func (l *leading) foresee(ctx context.Context, plan rollout.Titled, end time.Time) (rollout.Outcome, error) {
	if _, err := progress.Fold(ctx, l.db); err != nil {
		return rollout.Outcome{}, err
	}
	book, err := rollout.ReadBook(ctx, l.db)
	if err != nil {
		return rollout.Outcome{}, err
	}
	return rollout.Foresee(ctx, l.db, rollout.NewDryRun(l.clk.Now(), book, plan.Plan, end), nil)
}

// foreseen is a dry run, for programs.
type foreseen struct {
	End           time.Time              `json:"end"`
	LockedOut     int                    `json:"locked_out"`
	PortalAdmins  int                    `json:"portal_admins_locked_out"`
	Unreachable   int                    `json:"locked_out_without_mail"`
	AskedByMail   int                    `json:"asked_by_mail"`
	Later         int                    `json:"later"`
	Already       int                    `json:"already"`
	Headless      int                    `json:"organizations_without_able_portal_admin"`
	Organizations []foreseenOrganization `json:"organizations"`
}

type foreseenOrganization struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	LockedOut    int    `json:"locked_out"`
	PortalAdmins int    `json:"portal_admins_locked_out"`
	Able         int    `json:"able_portal_admins"`
}

func newForeseen(o rollout.Outcome) foreseen {
	f := foreseen{o.At, o.People, o.Admins, o.Unreachable, o.ByMail, o.Later, o.Already, o.Headless, []foreseenOrganization{}}
	for _, s := range o.Struck {
		f.Organizations = append(f.Organizations, foreseenOrganization{s.Organization, s.Name, s.People, s.Own, s.Able})
	}
	return f
}

// listedOrganizations is how many organizations the console names.
const listedOrganizations = 20

func (l *leading) tell(c *Console, o rollout.Outcome) {
	c.say("%s", o.Sentence(l.Site.Speaker(phrase.English, nil), false))
	c.say("Asked for a mailed code: %d. Bound later: %d. Cannot sign in by 1 step even now: %d.", o.ByMail, o.Later, o.Already)
	for i, s := range o.Struck {
		if i == listedOrganizations {
			c.say("  … and %d more; --json names them all", len(o.Struck)-i)
			break
		}
		note := ""
		if s.Able == 0 {
			note = ", no Portal Admin could sign in"
		}
		c.say("  %s: %d, of them %d Portal Admins%s", s.Name, s.People, s.Own, note)
	}
}
