package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// PageSize is how many rows Read answers at most.
const PageSize = 50

// batch is how many rows are held at once by what walks whole chains, from the
// beginning: a row that was slipped in may have any number.
const (
	batch     = 500
	beginning = int64(math.MinInt64)
)

// Record appends entries to their chains, as part of the deed's own transaction:
// a deed without its record, or a record without its deed, is never committed.
// It costs a read for each chain and an insert for each entry.
func Record(ctx context.Context, tx *store.Tx, keys *secret.Keys, entries ...Entry) error {
	last := map[string]Row{}
	for _, e := range entries {
		if err := e.check(); err != nil {
			return err
		}
		before, ok := last[e.Chain]
		if !ok {
			var err error
			if before, err = newest(ctx, tx, e.Chain); err != nil {
				return fmt.Errorf("audit %s: %w", e.Act, err)
			}
		}
		row := e.after(before, tx.Now(), keys)
		if err := insert(ctx, tx, row); err != nil {
			return fmt.Errorf("audit %s: %w", e.Act, err)
		}
		last[e.Chain] = row
	}
	return nil
}

// newest is the end of a chain, or the zero Row before the first.
func newest(ctx context.Context, r store.Reader, chain string) (row Row, err error) {
	err = r.QueryRow(ctx, `select seq, digest from audit where chain = $1 order by seq desc limit 1`, chain).
		Scan(&row.Seq, &row.Digest)
	if errors.Is(err, store.ErrNone) {
		return Row{}, nil
	}
	return row, err
}

// insert ignores a conflict in order to be told of it rightly: when another
// transaction has just taken the place, PostgreSQL answers a serialization failure,
// which Write retries, where a plain insert may answer a duplicate key.
func insert(ctx context.Context, tx *store.Tx, row Row) error {
	there := fmt.Errorf("row %d of chain %s is there already", row.Seq, row.Chain)
	return tx.Later(ctx, there, `insert into audit
		(chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (chain, seq) do nothing`,
		row.Chain, row.Seq, store.Micros(row.At), row.Act, string(row.Actor.Kind), row.Actor.ID,
		row.Subject, row.Network, row.detail, row.Previous, row.Digest)
}

// LinkHeads writes where every chain stands into the operators' chain, once in a
// UTC day: whoever comes first does it, on any node; all others find it done.
func LinkHeads(ctx context.Context, tx *store.Tx, keys *secret.Keys) error {
	const day = 24 * time.Hour
	today := tx.Now().UTC().Truncate(day)
	var there bool
	err := tx.QueryRow(ctx, `select exists (select 1 from audit
		where chain = $1 and act = $2 and at >= $3 and at < $4)`,
		Operators, actLinked, store.Micros(today), store.Micros(today.Add(day))).Scan(&there)
	if err != nil {
		return fmt.Errorf("audit heads: %w", err)
	}
	if there {
		return nil
	}
	return link(ctx, tx, keys)
}

func link(ctx context.Context, tx *store.Tx, keys *secret.Keys) error {
	found, err := heads(ctx, tx)
	if err != nil {
		return fmt.Errorf("audit heads: %w", err)
	}
	return Record(ctx, tx, keys, linkEntries(found)...)
}

