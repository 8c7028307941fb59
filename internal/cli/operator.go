package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/operator"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/web"
)

type operatorAddCommand struct {
	Settings
	Asked
	Email    string `required:"" placeholder:"ADDRESS" help:"Mail address to sign in with; nobody else of the portal may have it."`
	Name     string `required:"" placeholder:"NAME" help:"Name, as colleagues know it."`
	Language string `enum:"en,ja" default:"en" help:"Language of mails: en or ja."`
}

// Help says more than one line.
func (operatorAddCommand) Help() string {
	return `Makes somebody an operator. The one-time link for the set-up (password, then authenticator app) is valid for an hour; it is shown on a terminal, or written to a file beside the key file. The other operators are told by mail, and the record keeps who did it.

Example:

	nidan operator add --email mika@example.com --name 'Mika Tachibana' --language ja`
}

// Validate refuses an address that nobody can be written to at.
func (cmd operatorAddCommand) Validate() error {
	if account.Key(cmd.Email) == "" || mail.Addressable(account.Written(cmd.Email)) != nil {
		return errors.New("--email must be one mail address, such as mika@example.com")
	}
	if strings.TrimSpace(cmd.Name) == "" {
		return errors.New("--name must not be empty")
	}
	return nil
}

// Run adds an operator.
func (cmd operatorAddCommand) Run(ctx context.Context, c *Console) error {
	s, err := newStaff(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer s.close()
	language, _ := phrase.Parse(cmd.Language)
	who := operator.Operator{Email: cmd.Email, Name: strings.TrimSpace(cmd.Name), Language: language, Zone: s.HouseZone.String()}
	made, err := s.give(ctx, c, linkFile(cmd.Email), func(ctx context.Context, tx *store.Tx) (account.Ref, pass.Given, error) {
		added, err := operator.Add(ctx, tx, who, c.by())
		if err != nil {
			return account.Ref{}, pass.Given{}, err
		}
		return added.Ref(), pass.Given{By: c.by(), Why: "operator added"}, s.record(ctx, tx, c, operator.Added, added)
	})
	if errors.Is(err, store.ErrTaken) {
		return fmt.Errorf("somebody signs in with %s already; for a new link: nidan operator reset", cmd.Email)
	}
	if err != nil {
		return err
	}
	return s.tell(c, cmd.Asked, cmd.Email, made)
}

type operatorResetCommand struct {
	Settings
	Asked
	Email string `arg:"" placeholder:"EMAIL" help:"The operator's mail address."`
}

// Help says more than one line.
func (operatorResetCommand) Help() string {
	return `For an operator who lost the phone or the password, or was stopped after wrong codes: both are made void, all sessions end, and a new one-time link is given, as by nidan operator add. The other operators are told by mail, and the record keeps who did it.

Example:

	nidan operator reset mika@example.com`
}

// Run resets an operator.
func (cmd operatorResetCommand) Run(ctx context.Context, c *Console) error {
	s, err := newStaff(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer s.close()
	made, err := s.give(ctx, c, linkFile(cmd.Email), func(ctx context.Context, tx *store.Tx) (account.Ref, pass.Given, error) {
		who, err := operator.Find(ctx, tx, account.Key(cmd.Email))
		if err == nil && !who.Removed.IsZero() {
			err = store.ErrNone
		}
		if err == nil {
			err = s.void(ctx, tx, who.Ref())
		}
		if err == nil {
			err = s.record(ctx, tx, c, operator.Reset, who)
		}
		return who.Ref(), pass.Given{By: c.by(), Why: "operator reset"}, err
	})
	if errors.Is(err, store.ErrNone) {
		return fmt.Errorf("no operator signs in with %s", cmd.Email)
	}
	if err != nil {
		return err
	}
	return s.tell(c, cmd.Asked, cmd.Email, made)
}

// staff is a portal opened for what is done to its operators.
type staff struct {
	*portal
	book *phrase.Book
}

func newStaff(ctx context.Context, c *Console, settings Settings) (*staff, error) {
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
	return &staff{p, book}, nil
}

// void ends everything an operator could sign in with, and every session.
func (s *staff) void(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	if err := password.Revoke(ctx, tx, ref); err != nil {
		return err
	}
	if err := totp.Remove(ctx, tx, ref); err != nil {
		return err
	}
	_, err := session.EndAll(ctx, tx, ref, "", "operator reset")
	return err
}

// record writes the deed down and tells the other operators, both with the deed.
func (s *staff) record(ctx context.Context, tx *store.Tx, c *Console, what operator.What, who operator.Operator) error {
	err := audit.Record(ctx, tx, s.keys, audit.Entry{Chain: audit.Operators, Act: "portal:operator:" + string(what), Actor: c.actor(),
		Subject: who.ID, Detail: map[string]string{"address": who.Email, "name": who.Name}})
	if err != nil {
		return err
	}
	return operator.Tell(ctx, tx, s.keys, s.book, operator.News{What: what, About: who, By: c.User, Portal: s.Name, House: s.HouseZone})
}

// linkFile is the file of an operator's link: one for each address, whatever
// characters that has.
func linkFile(email string) string { return "operator-" + url.PathEscape(account.Key(email)) + ".link" }

func (s *staff) tell(c *Console, asked Asked, email string, made link) error {
	switch {
	case asked.JSON:
		return c.print(struct {
			Email string `json:"email"`
			link
		}{email, made})
	case made.File != "":
		c.say("The one-time link for %s is in %s, until %s.", email, made.File, s.moment(made.Expires))
	default:
		c.say("One-time link for %s, until %s; hand it over in person:\n\n    %s\n", email, s.moment(made.Expires), made.URL)
	}
	return nil
}
