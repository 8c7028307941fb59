package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/web"
)

// leading is a portal opened for what is done to its rollouts.
type leading struct {
	*portal
	rollout.Deed
	book *phrase.Book
}

func lead(ctx context.Context, c *Console, settings Settings) (*leading, error) {
	cfg, err := settings.load(c)
	if err != nil {
		return nil, err
	}
	book, err := phrase.NewBook(web.Words()...)
	if err != nil {
		return nil, err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: cfg.Name, House: cfg.HouseZone,
		Contact: cfg.Contact, Now: p.clk.Now})
	if err != nil {
		p.close()
		return nil, err
	}
	return &leading{p, rollout.Deed{Keys: p.keys, Site: site, By: c.by(), Name: c.User, Actor: c.actor()}, book}, nil
}

// say is what a refusal says to whoever is at the console, each on a line.
func (l *leading) refused(err error) error {
	var wrong rollout.Refusals
	var lines []string
	switch f := fault.Of(err); {
	case errors.As(err, &wrong):
		for _, one := range wrong {
			lines = append(lines, l.book.Say(phrase.English, one.Phrase))
		}
	case f != nil:
		lines = append(lines, l.book.Say(phrase.English, f.Phrase, f.Args...))
	default:
		return err
	}
	return errors.New(strings.Join(lines, "\n"))
}

// when reads an instant as typed at the console: RFC 3339, or a time in a zone.
func when(flag, typed string, zone *time.Location) (time.Time, error) {
	found, ok := phrase.ReadTime(typed, zone)
	switch {
	case !ok:
		return time.Time{}, fmt.Errorf("%s: %q is no date and time; write it such as 2018-03-03T15:00:00Z or \"2018-03-04 00:00\"", flag, typed)
	case len(found.Instants) == 0:
		return time.Time{}, fmt.Errorf("%s: clocks are put forward there, and %q does not exist in %s; write %s or %s", flag, typed, zone,
			found.Before.Format(time.RFC3339), found.After.Format(time.RFC3339))
	case len(found.Instants) > 1:
		return time.Time{}, fmt.Errorf("%s: clocks are put back there, and %q comes twice in %s; write %s or %s", flag, typed, zone,
			found.Instants[0].Format(time.RFC3339), found.Instants[len(found.Instants)-1].Format(time.RFC3339))
	}
	return found.Instants[0], nil
}

// find is a rollout by its id, or the one that the whole portal lives by now.
func (l *leading) find(ctx context.Context, id string) (rollout.Titled, []rollout.Version, error) {
	if id == "" {
		book, err := rollout.ReadBook(ctx, l.db)
		if err != nil {
			return rollout.Titled{}, nil, err
		}
		plan, ok := book.In("", l.clk.Now())
		if !ok {
			return rollout.Titled{}, nil, errors.New("no rollout of the whole portal is planned; name one by its id")
		}
		id = plan.ID
	}
	plan, versions, err := rollout.History(ctx, l.db, id)
	if errors.Is(err, store.ErrNone) {
		err = fmt.Errorf("there is no rollout %s", id)
	}
	return plan, versions, err
}

// plannedRollout is a rollout, for programs.
type plannedRollout struct {
	ID           string     `json:"id"`
	Organization string     `json:"organization,omitempty"`
	Opens        time.Time  `json:"opens"`
	Ends         time.Time  `json:"ends"`
	Zone         string     `json:"zone"`
	Reminders    string     `json:"reminders"`
	Version      int64      `json:"version"`
	Phase        string     `json:"phase"`
	Withdrawn    *time.Time `json:"withdrawn,omitempty"`
}

func (l *leading) planned(p rollout.Titled) plannedRollout {
	out := plannedRollout{p.ID, p.Scope, p.Opens, p.Ends, p.Location(l.HouseZone).String(), string(p.Reminders), p.Version, string(p.At(l.clk.Now())), nil}
	if !p.Withdrawn.IsZero() {
		out.Withdrawn = &p.Withdrawn
	}
	return out
}

func (l *leading) show(c *Console, p rollout.Titled) {
	zones := phrase.Zones{House: p.Location(l.HouseZone)}
	scope := p.Scope
	if scope == "" {
		scope = "the whole portal"
	}
	c.say("Rollout %s, for %s: %s", p.ID, scope, l.book.Say(phrase.English, "rollout.phase_"+string(p.At(l.clk.Now()))))
	c.say("  opens      %s", zones.Moment(phrase.English, p.Opens))
	c.say("  ends       %s", zones.End(phrase.English, p.Ends))
	c.say("  reminders  %s", p.Reminders)
}

