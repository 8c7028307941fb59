package importing

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"nidan/internal/account"
	"nidan/internal/keyring"
	"nidan/internal/organization"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// batchMost is how many rows one transaction takes: SQLite has one writer, and whoever
// signs in waits for it.
const batchMost = 1000

// judged is a row with what becomes of it.
type judged struct {
	Row
	Verdict
	key   string // of the organization's name
	known Known  // what decided, for asking again
	org   organization.Organization
}

// piece is some rows of a file that were read, before anything else is asked.
type piece struct {
	rows  []Row
	first []int64 // of each row: the line that has its address already, or 0
	read  float64 // of the file, of 1
	err   error   // after these rows: io.EOF at the file's end
}

// walk reads a file in pieces, ahead of who writes them.
type walk struct {
	rows   *rows
	seen   map[[16]byte]int64 // digests of addresses: the line on which each stands first
	pieces chan piece
}

func begin(ctx context.Context, in *rows) *walk {
	w := &walk{rows: in, seen: map[[16]byte]int64{}, pieces: make(chan piece, 1)}
	go w.run(ctx)
	return w
}

// run reads until the file or ctx ends.
func (w *walk) run(ctx context.Context) {
	defer close(w.pieces)
	for {
		p := w.piece()
		select {
		case w.pieces <- p:
		case <-ctx.Done():
			return
		}
		if p.err != nil {
			return
		}
	}
}

func (w *walk) piece() (p piece) {
	for len(p.rows) < batchMost {
		row, err := w.rows.next()
		if err != nil {
			p.err = err
			break
		}
		row.key = row.Key()
		p.rows, p.first = append(p.rows, row), append(p.first, w.before(row))
	}
	p.read, _ = w.rows.told()
	return p
}

// before is the line on which the file has a row's address already; 0: this is the first.
func (w *walk) before(row Row) int64 {
	if row.key == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(row.key))
	digest := [16]byte(sum[:])
	if line := w.seen[digest]; line != 0 {
		return line
	}
	w.seen[digest] = row.Line
	return 0
}

// judge says what becomes of a piece's rows, by what stands in the database. made are
// organizations that this import has made or would make, by the keys of their names.
func (d *Desk) judge(ctx context.Context, p piece, has [columns]bool, made map[string]string) ([]judged, error) {
	var addresses, names []string
	asked := map[string]bool{}
	list := make([]judged, len(p.rows))
	ending := false
	for i, row := range p.rows {
		list[i] = judged{Row: row, key: organization.NameKey(row.Cells[Organization])}
		if row.key != "" {
			addresses = append(addresses, row.key)
		}
		if key := list[i].key; key != "" && !asked[key] && len(row.Cells[Organization]) <= 4*longest {
			asked[key] = true
			names = append(names, key)
		}
		ending = ending || row.Cells[PeriodEnd] != ""
	}
	holders, err := account.ByAddresses(ctx, d.DB, addresses)
	if err != nil {
		return nil, err
	}
	organizations, err := organization.ByNames(ctx, d.DB, names)
	if err != nil {
		return nil, err
	}
	var book rollout.Book
	var finished map[string]bool
	if ending {
		if book, err = rollout.ReadBook(ctx, d.DB); err != nil {
			return nil, err
		}
		if finished, err = rollout.Finished(ctx, d.DB, d.Keys, endings(p.rows)); err != nil {
			return nil, err
		}
	}
	now := d.Site.Now()
	for i := range list {
		one := &list[i]
		o, there := organizations[one.key]
		if !there {
			o = organization.Organization{ID: made[one.key], Name: one.Cells[Organization]}
		}
		one.org = o
		one.known = Known{Now: now, Columns: has, First: p.first[i], Holder: holders[one.Row.key], Organization: o, Finished: finished[one.Row.key]}
		if one.known.Holder.Organization == o.ID {
			one.known.Company = o.Name
		}
		if one.Cells[PeriodEnd] != "" {
			one.known.Plans = book.Of(o.ID)
		}
		one.Verdict = Judge(one.Row, one.known)
		if one.Outcome == Added && one.org.ID == "" {
			one.org.ID = secret.ID()
			made[one.key] = one.org.ID
			one.Verdict.Account.Organization = one.org.ID
		}
	}
	return list, nil
}

