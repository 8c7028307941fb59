package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"

	"golang.org/x/term"

	"nidan/internal/audit"
)

// Console is where a command runs: its streams, its environment, its user.
type Console struct {
	Out, Err    io.Writer
	Environ     []string
	User        string // the system user, as the record names him
	OutTerminal bool   // somebody reads Out as it is written
	ErrTerminal bool
	Width       int // of the terminal, in columns
}

// plainWidth is for output that goes to no terminal.
const plainWidth = 120

// here is the console of this process.
func here() *Console {
	c := &Console{Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), User: systemUser(), Width: plainWidth,
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())), ErrTerminal: term.IsTerminal(int(os.Stderr.Fd()))}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width > 0 {
		c.Width = width
	}
	return c
}

func systemUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// actor is who acts here, for the record.
func (c *Console) actor() audit.Actor { return audit.Actor{Kind: audit.KindConsole, ID: c.User} }

// by is who acts here, for columns that keep it as text.
func (c *Console) by() string { return "console " + c.User }

func (c *Console) say(format string, args ...any) { fmt.Fprintf(c.Out, format+"\n", args...) }

// print writes a value as JSON.
func (c *Console) print(value any) error {
	encoder := json.NewEncoder(c.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Asked is the flag of commands that print data.
type Asked struct {
	JSON bool `name:"json" help:"Print JSON, for programs."`
}
