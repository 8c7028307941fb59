package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Why says how a chain is broken.
type Why string

// The ways to break a chain.
const (
	Altered    Why = "altered"    // the row is not as it was written, or was written without the key
	Unreadable Why = "unreadable" // a column does not even hold the right kind of value
	Missing    Why = "missing"    // there is no such row, though there are later ones
	Reordered  Why = "reordered"  // the row does not follow the one in front of it
	Replaced   Why = "replaced"   // another row stood here when the heads were linked
	Cut        Why = "cut"        // the chain ends in front of this row, which was there when the heads were linked
	Removed    Why = "removed"    // the whole chain is gone
)

// Break is the first broken row of a chain.
type Break struct {
	Chain string
	Seq   int64
	Why   Why
}

// String is a break for the console.
func (b Break) String() string { return fmt.Sprintf("chain %s, row %d: %s", b.Chain, b.Seq, b.Why) }

// Report is what Verify found.
type Report struct {
	Rows   int64
	Chains int
	Broken []Break // at most one a chain; empty when all is well

	// LinkedAt is when the heads were last linked: what was cut off since then
	// cannot be found. The zero time: never.
	LinkedAt time.Time
	// Head is where the operators' chain stands. Kept elsewhere, it finds a cut in
	// that chain too: the row it names must still be there with its digest.
	Head string
}

// Verify walks every chain in pages and names the first broken row of each. It
// may run beside a working portal. progress, if any, is told how far it is.
func Verify(ctx context.Context, r store.Reader, keys *secret.Keys, progress func(done, total int64)) (Report, error) {
	all, err := total(ctx, r)
	if err != nil {
		return Report{}, fmt.Errorf("audit verify: %w", err)
	}
	v := &verifier{r: r, keys: keys, progress: progress, total: all, linked: map[string]head{}, met: map[string]bool{}}
	// The operators' chain first: its links say how far the others must reach.
	if err := v.chain(ctx, Operators); err != nil {
		return Report{}, err
	}
	err = eachChain(ctx, r, func(chain string) error {
		if chain == Operators {
			return nil
		}
		return v.chain(ctx, chain)
	})
	if err != nil {
		return Report{}, err
	}
	for chain, h := range v.linked {
		if !v.met[chain] {
			v.report.Broken = append(v.report.Broken, Break{chain, h.First, Removed})
		}
	}
	v.report.Chains = len(v.met)
	slices.SortFunc(v.report.Broken, func(a, b Break) int { return strings.Compare(a.Chain, b.Chain) })
	return v.report, nil
}

// verifier is one run of Verify.
type verifier struct {
	r        store.Reader
	keys     *secret.Keys
	progress func(done, total int64)
	done     int64
	total    int64
	linked   map[string]head // by chain, the newest link met so far
	met      map[string]bool
	report   Report
}

// chain verifies one chain. A Trim between two pages looks like missing rows, so
// those are looked for twice, the second time with the links as they are by then.
func (v *verifier) chain(ctx context.Context, chain string) error {
	w, err := v.walk(ctx, chain)
	if err != nil {
		return err
	}
	if w.broken != nil && w.broken.Why == Missing {
		if _, err := v.walk(ctx, Operators); err != nil {
			return err
		}
		if w, err = v.walk(ctx, chain); err != nil {
			return err
		}
	}
	if w.rows == 0 {
		return nil
	}
	v.met[chain] = true
	v.report.Rows += w.rows
	if w.broken != nil {
		v.report.Broken = append(v.report.Broken, *w.broken)
	}
	if chain == Operators {
		v.report.Head = head{Operators, w.first, w.last.Seq, w.last.Digest}.String()
	}
	return nil
}

// walk is one pass over one chain.
type walk struct {
	chain  string
	link   head // as known when the walk began; the zero head when there is none
	rows   int64
	first  int64
	last   Row
	broken *Break
}

func (w *walk) breaks(seq int64, why Why) {
	if w.broken == nil {
		w.broken = &Break{w.chain, seq, why}
	}
}

func (v *verifier) walk(ctx context.Context, chain string) (*walk, error) {
	w := &walk{chain: chain, link: v.linked[chain]}
	for seq := beginning; ; {
		rows, err := following(ctx, v.r, chain, seq)
		if err != nil && !errors.Is(err, errUnreadable) {
			return nil, fmt.Errorf("audit verify %s: %w", chain, err)
		}
		for _, row := range rows {
			w.step(row, v.keys)
			v.learn(row)
			seq = row.Seq
		}
		v.tell(len(rows))
		if err != nil {
			w.rows++ // the row that nothing can be read of, and nothing behind it
			w.breaks(w.last.Seq+1, Unreadable)
		}
		if err != nil || len(rows) < batch {
			break
		}
	}
	w.finish(v.linked[chain])
	return w, nil
}

// step judges a row by itself and by the one in front of it.
func (w *walk) step(row Row, keys *secret.Keys) {
	if w.rows == 0 {
		w.first = row.Seq
	}
	switch {
	case w.rows > 0 && row.Seq != w.last.Seq+1:
		w.breaks(w.last.Seq+1, Missing)
	case !row.intact(keys):
		w.breaks(row.Seq, Altered)
	case w.rows > 0 && !secret.Equal(row.Previous, w.last.Digest):
		w.breaks(row.Seq, Reordered)
	case row.Seq == w.link.Last && !secret.Equal(row.Digest, w.link.Digest):
		w.breaks(row.Seq, Replaced)
	}
	w.last = row
	w.rows++
}

// finish judges both ends. A chain begins with its first row, or where Trim left
// off; newest is the newest link, which knows that.
func (w *walk) finish(newest head) {
	if w.rows == 0 {
		return
	}
	if from := max(newest.First, 1); w.first > from {
		w.broken = &Break{w.chain, from, Missing} // in front of whatever else was found
	}
	if w.last.Seq < w.link.Last {
		w.breaks(w.last.Seq+1, Cut)
	}
}

// learn keeps the heads of a link. A row that is not intact teaches nothing.
func (v *verifier) learn(row Row) {
	if row.Chain != Operators || row.Act != actLinked || !row.intact(v.keys) {
		return
	}
	heads, err := row.linked()
	if err != nil {
		return // written so by the holder of the key: nothing to compare with
	}
	for _, h := range heads {
		v.linked[h.Chain] = h
	}
	v.report.LinkedAt = row.At
}

func (v *verifier) tell(rows int) {
	v.done = min(v.done+int64(rows), v.total)
	if v.progress != nil {
		v.progress(v.done, v.total)
	}
}
