package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/demo"
	"nidan/internal/mail"
	"nidan/internal/phrase"
	"nidan/internal/web"
)

type demoCommand struct {
	Listen   string    `placeholder:"ADDR" help:"Host and port to serve on (127.0.0.1:8080, or a free port if that one is taken)."`
	Data     string    `placeholder:"DIR" help:"Folder that keeps the demo, to go on with it later; without it the demo is gone at its end."`
	Database string    `placeholder:"URL" help:"Database to use instead of DIR/demo.db: postgres://… or a file."`
	SMTP     string    `name:"smtp" placeholder:"URL" help:"Server that gets every mail as well: smtp://host:port."`
	Now      time.Time `placeholder:"RFC3339" help:"Where the clock starts; it runs on from there."`
	SeedOnly bool      `help:"Fill the database, write DIR/demo.json, and stop."`
}

// Help says more than one line.
func (demoCommand) Help() string {
	return `Starts the portal with two made-up organizations in the middle of their change to 2-step verification, and prints the address and who may sign in. Three things exist only here: a mailbox with every mail sent, an authenticator with everybody's codes, and a clock that jumps.

DIR/demo.json names everybody with password and secret, for programs.

Examples:

	nidan demo
	nidan demo --data ./demo-data --now 2018-04-24T14:55:00Z`
}

const (
	demoListen = "127.0.0.1:8080"
	demoFacts  = "demo.json"
)

// Run starts a demo.
func (cmd demoCommand) Run(ctx context.Context, c *Console) error {
	dir, drop, err := cmd.folder()
	if err != nil {
		return err
	}
	defer drop()
	cfg, err := cmd.settings(dir)
	if err != nil {
		return err
	}
	p, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	var listener net.Listener
	if !cmd.SeedOnly {
		if listener, err = cmd.listen(p); err != nil {
			return err
		}
		defer listener.Close()
	}
	built, facts, err := cmd.prepare(ctx, c, p, dir)
	if err != nil {
		return err
	}
	if cmd.SeedOnly {
		c.say("The demo is ready: %s names everybody in it.", filepath.Join(dir, demoFacts))
		return nil
	}
	cmd.welcome(c, p, built, facts)
	n := &node{Portal: built, name: nodeName(built.DB.Engine(), p.Listen), main: listener}
	return n.serve(ctx)
}

