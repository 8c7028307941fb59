package backup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Copy is a backup that was opened, up to its rows.
type Copy struct {
	Header Header
	in     *in
	keys   *secret.Keys
}

// Open decrypts a backup with the portal's key file, or one of others, and reads its
// header. A backup of a portal with another key file is refused, since nothing sealed
// in it would open.
func Open(r io.Reader, keys *secret.Keys, others []age.Identity) (*Copy, error) {
	plain, err := opened(r, keys, others)
	if err != nil {
		return nil, err
	}
	c := &Copy{keys: keys}
	if c.in, err = newIn(plain); err != nil {
		return nil, err
	}
	if err := c.in.json(frameHeader, &c.Header); err != nil {
		return nil, err
	}
	switch {
	case c.Header.Format > format:
		return nil, fmt.Errorf("%w: install version %s or a later one", ErrNewer, c.Header.Product)
	case c.Header.Format < 1:
		return nil, ErrNotBackup
	}
	if _, err := keys.Open(secret.ForBackup, proofRow, c.Header.Proof); err != nil {
		return nil, fmt.Errorf("%w: it is of a portal with another key file", ErrKey)
	}
	return c, nil
}

// Target is an empty database that a portal is put into.
type Target struct {
	DB    *store.DB
	Clock *clock.Clock // the one of DB
	House *time.Location
	By    audit.Actor
	// Keys are asked for when the rows are there, before anything is recorded: those of
	// the key file, once it is seen to be the database's.
	Keys   func(ctx context.Context) (*secret.Keys, error)
	Place  string            // what is restored, for people: a file's name
	Write  func(n, of int64) // rows written; may be nil
	Verify func(n, of int64) // rows read back; may be nil
}

// Restore puts the rows into a database, which is held until the last of them was
// read back and found equal: killed before, it serves nobody, and may be done again.
// What is there afterwards opens with sessions, codes and links void.
func (c *Copy) Restore(ctx context.Context, to Target) (void Void, err error) {
	known, err := to.DB.Steps()
	if err != nil {
		return Void{}, err
	}
	steps, err := c.Header.schema(known)
	if err != nil {
		return Void{}, err
	}
	old := to.DB.Knowing(steps)
	since, err := prepare(ctx, old, store.Restoring, to.Place)
	if err != nil {
		return Void{}, err
	}
	old, to.DB = old.Under(since), to.DB.Under(since)
	if there, err := store.AppliedSteps(ctx, old); err != nil || len(there) != len(steps) {
		return Void{}, errors.Join(err, fmt.Errorf("%w: %s was begun to be filled from a backup of another version: name a new file, or an empty PostgreSQL database",
			ErrTarget, old.Name()))
	}
	schema, err := old.Tables(ctx, old)
	if err != nil {
		return Void{}, err
	}
	dumps, err := c.Header.listed(schema)
	if err != nil {
		return Void{}, err
	}
	if err := old.Empty(ctx, names(dumps)); err != nil {
		return Void{}, err
	}
	sums, err := c.load(ctx, to, dumps)
	if err != nil {
		return Void{}, err
	}
	if err := verify(ctx, to.DB, dumps, sums, to.Verify); err != nil {
		return Void{}, err
	}
	if _, err := to.DB.Migrate(ctx); err != nil {
		return Void{}, err
	}
	err = c.finish(ctx, to, since, &void)
	return void, err
}

// load writes the rows, to the seal.
func (c *Copy) load(ctx context.Context, to Target, dumps []store.Dump) ([]string, error) {
	tell := teller(to.Write, c.Header.Rows())
	sums := make([]string, len(dumps))
	for i, d := range dumps {
		content, err := c.in.want(frameTable)
		if err != nil {
			return nil, err
		}
		if n, read := binary.Uvarint(content); read != len(content) || n != uint64(i) {
			return nil, fmt.Errorf("%w: its tables are out of order", ErrDamaged)
		}
		if sums[i], err = c.table(ctx, to.DB, d, tell); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Table, err)
		}
	}
	return sums, c.in.end(c.keys)
}