// heads are all chains' heads. The list of chains is made by stepping from one to
// the next over the primary key, so that its cost does not grow with the rows.
func heads(ctx context.Context, r store.Reader) ([]head, error) {
	rows, err := r.Query(ctx, `with recursive each (chain) as (
			select min(chain) from audit
			union all
			select (select min(a.chain) from audit a where a.chain > each.chain) from each where each.chain is not null
		)
		select each.chain, (select min(a.seq) from audit a where a.chain = each.chain), tail.seq, tail.digest
		from each join audit tail on tail.chain = each.chain
			and tail.seq = (select max(a.seq) from audit a where a.chain = each.chain)`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []head
	for rows.Next() {
		var h head
		if err := rows.Scan(&h.Chain, &h.First, &h.Last, &h.Digest); err != nil {
			return nil, err
		}
		found = append(found, h)
	}
	return found, rows.Err()
}

// Trim removes the rows past their retention from the beginning of each chain and
// links the heads anew, which vouches for the new beginnings. A chain keeps its
// last row whatever its age, so that numbering never starts again. It answers how
// many rows went.
func Trim(ctx context.Context, tx *store.Tx, keys *secret.Keys) (int64, error) {
	ends, err := outdated(ctx, tx, tx.Now().Add(-Retention))
	if err != nil {
		return 0, fmt.Errorf("audit trim: %w", err)
	}
	var gone int64
	for _, end := range ends {
		n, err := tx.Exec(ctx, `delete from audit where chain = $1 and seq <= $2
			and seq < (select max(a.seq) from audit a where a.chain = $1)`, end.Chain, end.Last)
		if err != nil {
			return 0, fmt.Errorf("audit trim: %w", err)
		}
		gone += n
	}
	if gone == 0 {
		return 0, nil
	}
	return gone, link(ctx, tx, keys)
}

// outdated is the last row of each chain that was written before an instant. Rows
// in front of it go as well, even where a clock once ran ahead and dated them later.
func outdated(ctx context.Context, r store.Reader, before time.Time) ([]head, error) {
	// In the order of time, so many at once: by their chains all rows were gone through.
	rows, err := r.Query(ctx, `select chain, max(seq) from (
			select o.chain, o.seq from audit o where o.at < $1 and o.seq < (select max(a.seq) from audit a where a.chain = o.chain)
			order by o.at limit 5000) old
		group by chain order by chain`, store.Micros(before))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ends []head
	for rows.Next() {
		var end head
		if err := rows.Scan(&end.Chain, &end.Last); err != nil {
			return nil, err
		}
		ends = append(ends, end)
	}
	return ends, rows.Err()
}

// Read answers a page of one chain, newest first.
func Read(ctx context.Context, r store.Reader, f Filter) ([]Row, error) {
	rows, err := r.Query(ctx, `select chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest
		from audit where chain = $1
			and ($2 = '' or act = $2) and ($3 = '' or subject = $3)
			and (cast($4 as bigint) = 0 or at >= $4) and (cast($5 as bigint) = 0 or at < $5)
			and (cast($6 as bigint) = 0 or seq < $6)
		order by seq desc limit $7`,
		f.Chain, f.Act, f.Subject, store.Micros(f.From), store.Micros(f.To), f.After, PageSize)
	if err != nil {
		return nil, fmt.Errorf("audit of %s: %w", f.Chain, err)
	}
	return scan(rows)
}

// following are the next rows of a chain, oldest first; beginning is in front of all.
func following(ctx context.Context, r store.Reader, chain string, seq int64) ([]Row, error) {
	rows, err := r.Query(ctx, `select chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest
		from audit where chain = $1 and seq > $2 order by seq limit $3`, chain, seq, batch)
	if err != nil {
		return nil, err
	}
	return scan(rows)
}

// eachChain calls do with the name of every chain in order, the empty name among
// them: it is nobody's, and a row that was slipped in may have it.
func eachChain(ctx context.Context, r store.Reader, do func(chain string) error) error {
	for chain := ""; ; {
		if err := do(chain); err != nil {
			return err
		}
		err := r.QueryRow(ctx, `select chain from audit where chain > $1 order by chain limit 1`, chain).Scan(&chain)
		if errors.Is(err, store.ErrNone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("audit chains: %w", err)
		}
	}
}

// total is how many rows there are in all.
func total(ctx context.Context, r store.Reader) (n int64, err error) {
	return n, r.QueryRow(ctx, `select count(*) from audit`).Scan(&n)
}

// errUnreadable is a row with a column that does not even hold the right kind of
// value; the rows before it are answered along with it.
var errUnreadable = errors.New("a row of the audit record is unreadable")

func scan(rows *store.Rows) ([]Row, error) {
	defer rows.Close()
	var list []Row
	for rows.Next() {
		var row Row
		var at store.Instant
		err := rows.Scan(&row.Chain, &row.Seq, &at, &row.Act, &row.Actor.Kind, &row.Actor.ID,
			&row.Subject, &row.Network, &row.detail, &row.Previous, &row.Digest)
		if err != nil {
			return list, fmt.Errorf("%w: %w", errUnreadable, err)
		}
		row.At = at.Time
		if json.Unmarshal([]byte(row.detail), &row.Detail) != nil {
			row.Detail = map[string]string{"unreadable": row.detail} // shown, and named by Verify
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