// folder is where the demo lives, and what becomes of it at the end.
func (cmd demoCommand) folder() (dir string, drop func(), err error) {
	if cmd.Data != "" {
		dir, err = filepath.Abs(cmd.Data)
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
		return dir, func() {}, err
	}
	if dir, err = os.MkdirTemp("", "nidan-demo-"); err != nil || cmd.SeedOnly {
		return dir, func() {}, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil // a folder of its own: what stays is found in the system's temporary ones
}

// settings are the demo's own: those of the environment are for a portal, whose
// database a demo must never touch.
func (cmd demoCommand) settings(dir string) (config.Config, error) {
	flags := map[string]string{"NIDAN_LISTEN": "--listen", "NIDAN_DATABASE": "--database", "NIDAN_SMTP": "--smtp"}
	environ := []string{"NIDAN_METRICS_LISTEN=", "NIDAN_LOG=warn", "NIDAN_KEY_FILE=" + filepath.Join(dir, "nidan.key"), "NIDAN_LISTEN=" + demoListen}
	if cmd.Database == "" {
		cmd.Database = filepath.Join(dir, "demo.db")
	}
	environ = append(environ, "NIDAN_DATABASE="+cmd.Database)
	if cmd.Listen != "" {
		environ = append(environ, "NIDAN_LISTEN="+cmd.Listen)
	}
	if cmd.SMTP != "" {
		environ = append(environ, "NIDAN_SMTP="+cmd.SMTP)
	}
	cfg, err := config.Load("", environ)
	var faults config.Faults
	if errors.As(err, &faults) {
		for i, fault := range faults {
			if flag := flags[fault.Setting]; flag != "" {
				faults[i].Setting, faults[i].Where = flag, "command line"
			}
		}
		err = faults
	}
	return cfg, err
}

// listen takes the address. Only the usual port gives way to another.
func (cmd demoCommand) listen(p *portal) (net.Listener, error) {
	listener, err := p.listen()
	if cmd.Listen != "" || !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	p.Listen.Port, p.BaseURL.Host = 0, net.JoinHostPort(p.Listen.Host, "0")
	return p.listen()
}

// prepare makes the portal of the demo: set up and seeded, or the one that is there,
// with the clock where it was asked for.
func (cmd demoCommand) prepare(ctx context.Context, c *Console, p *portal, dir string) (*web.Portal, demo.Facts, error) {
	fresh, err := p.admit(ctx)
	if err == nil && fresh {
		err = p.setUp(ctx, true)
	}
	if err == nil && !p.mark.Demo {
		err = fmt.Errorf("--database: %s is a portal's: a demo is never made of it", p.db.Name())
	}
	if err != nil {
		return nil, demo.Facts{}, err
	}
	sender, err := cmd.sender(p)
	if err != nil {
		return nil, demo.Facts{}, err
	}
	built, err := p.build(c.logger(p.Log.Level), sender)
	if err != nil {
		return nil, demo.Facts{}, err
	}
	path := filepath.Join(dir, demoFacts)
	facts, err := cmd.facts(ctx, c, p, built, path)
	if err == nil && !cmd.Now.IsZero() {
		err = clock.SetDemoOffset(ctx, p.db, p.clk, cmd.Now.Sub(p.clk.Machine()))
	}
	if err == nil {
		err = demo.Write(path, facts)
	}
	if err == nil {
		err = p.follow(ctx)
	}
	return built, facts, err
}

func (cmd demoCommand) sender(p *portal) (mail.Sender, error) {
	if cmd.SMTP == "" {
		return p.caught(nil), nil
	}
	relay, _, err := p.relay()
	return p.caught(relay), err
}

// facts are those of the seed: of a new one, or of the one that was kept.
func (cmd demoCommand) facts(ctx context.Context, c *Console, p *portal, built *web.Portal, path string) (demo.Facts, error) {
	seeded, err := demo.Seeded(ctx, p.db)
	if err != nil {
		return demo.Facts{}, err
	}
	if !seeded {
		now := cmd.Now
		if now.IsZero() {
			now = p.clk.Now()
		}
		if c.ErrTerminal {
			fmt.Fprintln(c.Err, "Making up some people and their first two weeks …")
		}
		// A seed hashes dozens of passwords; a server has no use for that memory.
		defer debug.FreeOSMemory()
		facts, err := demo.Seed(ctx, demo.Seeding{Database: p.Database, KeyFile: p.KeyFile, Keys: p.keys, Site: built.Site,
			Pool: built.Pool, URL: p.BaseURL.String()}, now)
		if errors.Is(err, demo.ErrUsed) {
			err = fmt.Errorf("%s holds the beginning of a demo that was broken off: remove it, or begin anew elsewhere", p.db.Name())
		}
		return facts, err
	}
	facts, err := demo.Read(path)
	if err != nil {
		return demo.Facts{}, fmt.Errorf("the database holds a demo, but what is in it cannot be told: %w; begin anew in another --data", err)
	}
	facts.URL, facts.Database, facts.KeyFile = p.BaseURL.String(), p.Database, p.KeyFile
	return facts, nil
}

// welcome prints the address and who may sign in, in one piece: a program that
// waits for the address finds all of it.
func (cmd demoCommand) welcome(c *Console, p *portal, built *web.Portal, facts demo.Facts) {
	var text strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	say("Nidan, a demo with made-up people: %s\n", facts.URL)
	if cmd.Listen == "" && p.Listen.Port == 0 {
		say("%s is taken by another program, so this is a free port.\n", demoListen)
	}
	if !local(p.Listen) {
		say("Others on the network can reach this demo, and its pages show every password.\n")
	}
	say("Who may sign in:\n")
	rows := [][]string{{"Who", "Email address", "Password", "Name"}}
	for _, person := range demo.Guide(facts) {
		part := built.Site.Book().Say(phrase.English, person.Part)
		rows = append(rows, []string{part, person.Email, person.Password, person.Name})
	}
	text.WriteString(table(rows, c.Width))
	say("\nOperators sign in at %s/operator/signin, all others at %s/signin.\n", facts.URL, facts.URL)
	text.WriteString(table([][]string{{"Only in a demo", ""},
		{"Codes of everybody's app", facts.URL + "/demo/authenticator"},
		{"Every mail that was sent", facts.URL + "/demo/mailbox"},
		{"A clock that jumps", facts.URL + "/demo/clock"}}, c.Width))
	end := "it is gone then; --data DIR keeps one"
	if cmd.Data != "" {
		end = "the same command goes on with it"
	}
	say("\nIts time is %s. Ctrl-C ends it (%s).", p.moment(p.clk.Now()), end)
	_, _ = io.WriteString(c.Out, text.String()) // nobody can be told of a terminal that is gone
	built.Log.Debug("listening", slog.String("url", facts.URL))
}

// local says whether an address is this machine's alone.
func local(a config.Address) bool {
	ip := net.ParseIP(a.Host)
	return a.Host == "localhost" || ip != nil && ip.IsLoopback()
}
