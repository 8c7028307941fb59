package keyring

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Column is a column of sealed values, as the room that owns it knows it. The
// statements are the room's own and stand in its store file.
type Column struct {
	Name    string // "totp.secret"
	Purpose secret.Purpose
	// Row names a row, by its primary key, as the room does where it seals.
	Row func(key []any) string
	// First is in front of every primary key.
	First []any
	// Next asks for the next rows that hold a value of another key: by the primary key
	// after which, the first byte of those that need nothing, and how many. It answers
	// primary key and value, in the order of the primary key.
	Next string
	// Put replaces a value that is still the old one: by the new value, the primary key
	// and the old value.
	Put string
	// Count counts the values by their first byte.
	Count string
	// Batch is how many rows are sealed anew in one transaction; zero: Batch.
	Batch int
}

// Batch is how many rows are sealed anew in one transaction: few, since others wait
// for it on SQLite and may have to begin anew on PostgreSQL.
const Batch = 100

// breath is between two batches: sign-ins go first.
const breath = time.Millisecond

// Done is what came of one walk through a column.
type Done struct {
	Sealed int64    // anew
	Left   int64    // changed by others meanwhile, or gone
	Stuck  int64    // opens with no key of the file
	Rows   []string // the first of those
}

// Add adds up.
func (d *Done) Add(more Done) {
	d.Sealed, d.Left, d.Stuck = d.Sealed+more.Sealed, d.Left+more.Left, d.Stuck+more.Stuck
	d.Rows = append(d.Rows, more.Rows...)
	d.Rows = d.Rows[:min(len(d.Rows), stuckShown)]
}

const stuckShown = 5

// found is one value with its primary key.
type found struct {
	key           []any
	sealed, fresh []byte
}

// Reseal walks once through a column and seals anew what another key than the one that
// seals now has sealed. Where it is stands nowhere: what is done shows in the rows.
func (c Column) Reseal(ctx context.Context, db *store.DB, keys *secret.Keys, tell func(n int64)) (done Done, err error) {
	most := c.Batch
	if most == 0 {
		most = Batch
	}
	seals := keys.Seals()
	for from := c.First; ; {
		rows, err := c.next(ctx, db, from, seals, most)
		if err != nil {
			return done, fmt.Errorf("%s: %w", c.Name, err)
		}
		if len(rows) == 0 {
			return done, nil
		}
		from = rows[len(rows)-1].key
		some := rows[:0]
		for _, f := range rows {
			if f.fresh, err = keys.Reseal(c.Purpose, c.Row(f.key), f.sealed); err != nil {
				done.Add(Done{Stuck: 1, Rows: []string{fmt.Sprintf("%s of %s", c.Name, c.Row(f.key))}})
				continue
			}
			some = append(some, f)
		}
		n, err := c.put(ctx, db, some)
		if err != nil {
			return done, fmt.Errorf("%s: %w", c.Name, err)
		}
		done.Add(Done{Sealed: n, Left: int64(len(some)) - n})
		if tell != nil {
			tell(n)
		}
		select {
		case <-time.After(breath):
		case <-ctx.Done():
			return done, ctx.Err()
		}
	}
}

func (c Column) next(ctx context.Context, r store.Reader, from []any, seals byte, most int) (list []found, err error) {
	args := append(append([]any{}, from...), []byte{seals}, int64(most))
	rows, err := r.Query(ctx, c.Next, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		f := found{key: make([]any, len(c.First))}
		into := make([]any, 0, len(f.key)+1)
		for i := range f.key {
			into = append(into, &f.key[i])
		}
		if err := rows.Scan(append(into, &f.sealed)...); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// put writes a batch; a value that is not the old one any more stays as it is.
func (c Column) put(ctx context.Context, db *store.DB, rows []found) (n int64, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n = 0
		for _, f := range rows {
			args := append(append([]any{f.fresh}, f.key...), f.sealed)
			one, err := tx.Exec(ctx, c.Put, args...)
			if err != nil {
				return err
			}
			n += one
		}
		return nil
	})
	return n, err
}

// Sealed counts the values of a column by the key that sealed them.
func (c Column) Sealed(ctx context.Context, r store.Reader) (map[byte]int64, error) {
	rows, err := r.Query(ctx, c.Count)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	defer rows.Close()
	counts := map[byte]int64{}
	for rows.Next() {
		var first []byte
		var n int64
		if err := rows.Scan(&first, &n); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if len(first) == 0 {
			first = []byte{0}
		}
		counts[first[0]] += n
	}
	return counts, rows.Err()
}