func (c *Copy) table(ctx context.Context, db *store.DB, d store.Dump, tell func()) (string, error) {
	var sum Sum
	loader := db.Load(d)
	for {
		kind, content, err := c.in.next()
		if err != nil {
			return "", err
		}
		if kind == frameEnd {
			break
		}
		values := decode(content, len(d.Columns))
		if kind != frameRow || values == nil {
			return "", fmt.Errorf("%w: a row of it is none", ErrDamaged)
		}
		if db.Engine() == store.PostgreSQL {
			if err := fit(d, values); err != nil {
				return "", fmt.Errorf("%w; %s serves nobody: restore into an SQLite file, change the text there, and move that", err, db.Name())
			}
		}
		sum.add(content)
		if err := loader.Add(ctx, values); err != nil {
			return "", err
		}
		tell()
	}
	return sum.String(), loader.Flush(ctx)
}

// verify reads every row back.
func verify(ctx context.Context, db *store.DB, dumps []store.Dump, sums []string, told func(n, of int64)) error {
	var all int64
	for _, d := range dumps {
		n, err := d.Rows(ctx, db)
		if err != nil {
			return err
		}
		all += n
	}
	tell := teller(told, all)
	var row []byte
	for i, d := range dumps {
		var sum Sum
		d.Blank = nil // as it stands there
		err := d.Each(ctx, db, func(values []any) error {
			row = encode(row[:0], values)
			sum.add(row)
			tell()
			return nil
		})
		if err != nil {
			return err
		}
		if sum.String() != sums[i] {
			return fmt.Errorf("%w: %s", ErrDiffers, d.Table)
		}
	}
	return nil
}

func names(dumps []store.Dump) []string {
	list := make([]string, len(dumps))
	for i, d := range dumps {
		list[i] = d.Table
	}
	return list
}

// prepare makes a database ready to be filled, and holds it: an empty one, or one in
// which the same was begun before and did not come to its end.
func prepare(ctx context.Context, db *store.DB, what store.Held, place string) (since time.Time, err error) {
	empty, err := db.Schema(ctx)
	if !empty {
		hold, none := store.ReadHold(ctx, db)
		switch {
		case none != nil || hold.What != what:
			return since, fmt.Errorf("%w: %s holds a portal or something else already; name a new file, or an empty PostgreSQL database", ErrTarget, db.Name())
		case err != nil:
			return since, fmt.Errorf("%w: %s was begun to be filled by another version (%w): name a new file, or an empty PostgreSQL database", ErrTarget, db.Name(), err)
		}
	} else if err != nil {
		return since, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return since, err
	}
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		hold, err := store.ReadHold(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := store.ReadPortal(ctx, tx); hold.What == "" && !errors.Is(err, store.ErrNone) {
			return fmt.Errorf("%w: somebody has set %s up meanwhile", ErrTarget, db.Name())
		}
		since, err = store.SetHold(ctx, tx, what, place)
		return err
	})
	return since, err
}

// follow takes the time over that the rows remember.
func follow(ctx context.Context, db *store.DB, clk *clock.Clock, demo bool) error {
	state, err := clock.Load(ctx, db, clk)
	if err != nil {
		return err
	}
	if demo {
		clk.Jump(state.DemoOffset)
		clk.Accept()
	}
	clk.Raise(state.Latest)
	return nil
}

// finish makes void what may have been used or ended since the backup was taken, and
// gives the database free: all in one transaction.
func (c *Copy) finish(ctx context.Context, to Target, since time.Time, void *Void) error {
	if err := follow(ctx, to.DB, to.Clock, c.Header.Demo); err != nil {
		return err
	}
	keys, err := to.Keys(ctx)
	if err != nil {
		return err
	}
	return to.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if *void, err = end(ctx, tx, c.Header.Taken, to.House); err != nil {
			return err
		}
		detail := void.detail()
		detail["taken"], detail["version"], detail["file"] = c.Header.Taken.UTC().Format(time.RFC3339), c.Header.Product, to.Place
		err = audit.Record(ctx, tx, keys, audit.Entry{Chain: audit.Operators, Act: "portal:backup:restored", Actor: to.By, Subject: "portal", Detail: detail})
		if err != nil {
			return err
		}
		return store.EndHold(ctx, tx, since)
	})
}
