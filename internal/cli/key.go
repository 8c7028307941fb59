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
	"nidan/internal/operator"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/web"
)

type keyShowCommand struct {
	Settings
	Asked
}

// Help says more than one line.
func (keyShowCommand) Help() string {
	return `Shows each key that was made known: whether it stands in this machine's key file, since when it seals, whether it is retired, and how many values are sealed with it; and of each node that runs, which keys it has said to hold and with which it seals. A key itself is never shown.

Example:

	nidan key show --json`
}

// keyShown is one key, for programs.
type keyShown struct {
	Key     byte             `json:"key"`
	Here    bool             `json:"in_this_file"`
	Known   bool             `json:"known"`
	Seals   bool             `json:"seals"`
	Added   *time.Time       `json:"added_at,omitempty"`
	AddedBy string           `json:"added_by,omitempty"`
	Active  *time.Time       `json:"active_at,omitempty"`
	Retired *time.Time       `json:"retired_at,omitempty"`
	Values  int64            `json:"values"`
	Columns map[string]int64 `json:"columns,omitempty"`
}

// nodeShown is one node, for programs.
type nodeShown struct {
	Node  string `json:"node"`
	Said  bool   `json:"said"`
	Holds []int  `json:"holds"`
	Seals byte   `json:"seals,omitempty"`
}

// Run shows.
func (cmd keyShowCommand) Run(ctx context.Context, c *Console) error {
	cfg, err := cmd.load(c)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.close()
	state, err := keyring.Read(ctx, p.db, p.mark)
	if err != nil {
		return err
	}
	nodes, err := keyring.Nodes(ctx, p.db)
	if err != nil {
		return err
	}
	keys, err := p.shown(ctx, state)
	if err != nil {
		return err
	}
	if cmd.JSON {
		out := make([]nodeShown, len(nodes))
		for i, n := range nodes {
			out[i] = nodeShown{Node: n.Name, Said: n.Said, Holds: []int{}, Seals: n.Seals}
			for _, id := range n.Holds {
				out[i].Holds = append(out[i].Holds, int(id))
			}
		}
		return c.print(map[string]any{"seals": state.Seals, "keys": keys, "nodes": out})
	}
	cmd.tell(c, p, keys, nodes)
	return nil
}

// shown is every key that is known, or stands in this file, or has sealed something.
func (p *portal) shown(ctx context.Context, state keyring.State) ([]keyShown, error) {
	byID := map[byte]*keyShown{}
	at := func(id byte) *keyShown {
		if byID[id] == nil {
			byID[id] = &keyShown{Key: id, Columns: map[string]int64{}}
		}
		return byID[id]
	}
	moment := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	for _, l := range state.Lines {
		k := at(l.ID)
		k.Known, k.Seals, k.Added, k.AddedBy = true, l.ID == state.Seals, moment(l.Added), l.AddedBy
		k.Active, k.Retired = moment(l.Active), moment(l.Retired)
	}
	for _, id := range p.keys.Held() {
		at(id).Here = true
	}
	for _, column := range web.Sealed() {
		counts, err := column.Sealed(ctx, p.db)
		if err != nil {
			return nil, err
		}
		for id, n := range counts {
			at(id).Values += n
			at(id).Columns[column.Name] += n
		}
	}
	var list []keyShown
	for _, k := range byID {
		list = append(list, *k)
	}
	slices.SortFunc(list, func(a, b keyShown) int { return int(a.Key) - int(b.Key) })
	return list, nil
}

func (cmd keyShowCommand) tell(c *Console, p *portal, keys []keyShown, nodes []keyring.Node) {
	rows := [][]string{{"Key", "In this file", "Added", "Seals", "Values", "Retired"}}
	when := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return p.moment(*t)
	}
	for _, k := range keys {
		seals := when(k.Active)
		switch {
		case !k.Known:
			seals = "not made known: nidan key add"
		case k.Seals:
			seals = "now, since " + seals
		case k.Active == nil:
			seals = "not yet"
		}
		rows = append(rows, []string{strconv.Itoa(int(k.Key)), map[bool]string{true: "yes", false: "no"}[k.Here], when(k.Added), seals,
			phrase.Number(k.Values), when(k.Retired)})
	}
	c.say("%s", strings.TrimRight(table(rows, c.Width), "\n"))
	for _, n := range nodes {
		if !n.Said {
			c.say("Node %s has said nothing of its key file since it started.", n.Name)
			continue
		}
		c.say("Node %s holds key %s and seals with %d.", n.Name, keyring.Names(n.Holds), n.Seals)
	}
}