type rolloutShowCommand struct {
	Settings
	Asked
}

// Help says more than one line.
func (rolloutShowCommand) Help() string {
	return `Shows every rollout that was ever planned, with its period.

Example:

	nidan rollout show --json`
}

// Run shows.
func (cmd rolloutShowCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	plans, err := rollout.Named(ctx, l.db)
	if err != nil {
		return err
	}
	if cmd.JSON {
		list := []plannedRollout{}
		for _, p := range plans {
			list = append(list, l.planned(p))
		}
		return c.print(list)
	}
	for _, p := range plans {
		l.show(c, p)
	}
	if len(plans) == 0 {
		c.say("No rollout is planned: everybody signs in with two steps.")
	}
	return nil
}

type rolloutExtendCommand struct {
	Settings
	Asked
	Rollout      string   `placeholder:"ID" help:"The rollout; by default the whole portal's."`
	Until        string   `required:"" placeholder:"TIME" help:"The new own end: RFC 3339, or a time in the rollout's zone."`
	Reason       string   `required:"" placeholder:"TEXT" help:"Why; the record keeps it."`
	Organization string   `placeholder:"NAME" help:"Extend a whole organization instead of people."`
	People       []string `arg:"" optional:"" placeholder:"ADDRESS" help:"Mail addresses of those to extend."`
}

// Help says more than one line.
func (rolloutExtendCommand) Help() string {
	return `Gives people, or a whole organization, a later own end: at most 90 days after the rollout's end, and only before their own end has passed. Whoever cannot be extended is left out and listed with the reason; then the command ends with 1. They are told by mail, and the record keeps who did it and why.

Example:

	nidan rollout extend --until '2018-06-30 24:00' --reason 'abroad until June' jiro@example.com`
}

// Validate asks for people or an organization, and not for both.
func (cmd rolloutExtendCommand) Validate() error {
	if (len(cmd.People) == 0) == (cmd.Organization == "") {
		return errors.New("name mail addresses, or an organization with --organization")
	}
	if strings.TrimSpace(cmd.Reason) == "" {
		return errors.New("--reason must not be empty")
	}
	return nil
}

// extendedPerson is what became of one address, for programs.
type extendedPerson struct {
	Email string `json:"email,omitempty"`
	Name  string `json:"name,omitempty"`
	Until string `json:"until,omitempty"`
	Why   string `json:"left_out,omitempty"`
}

// Run extends.
func (cmd rolloutExtendCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	plan, _, err := l.find(ctx, cmd.Rollout)
	if err != nil {
		return err
	}
	until, err := when("--until", cmd.Until, plan.Location(l.HouseZone))
	if err != nil {
		return err
	}
	if cmd.Organization != "" {
		err := l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := l.ExtendAll(ctx, tx, plan.ID, cmd.Organization, until, cmd.Reason)
			return err
		})
		if err != nil {
			return l.refused(err)
		}
		return cmd.tell(c, l, until, []extendedPerson{{Name: cmd.Organization, Until: until.Format(time.RFC3339)}})
	}
	var list []extendedPerson
	for _, email := range cmd.People {
		one := extendedPerson{Email: email}
		err := l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			o, err := l.Extend(ctx, tx, plan.ID, account.Key(email), until, cmd.Reason)
			one.Name, one.Until = o.Name, until.Format(time.RFC3339)
			return err
		})
		if f := fault.Of(err); f != nil {
			one = extendedPerson{Email: email, Why: l.book.Say(phrase.English, f.Phrase, f.Args...)}
		} else if err != nil {
			return err
		}
		list = append(list, one)
	}
	return cmd.tell(c, l, until, list)
}

func (cmd rolloutExtendCommand) tell(c *Console, l *leading, until time.Time, list []extendedPerson) error {
	left := 0
	for _, one := range list {
		if one.Why != "" {
			left++
		}
	}
	if cmd.JSON {
		if err := c.print(list); err != nil {
			return err
		}
	} else {
		for _, one := range list {
			if one.Why != "" {
				c.say("%s: left out. %s", one.Email, one.Why)
				continue
			}
			c.say("%s: own end %s", strings.TrimSpace(one.Name+" "+one.Email), phrase.Zones{House: l.HouseZone}.End(phrase.English, until))
		}
	}
	if left > 0 {
		return fmt.Errorf("%d of %d were left out", left, len(list))
	}
	return nil
}
