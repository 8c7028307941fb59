package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Settings is the flag of commands that work on a portal.
type Settings struct {
	Config string `placeholder:"FILE" help:"Settings as YAML; variables NIDAN_… win over them."`
}

func (s Settings) load(c *Console) (config.Config, error) { return config.Load(s.Config, c.Environ) }

// portal is a database with its settings, its clock and, once admitted, the key
// that its secrets are sealed with.
type portal struct {
	config.Config
	db   *store.DB
	clk  *clock.Clock
	keys *secret.Keys
	mark store.Mark
	stop context.CancelFunc // of what a command does beside its work; nil: nothing
	rest sync.WaitGroup
	held bool // a hold is no refusal: the command is about it
}

// connect opens the database of the settings, which an SQLite file need not be yet.
func connect(ctx context.Context, cfg config.Config) (*portal, error) {
	p := &portal{Config: cfg, clk: clock.New()}
	var err error
	if p.db, err = store.Open(ctx, cfg.Database, p.clk.Now); err != nil {
		return nil, fmt.Errorf("NIDAN_DATABASE: %s", oneLine(err))
	}
	return p, nil
}

// open opens a portal for a command of the console: it must be set up, and the key
// file proves that whoever acts here may.
func open(ctx context.Context, cfg config.Config) (*portal, error) {
	if path, missing := missingFile(cfg.Database); missing {
		return nil, fmt.Errorf("NIDAN_DATABASE: %s is not there; the first `nidan serve` sets a portal up", path)
	}
	p, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx); err != nil {
		p.close()
		return nil, err
	}
	var beside context.Context
	beside, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.rest.Go(func() { p.followKeys(beside) })
	return p, nil
}

func (p *portal) enter(ctx context.Context) error {
	fresh, err := p.admit(ctx)
	if err != nil {
		return err
	}
	if fresh {
		return fmt.Errorf("NIDAN_DATABASE: %s is not set up; the first `nidan serve` does it", p.db.Name())
	}
	return p.follow(ctx)
}

func (p *portal) close() {
	if p.stop != nil {
		p.stop()
	}
	p.rest.Wait()
	_ = p.db.Close() // everything was committed before
}

// admit looks whether the database is this portal's: its schema this program's, its
// key the one in the key file. fresh is true when it was never set up to the end.
func (p *portal) admit(ctx context.Context) (fresh bool, err error) {
	empty, err := p.schema(ctx)
	if err != nil || empty {
		return empty, err
	}
	p.mark, err = store.ReadPortal(ctx, p.db)
	if errors.Is(err, store.ErrNone) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, p.takeKeys(ctx)
}

// schema says whether the database is empty, and refuses one with another schema, or
// one that is held.
func (p *portal) schema(ctx context.Context) (empty bool, err error) {
	empty, err = p.db.Schema(ctx)
	if errors.Is(err, store.ErrSchema) {
		err = fmt.Errorf("NIDAN_DATABASE: %s: %s; `nidan migrate` brings an older schema up to this program", p.db.Name(), oneLine(err))
	}
	if err != nil || empty || p.held {
		return empty, err
	}
	hold, err := store.ReadHold(ctx, p.db)
	if err == nil {
		err = hold.Err()
	}
	if err != nil {
		err = fmt.Errorf("NIDAN_DATABASE: %s: %w", p.db.Name(), err)
	}
	return false, err
}

// takeKeys reads the key file of a database that is set up, and refuses one that does
// not fit it. Nothing here ever makes a key.
func (p *portal) takeKeys(ctx context.Context) error {
	keys, err := readKeys(p.KeyFile)
	if err != nil {
		return err
	}
	state, err := keyring.Read(ctx, p.db, p.mark)
	if err != nil {
		if _, schema := p.db.Schema(ctx); errors.Is(schema, store.ErrSchema) {
			state, err = keyring.Before(p.mark), nil // an older schema, which is about to be migrated
		}
	}
	if err == nil {
		err = state.Take(keys)
	}
	if err == nil && !secret.Equal(p.mark.KeyCheck, keyCheck(keys)) {
		err = &keyring.Fault{Why: keyring.ErrWrong, Keys: []byte{secret.First}}
	}
	if err != nil {
		return p.unfit(err)
	}
	p.keys = keys
	return nil
}

