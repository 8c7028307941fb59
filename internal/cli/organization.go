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
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/registry"
	"nidan/internal/store"
	"nidan/internal/web"
)

// registering is a portal opened for what is done to its organizations.
type registering struct {
	*portal
	registry.Deed
	book *phrase.Book
}

func register(ctx context.Context, c *Console, settings Settings) (*registering, error) {
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
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: cfg.Name, House: cfg.HouseZone, Now: p.clk.Now})
	if err != nil {
		p.close()
		return nil, err
	}
	desk := &pass.Desk{Keys: p.keys, Site: site, BaseURL: strings.TrimSuffix(cfg.BaseURL.String(), "/")}
	from := pass.Sender{ID: c.by(), Name: c.User, As: pass.ByOperator, Actor: c.actor()}
	return &registering{p, registry.Deed{Desk: desk, From: from}, book}, nil
}

// refused is what a refusal says to whoever is at the console, each on a line.
func (r *registering) refused(err error) error {
	var wrong registry.Refusals
	if !errors.As(err, &wrong) {
		f := fault.Of(err)
		if f == nil {
			return err
		}
		wrong = registry.Refusals{f}
	}
	var lines []string
	for _, one := range wrong {
		lines = append(lines, r.book.Say(phrase.English, one.Phrase, one.Args...))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// named finds an organization by its id or its name, however it is typed.
func (r *registering) named(ctx context.Context, in store.Reader, text string) (organization.Organization, error) {
	o, err := organization.Find(ctx, in, text)
	if errors.Is(err, store.ErrNone) {
		o, err = organization.ByName(ctx, in, text)
	}
	if errors.Is(err, store.ErrNone) {
		err = fmt.Errorf("there is no organization %s", text)
	}
	return o, err
}

// listedOrganization is an organization, for programs.
type listedOrganization struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Added     time.Time  `json:"added"`
	Suspended *time.Time `json:"suspended,omitempty"`
	Accounts  int64      `json:"accounts"`
	Enrolled  int64      `json:"enrolled"`
	Admins    int        `json:"portal_admins"`
	Able      int        `json:"able_portal_admins"`
}

func listed(l registry.Listed) listedOrganization {
	out := listedOrganization{ID: l.ID, Name: l.Name, Added: l.Created, Accounts: l.Figures.Accounts, Enrolled: l.Figures.Enrolled(),
		Admins: l.Admins, Able: l.Able}
	if !l.Stands() {
		out.Suspended = &l.Suspended
	}
	return out
}

type organizationAddCommand struct {
	Settings
	Asked
	Name     string `arg:"" placeholder:"NAME" help:"The organization's name; no other may have it."`
	Admin    string `required:"" placeholder:"NAME" help:"Name of its first Portal Admin, as the person writes it."`
	Email    string `required:"" placeholder:"ADDRESS" help:"The Portal Admin's mail address; nobody else of the portal may have it."`
	Phone    string `required:"" placeholder:"NUMBER" help:"The Portal Admin's phone number, asked for at the identity check."`
	Language string `enum:"en,ja" default:"en" help:"Language of mails: en or ja."`
	TimeZone string `placeholder:"ZONE" help:"The Portal Admin's time zone, such as Asia/Tokyo; the house zone if it lacks."`
	JobTitle string `placeholder:"TEXT" help:"The Portal Admin's job title."`
	Mobile   string `placeholder:"NUMBER" help:"The Portal Admin's mobile number."`
}

// Help says more than one line.
func (organizationAddCommand) Help() string {
	return `Adds an organization with its first Portal Admin, who is mailed a starting guide: a link that works for 72 hours. The record keeps who did it.

Example:

	nidan organization add 'Aozora Trading' --admin 'Hanako Sato' --email hanako@aozora.example --phone 03-1234-5678 --language ja`
}

// Run adds an organization.
func (cmd organizationAddCommand) Run(ctx context.Context, c *Console) error {
	r, err := register(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer r.close()
	zone := cmd.TimeZone
	if zone == "" {
		zone = r.HouseZone.String()
	}
	name := registry.Written(cmd.Name)
	language, _ := phrase.Parse(cmd.Language)
	first := account.Account{Name: registry.Written(cmd.Admin), Email: cmd.Email, Phone: cmd.Phone, Language: language, Zone: zone,
		JobTitle: cmd.JobTitle, Mobile: cmd.Mobile}
	wrong := registry.PersonFaults(first)
	if f := registry.NameFault(name); f != nil {
		wrong = append(registry.Refusals{f}, wrong...)
	}
	if len(wrong) > 0 {
		return r.refused(wrong)
	}
	var o organization.Organization
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		o, first, err = r.Add(ctx, tx, name, first)
		return err
	})
	if err != nil {
		return r.refused(err)
	}
	if cmd.JSON {
		return c.print(struct {
			ID    string `json:"id"`
			Name  string `json:"name"`
			Admin string `json:"portal_admin"` // id
			Email string `json:"email"`
		}{o.ID, o.Name, first.ID, first.Email})
	}
	c.say("Added %s (%s). A starting guide is mailed to %s.", o.Name, o.ID, account.Written(cmd.Email))
	return nil
}

