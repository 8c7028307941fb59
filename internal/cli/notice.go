package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/notice"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/web"
)

type noticePublishCommand struct {
	Settings
	Asked
	English      string `required:"" name:"en" placeholder:"FILE" help:"The notice in English: a file whose first line is its title, then Markdown."`
	Japanese     string `required:"" name:"ja" placeholder:"FILE" help:"The same in Japanese."`
	Organization string `placeholder:"NAME" help:"Only for this organization."`
	Authority    string `enum:",portal_admin,general_user" default:"" help:"Only for portal_admin or general_user."`
	From         string `placeholder:"TIME" help:"Shows from then on: RFC 3339, or a time in the house zone. Without it: at once."`
	Until        string `placeholder:"TIME" help:"Shows until then. Without it: until it is withdrawn."`
	AtSignin     bool   `help:"Also on the sign-in page, for whoever opens it."`
	ByMail       bool   `help:"Also by mail, to everybody it is for, once it shows."`
}

// Help says more than one line.
func (noticePublishCommand) Help() string {
	return `Publishes a notice: words to everybody, to one organization or to one authority, in both languages. It stands on the dashboard from the next request on, and the record keeps who published it.

Example:

	nidan notice publish --en hours.en.md --ja hours.ja.md --authority portal_admin --until '2018-04-01 00:00'`
}

// publishedNotice is a notice, for programs.
type publishedNotice struct {
	ID        string     `json:"id"`
	From      time.Time  `json:"from"`
	Until     *time.Time `json:"until,omitempty"`
	Title     string     `json:"title"`
	Published time.Time  `json:"published"`
}

// Run publishes.
func (cmd noticePublishCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	n, err := cmd.notice(ctx, p)
	if err != nil {
		return err
	}
	deed := notice.Deed{Keys: p.keys, By: c.by(), Actor: c.actor(), Changed: maintenance.Changed}
	err = p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = deed.Publish(ctx, tx, n)
		return err
	})
	if err != nil {
		return saidInEnglish(err)
	}
	if cmd.JSON {
		out := publishedNotice{ID: n.ID, From: n.From, Title: n.English.Title, Published: n.Published}
		if !n.Until.IsZero() {
			out.Until = &n.Until
		}
		return c.print(out)
	}
	zones := phrase.Zones{House: p.HouseZone}
	c.say("Notice %s: %s", n.ID, n.English.Title)
	c.say("  shows from  %s", zones.Moment(phrase.English, n.From))
	if !n.Until.IsZero() {
		c.say("  until       %s", zones.End(phrase.English, n.Until))
	}
	return nil
}

// notice is what the command line describes; all that is wrong with it is told at once.
func (cmd noticePublishCommand) notice(ctx context.Context, p *portal) (n notice.Notice, err error) {
	n = notice.Notice{AtSignin: cmd.AtSignin, ByMail: cmd.ByMail, From: p.clk.Now()}
	n.Audience.Authority = account.Authority(cmd.Authority)
	var faults [4]error
	n.English, faults[0] = readText("--en", cmd.English)
	n.Japanese, faults[1] = readText("--ja", cmd.Japanese)
	if cmd.From != "" {
		n.From, faults[2] = when("--from", cmd.From, p.HouseZone)
	}
	if cmd.Until != "" {
		n.Until, faults[3] = when("--until", cmd.Until, p.HouseZone)
	}
	if err := errors.Join(faults[:]...); err != nil {
		return notice.Notice{}, err
	}
	if cmd.Organization != "" {
		o, err := organization.ByName(ctx, p.db, cmd.Organization)
		if errors.Is(err, store.ErrNone) {
			return notice.Notice{}, fmt.Errorf("--organization: there is none called %q", cmd.Organization)
		}
		if err != nil {
			return notice.Notice{}, err
		}
		n.Organization = o.ID
	}
	return n, nil
}

// readText reads a notice from a file: its first line is the title, with or without
// the sign of a heading.
func readText(flag, file string) (notice.Text, error) {
	whole, err := os.ReadFile(file)
	if err != nil {
		return notice.Text{}, fmt.Errorf("%s: %w", flag, err)
	}
	title, body, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(whole), "\uFFFD")), "\n")
	text := notice.Text{Title: strings.TrimSpace(strings.TrimLeft(title, "# ")), Body: strings.TrimSpace(body)}
	if text.Title == "" || text.Body == "" {
		return notice.Text{}, fmt.Errorf("%s: %s needs a title in its first line and a text below it", flag, file)
	}
	return text, nil
}

// saidInEnglish is a refusal of a notice as the console says it, each on a line.
func saidInEnglish(err error) error {
	var wrong notice.Refusals
	if !errors.As(err, &wrong) {
		return err
	}
	book, errBook := phrase.NewBook(web.Words()...)
	if errBook != nil {
		return errBook
	}
	var lines []string
	for _, one := range wrong {
		lines = append(lines, book.Say(phrase.English, one.Phrase))
	}
	return errors.New(strings.Join(lines, "\n"))
}
