package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nidan/internal/audit"
	"nidan/internal/backup"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

type backupCommand struct {
	Settings
	Asked
	File      string   `arg:"" help:"Where the backup goes; - for stdout."`
	Recipient []string `placeholder:"KEY" help:"The public part of an age key (age1…) to encrypt to, instead of those in NIDAN_BACKUP_RECIPIENTS. May be given several times."`
}

// Help says more than one line.
func (backupCommand) Help() string {
	return `Writes the whole portal into one file, compressed and encrypted, beside a serving portal: one state of its database, whatever is done meanwhile. The file gets its name when it is whole.

It is encrypted to the age keys in NIDAN_BACKUP_RECIPIENTS (age-keygen makes one; keep its secret part off this machine), or else to the portal's own key file. The key file itself is not in it: keep a copy of that, apart from the backups. Attachments and the record are in it; sessions, codes and links that a restore makes void are no way in.

Example:

	nidan backup /var/backups/nidan/$(date +%F).nidan
	nidan backup - --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p | ssh vault 'cat > nidan.backup'`
}

// taken is what was written, for programs.
type taken struct {
	File    string    `json:"file"`
	Bytes   int64     `json:"bytes"`
	Rows    int64     `json:"rows"`
	Taken   time.Time `json:"taken"`
	Schema  string    `json:"schema"`
	OwnKey  bool      `json:"own_key"` // encrypted to the portal's key file
	KeyFile string    `json:"key_file"`
}

// Run takes a backup.
func (cmd backupCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	if cmd.File == "-" && c.OutTerminal {
		return errors.New("a backup is no text for a terminal: name a file, or send it into a pipe")
	}
	if _, err := os.Stat(cmd.File); cmd.File != "-" && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: a backup replaces none", cmd.File)
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	source := backup.Source{DB: p.db, Keys: p.keys, Recipients: cmd.Recipient, Product: built().Version,
		Tell: c.progress("saved", "rows")}
	if len(source.Recipients) == 0 {
		source.Recipients = cfg.BackupRecipients
	}
	header, size, err := cmd.write(ctx, c, source)
	c.endProgress()
	if err != nil {
		return fmt.Errorf("no backup was taken: %w", err)
	}
	to := strings.Join(source.Recipients, " ")
	if to == "" {
		to = "the key file"
	}
	err = p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return audit.Record(ctx, tx, p.keys, audit.Entry{Chain: audit.Operators, Act: "portal:backup:taken", Actor: c.actor(), Subject: "portal",
			Detail: map[string]string{"file": cmd.File, "rows": fmt.Sprint(header.Rows()), "to": to}})
	})
	if err != nil {
		return fmt.Errorf("%s is whole, and was not recorded: %w", cmd.File, err)
	}
	return cmd.tell(c, p, taken{File: cmd.File, Bytes: size, Rows: header.Rows(), Taken: header.Taken,
		Schema: header.Steps[len(header.Steps)-1].Name, OwnKey: len(source.Recipients) == 0, KeyFile: p.KeyFile})
}

func (cmd backupCommand) tell(c *Console, p *portal, t taken) error {
	switch {
	case cmd.File == "-":
		return nil
	case cmd.JSON:
		return c.print(t)
	}
	c.say("%s holds %s rows of %s, as they stood %s; %s bytes.", t.File, phrase.Number(t.Rows), p.db.Name(), p.moment(t.Taken), phrase.Number(t.Bytes))
	if t.OwnKey {
		c.say("It opens with %s alone: keep a copy of that apart from it.", t.KeyFile)
	} else {
		c.say("It opens with the secret part of the age key alone; a restore needs %s as well.", t.KeyFile)
	}
	return nil
}

// write puts a backup where it was asked for.
func (cmd backupCommand) write(ctx context.Context, c *Console, source backup.Source) (h backup.Header, size int64, err error) {
	if cmd.File == "-" {
		counted := &counter{to: c.Out}
		h, err = backup.Take(ctx, source, counted)
		return h, counted.n, err
	}
	folder := filepath.Dir(cmd.File)
	file, err := os.CreateTemp(folder, ".nidan-backup-*") // mode 0600
	if err != nil {
		return backup.Header{}, 0, err
	}
	defer os.Remove(file.Name()) // no longer there under this name once all went well
	counted := &counter{to: file}
	h, err = backup.Take(ctx, source, counted)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return backup.Header{}, 0, err
	}
	if err := named(file.Name(), cmd.File); err != nil {
		return backup.Header{}, 0, err
	}
	return h, counted.n, syncFolder(folder)
}

// named gives a file that is whole its name, unless something has that name meanwhile.
func named(file, name string) error { return namedBy(file, name, os.Link, os.Rename) }

func namedBy(file, name string, link, rename func(from, to string) error) error {
	err := link(file, name)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system that knows one name for a file
		place, taken := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if taken == nil {
			_ = place.Close()
			if err = rename(file, name); err != nil {
				err = errors.Join(err, os.Remove(name)) // it is ours, and empty: the next backup finds the name free
			}
			return err
		}
		err = taken
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s came to be meanwhile: a backup replaces none; take it again under another name", name)
	}
	return err
}

// syncFolder makes a new name in a folder last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += int64(n)
	return n, err
}
