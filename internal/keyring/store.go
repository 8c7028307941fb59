package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Read reads the state of the keys. mark is what the database has known its first key
// by since it was set up: as long as no other was added, that is all there is.
func Read(ctx context.Context, r store.Reader, mark store.Mark) (s State, err error) {
	var since store.Instant
	var seals int64
	err = r.QueryRow(ctx, `select seals, since, digests from key_use where id = 1`).Scan(&seals, &since, &s.Digests)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return State{}, fmt.Errorf("keys: %w", err)
	}
	s.Seals, s.Since = byte(seals), since.Time
	if s.Lines, err = lines(ctx, r); err != nil {
		return State{}, fmt.Errorf("keys: %w", err)
	}
	if s.Seals == 0 {
		s.Seals = secret.First
	}
	if len(s.Lines) == 0 {
		return Before(mark), nil
	}
	return s, nil
}

// Before is the state before there was any other key.
func Before(mark store.Mark) State {
	return State{Seals: secret.First, alone: true,
		Lines: []Line{{ID: secret.First, Check: mark.KeyCheck, Added: mark.Created, Active: mark.Created}}}
}

func lines(ctx context.Context, r store.Reader) (list []Line, err error) {
	rows, err := r.Query(ctx, `select id, key_check, added_at, added_by, active_at, coalesce(active_by, ''), retired_at, coalesce(retired_by, '')
		from key_line order by id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Line
		var id int64
		var added, active, retired store.Instant
		if err := rows.Scan(&id, &l.Check, &added, &l.AddedBy, &active, &l.By, &retired, &l.RetiredWho); err != nil {
			return nil, err
		}
		l.ID, l.Added, l.Active, l.Retired = byte(id), added.Time, active.Time, retired.Time
		list = append(list, l)
	}
	return list, rows.Err()
}

// Nodes are those that run, or ended without saying so, with what they said of their
// key file since they started.
func Nodes(ctx context.Context, r store.Reader) (list []Node, err error) {
	rows, err := r.Query(ctx, `select n.name, k.node is not null, coalesce(k.holds, ''), coalesce(k.seals, 0)
		from node n left join key_node k on k.node = n.name and k.started_at = n.started_at
		where n.stopped_at is null order by n.name`)
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n Node
		var holds string
		var seals int64
		if err := rows.Scan(&n.Name, &n.Said, &holds, &seals); err != nil {
			return nil, fmt.Errorf("nodes: %w", err)
		}
		n.Holds, n.Seals = parse(holds), byte(seals)
		list = append(list, n)
	}
	return list, rows.Err()
}

// say writes what a node has to say of its key file, if it is anything new.
func say(ctx context.Context, tx *store.Tx, node string, held []byte, seals byte) error {
	_, err := tx.Exec(ctx, `insert into key_node (node, started_at, holds, seals, said_at)
		select n.name, n.started_at, cast($1 as text), cast($2 as bigint), cast($3 as bigint) from node n where n.name = $4
		on conflict (node) do update set started_at = excluded.started_at, holds = excluded.holds, seals = excluded.seals, said_at = excluded.said_at
			where key_node.started_at <> excluded.started_at or key_node.holds <> excluded.holds or key_node.seals <> excluded.seals`,
		Names(held), int64(seals), store.Micros(tx.Now()), node)
	if err != nil {
		return fmt.Errorf("keys of this node: %w", err)
	}
	return nil
}

// Add makes a key known; store.ErrTaken when another has that number. The first key
// becomes a row with it.
func Add(ctx context.Context, tx *store.Tx, s State, id byte, check []byte, by string) error {
	if s.alone {
		first := s.Lines[0]
		_, err := tx.Exec(ctx, `insert into key_line (id, key_check, added_at, added_by, active_at, active_by)
			values ($1, $2, $3, '', $4, '') on conflict (id) do nothing`,
			int64(first.ID), first.Check, store.Micros(first.Added), store.Micros(first.Active))
		if err != nil {
			return fmt.Errorf("key: %w", err)
		}
	}
	n, err := tx.Exec(ctx, `insert into key_line (id, key_check, added_at, added_by) values ($1, $2, $3, $4) on conflict (id) do nothing`,
		int64(id), check, store.Micros(tx.Now()), by)
	if err == nil && n == 0 {
		err = store.ErrTaken
	}
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	return nil
}

// Activate has a key seal from here on, on every node; digests are the keys of lasting
// digests, sealed with it. store.ErrTaken when another key seals than from.
func Activate(ctx context.Context, tx *store.Tx, from, id byte, digests []byte, by string) error {
	now := store.Micros(tx.Now())
	n, err := tx.Exec(ctx, `insert into key_use (id, seals, since, digests) values (1, $1, $2, $3)
		on conflict (id) do update set seals = excluded.seals, since = excluded.since, digests = excluded.digests where key_use.seals = $4`,
		int64(id), now, digests, int64(from))
	if err == nil && n == 0 {
		err = store.ErrTaken
	}
	if err == nil {
		_, err = tx.Exec(ctx, `update key_line set active_at = $1, active_by = $2 where id = $3 and active_at is null`, now, by, int64(id))
	}
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	return nil
}

// ErrRetired means that a value was sealed with a key that was retired before it could be stored.
var ErrRetired = errors.New("it was sealed with a key that is retired since, and would never open")

// InUse asks, in the transaction that stores values sealed before it began, whether their
// keys are still in use: a process that was stopped in between may have lost one meanwhile.
// What is sealed within a transaction needs no such question, since none lasts so long.
func InUse(ctx context.Context, tx *store.Tx, sealed ...[]byte) error {
	var asked []byte // most often the same key seals all
	for _, s := range sealed {
		if len(s) == 0 || slices.Contains(asked, s[0]) {
			continue
		}
		asked = append(asked, s[0])
		var retired bool
		err := tx.QueryRow(ctx, `select exists (select 1 from key_line where id = $1 and retired_at is not null)`, int64(s[0])).Scan(&retired)
		if err != nil {
			return fmt.Errorf("key %d: %w", s[0], err)
		}
		if retired {
			return fmt.Errorf("key %d: %w", s[0], ErrRetired)
		}
	}
	return nil
}

// Retire takes a key out of use, unless it seals; false when it was retired already.
func Retire(ctx context.Context, tx *store.Tx, id byte, by string) (bool, error) {
	n, err := tx.Exec(ctx, `update key_line set retired_at = $1, retired_by = $2 where id = $3 and retired_at is null
		and not exists (select 1 from key_use u where u.seals = key_line.id)`, store.Micros(tx.Now()), by, int64(id))
	if err != nil {
		return false, fmt.Errorf("key: %w", err)
	}
	return n == 1, nil
}
