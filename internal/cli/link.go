package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/operator"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// link is an operator's one-time link, handed to whoever is at the console: shown
// on a terminal, or else in a file that only its owner can read. It never goes
// into a pipe or a log, which others read as well.
type link struct {
	URL     string    `json:"link,omitempty"`
	File    string    `json:"link_file,omitempty"`
	Expires time.Time `json:"expires"`
}

// firstLinkFile is the file of the first operator's link, beside the key file.
const firstLinkFile = "first-operator.link"

// deed is what a link belongs to; both are committed together. It answers for whom
// the link is.
type deed func(ctx context.Context, tx *store.Tx) (account.Ref, pass.Given, error)

// give does a deed and hands out the link that belongs to it. The file is made
// before, so that a folder that cannot be written to stops the deed and not the link.
func (p *portal) give(ctx context.Context, c *Console, name string, do deed) (link, error) {
	var file *os.File
	if !c.OutTerminal {
		var err error
		if file, err = os.CreateTemp(filepath.Dir(p.KeyFile), ".link-*"); err != nil { // mode 0600
			return link{}, fmt.Errorf("the one-time link has no place: %w", err)
		}
		defer os.Remove(file.Name()) // no longer there under this name once all went well
	}
	var token string
	var given pass.Pass
	var ref account.Ref
	err := p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var why pass.Given
		var err error
		if ref, why, err = do(ctx, tx); err != nil {
			return err
		}
		token, given, err = pass.Give(ctx, tx, ref, pass.Operator, why)
		return err
	})
	if err != nil {
		return link{}, err
	}
	made := link{URL: p.address("/operator/start/" + token), Expires: given.Expires}
	if file == nil {
		return made, nil
	}
	path, err := p.beside(name)
	if err == nil {
		err = put(file, made.URL, path)
	}
	if err != nil {
		return link{}, errors.Join(fmt.Errorf("the one-time link was not written: %w", err), p.withdraw(ctx, ref))
	}
	return link{File: path, Expires: made.Expires}, nil
}

func (p *portal) withdraw(ctx context.Context, ref account.Ref) error {
	return p.db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error { return pass.Withdraw(ctx, tx, ref) })
}

// beside is the path of a file in the key file's folder.
func (p *portal) beside(name string) (string, error) {
	return filepath.Abs(filepath.Join(filepath.Dir(p.KeyFile), name))
}

// put writes a link into a file and gives it its name, whatever had it before.
func put(file *os.File, url, path string) error {
	_, err := fmt.Fprintln(file, url)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// address is a page of the portal as people reach it.
func (p *portal) address(path string) string {
	return strings.TrimSuffix(p.BaseURL.String(), "/") + path
}

// moment is an instant for whoever is at the console.
func (p *portal) moment(t time.Time) string {
	return phrase.Zones{House: p.HouseZone}.Moment(phrase.English, t)
}

// errNeedless says that no link is needed.
var errNeedless = errors.New("no link is needed")

// needless answers errNeedless when an operator is enrolled, or the first one's
// link is open.
func needless(ctx context.Context, r store.Reader, now time.Time) error {
	enrolled, err := operator.Enrolled(ctx, r)
	if err != nil {
		return err
	}
	open, err := pass.Open(ctx, r, operator.First, now)
	if err == nil && (enrolled || open) {
		err = errNeedless
	}
	return err
}

// tidy removes the file of the first link once that opens nothing any more.
func (p *portal) tidy(ctx context.Context) error {
	enrolled, err := operator.Enrolled(ctx, p.db)
	if err != nil || !enrolled {
		return err
	}
	path, err := p.beside(firstLinkFile)
	if err == nil {
		if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return err
}

// firstLink gives the link for the first operator, as long as no operator is
// enrolled and none is open. Of several nodes that start at once, one gives it.
func (p *portal) firstLink(ctx context.Context, c *Console, log *slog.Logger) error {
	// Nearly always there is nothing to do, and nothing to write for it.
	err := needless(ctx, p.db, p.clk.Now())
	if errors.Is(err, errNeedless) {
		return p.tidy(ctx)
	}
	if err != nil {
		return err
	}
	made, err := p.give(ctx, c, firstLinkFile, func(ctx context.Context, tx *store.Tx) (account.Ref, pass.Given, error) {
		err := needless(ctx, tx, tx.Now())
		if err == nil {
			err = audit.Record(ctx, tx, p.keys, audit.Entry{Chain: audit.Operators, Act: "operator:link:given", Actor: c.actor(),
				Subject: operator.First.ID, Detail: map[string]string{"why": "no operator is enrolled"}})
		}
		return operator.First, pass.Given{By: c.by(), Why: "first operator"}, err
	})
	switch {
	case errors.Is(err, errNeedless): // another node was faster
		return nil
	case err != nil:
		return err
	case made.File != "":
		log.Info("the one-time link of the first operator was written", slog.String("file", made.File), slog.Time("expires", made.Expires))
		return nil
	}
	c.say("One-time link of the first operator, until %s:\n\n    %s\n", p.moment(made.Expires), made.URL)
	return nil
}