type organizationListCommand struct {
	Settings
	Asked
	Suspended bool `xor:"show" help:"Only those that are suspended."`
	Unled     bool `xor:"show" help:"Only those in which no Portal Admin is able."`
}

// Help says more than one line.
func (organizationListCommand) Help() string {
	return `Shows the organizations by name: how many accounts each has, how many of them have set up 2-step verification, and how many of its Portal Admins are able to act.

Example:

	nidan organization list --unled --json`
}

// Run lists.
func (cmd organizationListCommand) Run(ctx context.Context, c *Console) error {
	r, err := register(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer r.close()
	search := registry.Search{}
	switch {
	case cmd.Suspended:
		search.Show = registry.ShowSuspended
	case cmd.Unled:
		search.Show = registry.ShowUnled
	}
	if _, err := progress.Fold(ctx, r.db); err != nil { // a portal that is served has done so
		return err
	}
	const many = 500
	all := []listedOrganization{}
	for {
		some, err := registry.List(ctx, r.db, search, many)
		if err != nil {
			return err
		}
		for _, l := range some {
			all = append(all, listed(l))
		}
		if len(some) < many {
			break
		}
		search.After = some[many-1].ID
	}
	if cmd.JSON {
		return c.print(all)
	}
	if len(all) == 0 {
		c.say("There is no such organization.")
		return nil
	}
	for _, l := range all {
		state := "active"
		if l.Suspended != nil {
			state = "suspended"
		}
		c.say("%s: %s", l.Name, state)
		c.say("  accounts             %d, %d of them set up", l.Accounts, l.Enrolled)
		c.say("  able Portal Admins   %d of %d", l.Able, l.Admins)
		c.say("  id                   %s", l.ID)
	}
	return nil
}

type organizationSuspendCommand struct {
	Settings
	Asked
	Organization string `arg:"" placeholder:"NAME" help:"The organization's name or id."`
}

// Help says more than one line.
func (organizationSuspendCommand) Help() string {
	return `Closes an organization: nobody of it can sign in, whoever is signed in is signed out at the next request, and reminders that wait are dropped. Nothing is deleted. Its Portal Admins are told by mail, and the record keeps who did it.

Example:

	nidan organization suspend 'Aozora Trading'`
}

// Run suspends.
func (cmd organizationSuspendCommand) Run(ctx context.Context, c *Console) error {
	return standing(ctx, c, cmd.Settings, cmd.Asked, cmd.Organization, true)
}

type organizationReturnCommand struct {
	Settings
	Asked
	Organization string `arg:"" placeholder:"NAME" help:"The organization's name or id."`
}

// Help says more than one line.
func (organizationReturnCommand) Help() string {
	return `Opens a suspended organization again. Ends that have passed meanwhile stay passed. Its Portal Admins are told by mail, and the record keeps who did it.

Example:

	nidan organization return 'Aozora Trading'`
}

// Run opens it again.
func (cmd organizationReturnCommand) Run(ctx context.Context, c *Console) error {
	return standing(ctx, c, cmd.Settings, cmd.Asked, cmd.Organization, false)
}

// standing suspends an organization, or opens it again, once.
func standing(ctx context.Context, c *Console, settings Settings, asked Asked, text string, suspend bool) error {
	r, err := register(ctx, c, settings)
	if err != nil {
		return err
	}
	defer r.close()
	do, state, was := r.Return, "active again", "is not suspended"
	if suspend {
		do, state, was = r.Suspend, "suspended", "is suspended already"
	}
	var o organization.Organization
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if o, err = r.named(ctx, tx, text); err != nil {
			return err
		}
		err = do(ctx, tx, o)
		if errors.Is(err, store.ErrNone) {
			err = fmt.Errorf("%s %s: nothing was changed", o.Name, was)
		}
		return err
	})
	if err != nil {
		return r.refused(err)
	}
	if asked.JSON {
		return c.print(struct {
			ID        string `json:"id"`
			Name      string `json:"name"`
			Suspended bool   `json:"suspended"`
		}{o.ID, o.Name, suspend})
	}
	c.say("%s is %s. Its Portal Admins are told by mail.", o.Name, state)
	return nil
}