// unfit says what is wrong with a key file, and what to do.
func (p *portal) unfit(err error) error {
	var fault *keyring.Fault
	switch {
	case !errors.As(err, &fault):
		return fmt.Errorf("NIDAN_KEY_FILE: %s: %w", p.KeyFile, err)
	case errors.Is(fault, keyring.ErrMissing):
		return fmt.Errorf("NIDAN_KEY_FILE: %s lacks key %s, which %s still needs: put back the copy that holds the line %s, "+
			"beside the lines that are there", p.KeyFile, keyring.Names(fault.Keys), p.db.Name(), lineNames(fault.Keys))
	case len(fault.Keys) == 1 && fault.Keys[0] == secret.First:
		return fmt.Errorf("NIDAN_KEY_FILE: the key in %s is not the one of %s: put the right copy back", p.KeyFile, p.db.Name())
	}
	return fmt.Errorf("NIDAN_KEY_FILE: key %s in %s is not the one of %s: put the right copy back", keyring.Names(fault.Keys), p.KeyFile, p.db.Name())
}

// lineNames are how lines of a key file begin.
func lineNames(ids []byte) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = fmt.Sprintf("nidan-key-%d:…", id)
	}
	return strings.Join(names, ", ")
}

// keyCheck is what the database keeps of its first key, to know it again.
func keyCheck(keys *secret.Keys) []byte { return keys.Digest(secret.ForKey, "portal") }

// followEvery is how soon a command knows that another key seals.
const followEvery = 2 * time.Second

// followKeys has a command that takes long seal with the key that seals now; what it
// cannot read shows where it is needed.
func (p *portal) followKeys(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_, _ = keyring.Follow(ctx, p.db, p.keys, "")
		case <-ctx.Done():
			return
		}
	}
}

func readKeys(path string) (*secret.Keys, error) {
	keys, err := secret.ReadKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("NIDAN_KEY_FILE: %s is not there: put back the copy that belongs to the database; "+
			"without it nothing that is sealed there can be read", path)
	}
	if err != nil {
		return nil, fmt.Errorf("NIDAN_KEY_FILE: %w", err)
	}
	return keys, nil
}

// setUp makes a portal of an empty database: key file, schema, mark. Several nodes
// may do it at once on one database; whoever comes second with a key of its own
// is refused, and leaves no key behind that opens nothing.
func (p *portal) setUp(ctx context.Context, demo bool) error {
	keys, made, err := readOrCreateKeys(p.KeyFile)
	if err != nil {
		return err
	}
	if held := keys.Held(); len(held) != 1 || held[0] != secret.First {
		return fmt.Errorf("NIDAN_KEY_FILE: %s holds key %s of another portal: name another file, and a new portal makes its own, "+
			"or the database that it belongs to", p.KeyFile, keyring.Names(held))
	}
	if _, err := p.db.Migrate(ctx); err != nil {
		return fmt.Errorf("set up %s: %w", p.db.Name(), err)
	}
	err = p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, keyCheck(keys), demo)
	})
	if errors.Is(err, store.ErrTaken) || err == nil {
		_, err = p.admit(ctx)
	}
	if err != nil && made {
		err = errors.Join(err, os.Remove(p.KeyFile))
	}
	return err
}

// readOrCreateKeys reads the key file or makes one.
func readOrCreateKeys(path string) (keys *secret.Keys, made bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if keys, err := secret.CreateKeys(path); err == nil {
			return keys, true, nil
		} else if _, there := os.Stat(path); there != nil {
			return nil, false, fmt.Errorf("NIDAN_KEY_FILE: %w", err)
		}
	}
	// Another node may be writing the file at this moment.
	for range 20 {
		if keys, err = readKeys(path); err == nil {
			return keys, false, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return nil, false, err
}

// follow takes over what the database remembers of time, as a serving node does,
// and stores nothing: a command on a machine with a wrong clock moves nobody's.
func (p *portal) follow(ctx context.Context) error {
	state, err := clock.Load(ctx, p.db, p.clk)
	if err != nil {
		return err
	}
	if p.mark.Demo {
		p.clk.Jump(state.DemoOffset)
		p.clk.Accept()
	}
	p.clk.Raise(state.Latest)
	return nil
}

// missingFile says whether the database is an SQLite file that is not there.
func missingFile(database string) (path string, missing bool) {
	if strings.Contains(database, "://") {
		return "", false
	}
	path, err := filepath.Abs(database)
	if err != nil {
		path = database
	}
	_, err = os.Stat(path)
	return path, errors.Is(err, fs.ErrNotExist)
}

// oneLine is an error of a driver, which may have several lines, as one.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