type keyAddCommand struct {
	Settings
	Asked
}

// Help says more than one line.
func (keyAddCommand) Help() string {
	return `Writes a new key into this machine's key file, beside those that stand there, and makes it known. Nothing is sealed with it yet. Copy the file to every node now; each reads it within seconds, without a restart. Then: nidan key rotate.

A key whose add was broken off, or that you have written into the file yourself (nidan-key-2: and 32 random bytes in base64), is made known instead. The record keeps who did it, and the operators are told by mail.

Example:

	nidan key add`
}

// keyAdded is what came of it, for programs.
type keyAdded struct {
	Key  byte   `json:"key"`
	File string `json:"key_file"`
	New  bool   `json:"added"` // false: it waits already
}

// Run adds.
func (cmd keyAddCommand) Run(ctx context.Context, c *Console) error {
	l, err := lead(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer l.close()
	state, err := keyring.Read(ctx, l.db, l.mark)
	if err != nil {
		return err
	}
	added := keyAdded{Key: state.Newest(), File: l.KeyFile}
	if added.Key == state.Seals {
		if added.Key, added.New, err = l.addKey(ctx, c, state); err != nil {
			return err
		}
	}
	if !slices.Contains(l.keys.Held(), added.Key) {
		return fmt.Errorf("key %d was added on another machine and waits there: copy that key file here, or, if that key is lost, "+
			"`nidan key retire %d` and add another", added.Key, added.Key)
	}
	if cmd.JSON {
		return c.print(added)
	}
	if !added.New {
		c.say("Key %d stands in %s and waits already.", added.Key, l.KeyFile)
	} else {
		c.say("Key %d stands in %s and seals nothing yet.", added.Key, l.KeyFile)
	}
	c.say("Copy the file to every node, with a copy apart from the database's; `nidan key show` says who has it. Then: nidan key rotate")
	return nil
}

// addKey writes a key into the file and makes it known. Killed between the two, it is
// made known the next time. Of two machines at once one has the number; the other
// takes its line back.
func (l *leading) addKey(ctx context.Context, c *Console, state keyring.State) (id byte, added bool, err error) {
	id, made, err := secret.AddKey(l.KeyFile, state.Highest())
	if err == nil {
		err = l.keys.Again()
	}
	if err != nil {
		return 0, false, fmt.Errorf("NIDAN_KEY_FILE: %w", err)
	}
	check := l.keys.Check(id)
	err = l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		now, err := keyring.Read(ctx, tx, l.mark)
		if err != nil {
			return err
		}
		if known, is := now.Line(id); is {
			if added = false; secret.Equal(known.Check, check) {
				return nil // by another on this machine
			}
			return store.ErrTaken
		}
		added = true
		if err := keyring.Add(ctx, tx, now, id, check, c.by()); err != nil {
			return err
		}
		return l.noteKey(ctx, tx, c, "portal:key:added", "added", id, nil)
	})
	if errors.Is(err, store.ErrTaken) {
		err = fmt.Errorf("another machine has added a key %d: copy that key file here instead", id)
		if made {
			err = errors.Join(err, secret.RemoveKey(l.KeyFile, id))
		}
	}
	return id, added, err
}

// noteKey writes a deed to a key down and tells all operators of it.
func (l *leading) noteKey(ctx context.Context, tx *store.Tx, c *Console, act, what string, id byte, detail map[string]string) error {
	err := audit.Record(ctx, tx, l.keys, audit.Entry{Chain: audit.Operators, Act: act, Actor: c.actor(), Subject: "key " + strconv.Itoa(int(id)), Detail: detail})
	if err != nil {
		return err
	}
	return operator.TellAll(ctx, tx, l.keys, l.Site, "key-"+what, "operator.key_"+what, "key", strconv.Itoa(int(id)), "by", c.User)
}
