package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nidan/internal/audit"
	"nidan/internal/keyring"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/web"
)

type keyRotateCommand struct {
	Settings
	Asked
	Without []string `placeholder:"NODE" help:"Do not wait for this node, which is gone for good. May be given several times."`
}

// Help says more than one line.
func (keyRotateCommand) Help() string {
	return `Has every node seal with the newest key, and then seals anew everything that another key has sealed: secrets of authenticator apps, hashes of other systems, letters that wait, uploaded files. People go on working meanwhile.

It is refused, and nothing is changed, while a node that runs has not said that it holds the new key; such nodes are named. Broken off, it goes on when it is run again; run twice at once, it does no harm. It ends when nothing is sealed with another key any more. The record keeps who did it, and the operators are told by mail.

A node that ended without saying so, and will not come back, is left out with --without; should it start after all, its key file is looked at first.

Example:

	nidan key rotate`
}

// rotated is what came of it, for programs.
type rotated struct {
	Key       byte             `json:"key"`
	Activated bool             `json:"activated"`
	Values    int64            `json:"values"`
	Columns   map[string]int64 `json:"columns"`
	Stuck     []string         `json:"stuck"`
}

// Run rotates.
func (cmd keyRotateCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	state, err := keyring.Read(ctx, l.db, l.mark)
	if err != nil {
		return err
	}
	out := rotated{Key: state.Newest(), Columns: map[string]int64{}, Stuck: []string{}}
	if !slices.Contains(l.keys.Held(), out.Key) {
		return fmt.Errorf("NIDAN_KEY_FILE: %s lacks key %d, which is to seal: copy the key file of the machine where it was added", l.KeyFile, out.Key)
	}
	if out.Key != state.Seals {
		if out.Activated, err = l.activate(ctx, c, out.Key, cmd.Without); err != nil {
			return err
		}
	}
	if _, err := keyring.Follow(ctx, l.db, l.keys, ""); err != nil {
		return err
	}
	done, err := l.reseal(ctx, c, &out, cmd.Without)
	c.endProgress()
	if err != nil {
		return fmt.Errorf("%w; sealed anew so far: %s; run it again, and it goes on", err, phrase.Number(out.Values))
	}
	if err := l.noteRotated(ctx, c, out); err != nil {
		return err
	}
	out.Stuck = append(out.Stuck, done.Rows...)
	if cmd.JSON {
		if err := c.print(out); err != nil {
			return err
		}
	} else {
		cmd.tell(c, out, state)
	}
	if done.Stuck > 0 {
		return fmt.Errorf("values that no key of %s opens: %s (%s); put the line back that they need, or they are damaged",
			l.KeyFile, phrase.Number(done.Stuck), strings.Join(done.Rows, ", "))
	}
	return nil
}

// activate has a key seal, once every node has said that it holds it; false when
// another command was faster.
func (l *leading) activate(ctx context.Context, c *Console, id byte, without []string) (activated bool, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		activated = false
		state, err := keyring.Read(ctx, tx, l.mark)
		if err != nil || state.Seals == id {
			return err
		}
		if line, known := state.Line(id); !known || !line.Retired.IsZero() || id < state.Seals {
			return fmt.Errorf("key %d was taken out of use meanwhile", id)
		}
		nodes, err := keyring.Nodes(ctx, tx)
		if err != nil {
			return err
		}
		if lacking := keyring.Lacking(nodes, id, without); len(lacking) > 0 {
			return errors.New(nodesText(lacking, fmt.Sprintf("has not said that it holds key %d: copy the key file to it; it reads it within seconds", id)))
		}
		if err := state.Take(l.keys); err != nil {
			return l.unfit(err)
		}
		digests, err := l.keys.SealDigests(id)
		if err != nil {
			return err
		}
		if err := keyring.Activate(ctx, tx, state.Seals, id, digests, c.by()); err != nil {
			return err
		}
		activated = true
		return l.noteKey(ctx, tx, c, "portal:key:activated", "activated", id, detailOf(without))
	})
	return activated, err
}

// nodesText names nodes, a line each, and what is wrong with each.
func nodesText(nodes []keyring.Node, what string) string {
	lines := make([]string, len(nodes))
	for i, n := range nodes {
		lines[i] = "node " + n.Name + " " + what
	}
	return strings.Join(lines, "\n") + "\nA node that is gone for good is left out with --without NODE."
}

func detailOf(without []string) map[string]string {
	if len(without) == 0 {
		return nil
	}
	return map[string]string{"without": strings.Join(without, ", ")}
}

// How long nodes are waited for that do not seal with the new key yet.
const (
	nodesPause = 500 * time.Millisecond
	nodesTries = 60
)

// reseal walks through all columns until a walk finds nothing more, and every node has
// said that it seals with the new key before that walk began.
func (l *leading) reseal(ctx context.Context, c *Console, out *rotated, without []string) (keyring.Done, error) {
	bar, err := l.bar(ctx, c)
	if err != nil {
		return keyring.Done{}, err
	}
	for waited := 0; ; {
		nodes, err := keyring.Nodes(ctx, l.db)
		if err != nil {
			return keyring.Done{}, err
		}
		behind := keyring.Behind(nodes, out.Key, without)
		var walk keyring.Done
		for _, column := range web.Sealed() {
			done, err := column.Reseal(ctx, l.db, l.keys, bar)
			out.Values += done.Sealed
			out.Columns[column.Name] += done.Sealed
			walk.Add(done)
			if err != nil {
				return walk, err
			}
		}
		switch {
		case len(behind) == 0 && walk.Sealed+walk.Left == 0:
			return walk, nil
		case len(behind) == 0:
			continue
		case waited == nodesTries:
			return walk, errors.New(nodesText(behind, fmt.Sprintf("has not said that it seals with key %d", out.Key)))
		}
		waited++
		select {
		case <-time.After(nodesPause):
		case <-ctx.Done():
			return walk, ctx.Err()
		}
	}
}

// bar shows how far it is.
func (l *leading) bar(ctx context.Context, c *Console) (func(int64), error) {
	show := c.progress("sealed", "values")
	if show == nil {
		return nil, nil
	}
	var done, total int64
	for _, column := range web.Sealed() {
		counts, err := column.Sealed(ctx, l.db)
		if err != nil {
			return nil, err
		}
		for id, n := range counts {
			if id != l.keys.Seals() {
				total += n
			}
		}
	}
	return func(n int64) {
		done += n
		show(done, max(done, total))
	}, nil
}

// noteRotated writes down that nothing is sealed with another key, if anything was.
func (l *leading) noteRotated(ctx context.Context, c *Console, out rotated) error {
	if out.Values == 0 {
		return nil
	}
	return l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return audit.Record(ctx, tx, l.keys, audit.Entry{Chain: audit.Operators, Act: "portal:key:rotated", Actor: c.actor(),
			Subject: "key " + strconv.Itoa(int(out.Key)), Detail: map[string]string{"values": strconv.FormatInt(out.Values, 10)}})
	})
}

func (cmd keyRotateCommand) tell(c *Console, out rotated, before keyring.State) {
	if out.Activated {
		c.say("Key %d seals from now on; before it was key %d.", out.Key, before.Seals)
	}
	c.say("Sealed anew: %s values. Nothing that opens is sealed with another key than %d.", phrase.Number(out.Values), out.Key)
	if out.Activated {
		c.say("Older keys stay in use for %d hours: nidan key retire %d", int(keyring.Rest.Hours()), before.Seals)
	}
}