// endings are the addresses of rows that ask for an end of their own.
func endings(rows []Row) (keys []string) {
	for _, row := range rows {
		if row.Cells[PeriodEnd] != "" && row.key != "" {
			keys = append(keys, row.key)
		}
	}
	return keys
}

// line is a row that is not added, as reports say it.
func (j judged) line() Line {
	return Line{Line: j.Row.Line, Outcome: j.Outcome.String(), Organization: shown(j.Cells[Organization]), Email: shown(j.Cells[Email]), Why: j.Why}
}

// shown is a stranger's text as both engines keep it, and no longer than a line.
func shown(text string) string { return listed([]string{text}) }

// Tell is told how far an import has come: rows so far, and how much of the file, of 1.
type Tell func(t Tally, read float64)

// Check is the dry run: what an import would do, with nothing written. see is told of
// each row that would not be added.
func (d *Desk) Check(ctx context.Context, f *File, o Options, see func(Line) error, tell Tell) (t Tally, unread string, err error) {
	in, err := f.read(ctx, o)
	if err != nil {
		return Tally{}, "", err
	}
	defer in.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	made := map[string]string{}
	w := begin(ctx, in)
	defer func() { stop(); w.drain() }()
	for p := range w.pieces {
		before := len(made)
		list, err := d.judge(ctx, p, in.has, made)
		if err != nil {
			return t, "", err
		}
		for _, one := range list {
			t.count(one.Verdict, one.key, one.Cells[Organization])
			if before != len(made) && made[one.key] != "" && one.org.ID == made[one.key] {
				if s := t.share(one.key, one.Cells[Organization]); s != nil {
					s.New = true
				}
			}
			if one.Outcome != Added {
				if err := see(one.line()); err != nil {
					return t, "", err
				}
			}
		}
		t.Organizations = int64(len(made))
		tell(t, p.read)
		if p.err != nil && !errors.Is(p.err, io.EOF) {
			return t, "", p.err
		}
	}
	_, left := in.told()
	return t, listed(left), ctx.Err()
}

// drain waits until nobody reads the file any more.
func (w *walk) drain() {
	for range w.pieces {
	}
}

// stale says that what a batch was decided by has changed since.
var errStale = errors.New("what was decided by has changed")

// triesMost is how often a batch is decided anew when somebody else was faster, and how
// often a run is begun on nodes that die by it.
const triesMost = 5

// again says whether a batch has to be decided anew.
func again(err error) bool {
	return errors.Is(err, errStale) || errors.Is(err, store.ErrTaken) || errors.Is(err, keyring.ErrRetired)
}

// fresh asks in the transaction for what may have changed since the batch was decided:
// its organizations, and the dates of those who get an end of their own.
func fresh(ctx context.Context, tx *store.Tx, b *batch) error {
	found, err := organization.ByNames(ctx, tx, b.names)
	if err != nil {
		return err
	}
	for key, o := range found {
		if was := b.organizations[key]; was.ID != o.ID || was.Suspended.IsZero() != o.Suspended.IsZero() {
			return errStale
		}
	}
	if len(b.later) == 0 {
		return nil
	}
	book, err := rollout.ReadBook(ctx, tx)
	if err != nil {
		return err
	}
	for _, one := range b.ends {
		known := one.known
		known.Now, known.Plans = tx.Now(), book.Of(one.org.ID)
		if v := Judge(one.Row, known); v.Outcome != Added || !v.Until.Equal(one.Until) || v.Plan != one.Plan {
			return errStale
		}
	}
	return nil
}
