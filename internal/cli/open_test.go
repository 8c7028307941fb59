package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"nidan/internal/config"
	"nidan/internal/store/testpostgres"
)

// fresh is a portal on an empty database, its key file in dir.
func fresh(t *testing.T, dir, database string) *portal {
	t.Helper()
	cfg, err := config.Load("", []string{"NIDAN_DATABASE=" + database, "NIDAN_KEY_FILE=" + filepath.Join(dir, "nidan.key"),
		"NIDAN_BASE_URL=https://portal.example.com", "NIDAN_MAIL_FROM=portal@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func console(terminal bool) (*Console, *bytes.Buffer) {
	var out bytes.Buffer
	return &Console{Out: &out, Err: &bytes.Buffer{}, User: "tester", OutTerminal: terminal, Width: 80}, &out
}

var quiet = slog.New(slog.DiscardHandler)

func TestTwoNodesThatStartAtOnceMakeOnePortalWithOneLink(t *testing.T) {
	for name, database := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "nidan.db"), "postgresql": testpostgres.Database(t)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var all sync.WaitGroup
			errs, links := make([]error, 4), make([]*bytes.Buffer, 4)
			for i := range errs {
				p := fresh(t, dir, database)
				c, out := console(true)
				links[i] = out
				all.Go(func() {
					if errs[i] = p.prepare(t.Context(), false); errs[i] == nil {
						errs[i] = p.firstLink(t.Context(), c, quiet)
					}
				})
			}
			all.Wait()
			shown := 0
			for i := range errs {
				if errs[i] != nil {
					t.Errorf("node %d: %v", i, errs[i])
				}
				shown += strings.Count(links[i].String(), "https://portal.example.com/operator/start/")
			}
			if shown != 1 {
				t.Errorf("%d links were given, want 1", shown)
			}
		})
	}
}

func TestALinkGoesToATerminalOrToAFileOfItsOwnerAlone(t *testing.T) {
	for name, terminal := range map[string]bool{"terminal": true, "pipe": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := fresh(t, dir, filepath.Join(dir, "nidan.db"))
			if err := p.prepare(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			c, out := console(terminal)
			if err := p.firstLink(t.Context(), c, quiet); err != nil {
				t.Fatal(err)
			}
			file, err := os.ReadFile(filepath.Join(dir, firstLinkFile))
			if shown := strings.Contains(out.String(), "/operator/start/"); shown != terminal || (err != nil) != terminal {
				t.Errorf("shown %v, file %q (%v)", shown, file, err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".link-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// A link that could not be written down must not stay open: nobody has it, and no
// other is given for an hour.
func TestALinkThatCannotBeWrittenIsWithdrawn(t *testing.T) {
	dir := t.TempDir()
	p := fresh(t, dir, filepath.Join(dir, "nidan.db"))
	if err := p.prepare(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	obstacle := filepath.Join(dir, firstLinkFile)
	if err := os.MkdirAll(filepath.Join(obstacle, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, _ := console(false)
	if err := p.firstLink(t.Context(), c, quiet); err == nil {
		t.Fatal("a link was given though its file is a folder")
	}
	if err := os.RemoveAll(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := p.firstLink(t.Context(), c, quiet); err != nil {
		t.Errorf("the next try: %v", err)
	}
}
