package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nidan/internal/audit"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// tampering is what somebody with the database and without the key can do.
type tampering struct {
	name string
	do   []string // statements, one after another
	want []audit.Break
}

// finds tampers inside a transaction, checks what Verify finds there, and undoes it.
func (c tampering) finds(t *testing.T, w storetest.World) {
	t.Helper()
	undo := errors.New("undo")
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, statement := range c.do {
			if n, err := tx.Exec(ctx, statement); err != nil || n == 0 {
				return fmt.Errorf("%s: %d rows, %w", statement, n, err)
			}
		}
		report, err := audit.Verify(ctx, tx, w.Keys, nil)
		if err != nil {
			return err
		}
		if fmt.Sprint(report.Broken) != fmt.Sprint(c.want) {
			t.Errorf("%s: found %v, want %v", c.name, report.Broken, c.want)
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Errorf("%s: %v", c.name, err)
	}
}

func breaks(list ...audit.Break) []audit.Break { return list }

func TestAnUntouchedRecordIsWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		finds(t, w)
		fill(t, w, "org-1", 7)
		fill(t, w, "org-2", 3)
		link(t, w)
		fill(t, w, "org-1", 2)
		var last string
		report, err := audit.Verify(t.Context(), w.DB, w.Keys, func(done, total int64) { last = fmt.Sprintf("%d/%d", done, total) })
		if err != nil || report.Broken != nil {
			t.Fatalf("%v, %v", report.Broken, err)
		}
		if report.Rows != 13 || report.Chains != 3 || last != "13/13" {
			t.Errorf("%d rows in %d chains, progress %s; want 13 in 3", report.Rows, report.Chains, last)
		}
		if !strings.HasPrefix(report.Head, "operators:1:1:") || report.LinkedAt.IsZero() {
			t.Errorf("the operators' chain stands at %q, linked %s", report.Head, report.LinkedAt)
		}
	})
}

func TestEveryColumnIsUnderTheDigest(t *testing.T) {
	altered := breaks(audit.Break{Chain: "org", Seq: 3, Why: audit.Altered})
	moved := breaks(audit.Break{Chain: "org", Seq: 3, Why: audit.Missing}, audit.Break{Chain: "org-9", Seq: 1, Why: audit.Missing})
	cases := []tampering{
		{"chain", []string{`chain = 'org-9'`}, moved},
		{"seq", []string{`seq = 30`}, breaks(audit.Break{Chain: "org", Seq: 3, Why: audit.Missing})},
		{"at", []string{`at = at + 1`}, altered},
		{"act", []string{`act = 'account:method:kept'`}, altered},
		{"actor_kind", []string{`actor_kind = 'operator'`}, altered},
		{"actor", []string{`actor = 'somebody'`}, altered},
		{"subject", []string{`subject = 'account-9'`}, altered},
		{"network", []string{`network = ''`}, altered},
		{"detail", []string{`detail = '{"from":"mailotp","to":"totp"}'`}, altered},
		{"the spelling of detail", []string{`detail = '{"to":"mailotp","from":"totp"}'`}, altered},
		{"a detail that is not JSON", []string{`detail = 'gone'`}, altered},
		{"previous", []string{`previous = digest`}, altered},
		{"digest", []string{`digest = previous`}, altered},
	}
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 5)
		for _, c := range cases {
			c.do = []string{fmt.Sprintf(`update audit set %s where chain = 'org' and seq = 3`, c.do[0])}
			c.finds(t, w)
		}
	})
}

func TestTakingRowsOutPuttingThemInOrSwappingThemIsFound(t *testing.T) {
	copied := `insert into audit (chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest)
		select %s, at, act, actor_kind, actor, subject, network, detail, previous, digest from audit where chain = 'org' and seq = 5`
	cases := []tampering{
		{"a row in the middle", []string{`delete from audit where chain = 'org' and seq = 3`},
			breaks(audit.Break{Chain: "org", Seq: 3, Why: audit.Missing})},
		{"the first rows", []string{`delete from audit where chain = 'org' and seq < 3`},
			breaks(audit.Break{Chain: "org", Seq: 1, Why: audit.Missing})},
		{"the first of two broken rows is named", []string{
			`delete from audit where chain = 'org' and seq = 4`, `update audit set subject = '' where chain = 'org' and seq = 2`},
			breaks(audit.Break{Chain: "org", Seq: 2, Why: audit.Altered})},
		{"a break in each of two chains", []string{
			`delete from audit where chain = 'org' and seq = 4`, `update audit set subject = '' where chain = 'next' and seq = 2`},
			breaks(audit.Break{Chain: "next", Seq: 2, Why: audit.Altered}, audit.Break{Chain: "org", Seq: 4, Why: audit.Missing})},
		{"two rows swapped", []string{
			`update audit set seq = 99 where chain = 'org' and seq = 2`,
			`update audit set seq = 2 where chain = 'org' and seq = 3`,
			`update audit set seq = 3 where chain = 'org' and seq = 99`},
			breaks(audit.Break{Chain: "org", Seq: 2, Why: audit.Altered})},
		{"a row closed up over a gap", []string{
			`delete from audit where chain = 'org' and seq = 4`, `update audit set seq = 4 where chain = 'org' and seq = 5`},
			breaks(audit.Break{Chain: "org", Seq: 4, Why: audit.Altered})},
		{"a row copied to the end", []string{fmt.Sprintf(copied, `chain, 6`)},
			breaks(audit.Break{Chain: "org", Seq: 6, Why: audit.Altered})},
		{"a row put in front of all", []string{fmt.Sprintf(copied, `chain, -7`)},
			breaks(audit.Break{Chain: "org", Seq: -7, Why: audit.Altered})},
		{"a row in nobody's chain", []string{fmt.Sprintf(copied, `'', 1`)},
			breaks(audit.Break{Chain: "", Seq: 1, Why: audit.Altered})},
	}
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 5)
		fill(t, w, "next", 3)
		for _, c := range cases {
			c.finds(t, w)
		}
	})
}

func TestWhatIsCutOffBehindALinkIsFound(t *testing.T) {
	cases := []tampering{
		{"the end", []string{`delete from audit where chain = 'org' and seq >= 4`},
			breaks(audit.Break{Chain: "org", Seq: 4, Why: audit.Cut})},
		{"the row that was linked", []string{`delete from audit where chain = 'org' and seq >= 5`},
			breaks(audit.Break{Chain: "org", Seq: 5, Why: audit.Cut})},
		{"only what came since the link", []string{`delete from audit where chain = 'org' and seq >= 6`}, nil},
		{"a whole chain", []string{`delete from audit where chain = 'org'`},
			breaks(audit.Break{Chain: "org", Seq: 1, Why: audit.Removed})},
		{"the chain and, in its link, its name", []string{`delete from audit where chain = 'org'`,
			`update audit set detail = replace(detail, 'org', 'gro') where chain = 'operators' and act = 'portal:heads:linked'`},
			breaks(audit.Break{Chain: "operators", Seq: 2, Why: audit.Altered})},
		{"the chain and the link", []string{`delete from audit where chain = 'org'`,
			`delete from audit where chain = 'operators' and act = 'portal:heads:linked'`},
			breaks(audit.Break{Chain: "operators", Seq: 2, Why: audit.Missing})},
	}
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, audit.Operators, 1)
		fill(t, w, "org", 5)
		fill(t, w, "next", 3)
		link(t, w)
		fill(t, w, "org", 2)
		fill(t, w, audit.Operators, 2)
		for _, c := range cases {
			c.finds(t, w)
		}
	})
}

func TestAnEndThatWasCutOffAndGrewAgainIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 5)
		link(t, w)
		exec(t, w, `delete from audit where chain = 'org' and seq >= 4`)
		fill(t, w, "org", 9) // the portal itself goes on, with its key
		finds(t, w, audit.Break{Chain: "org", Seq: 5, Why: audit.Replaced})
	})
}

func TestARowPutBackBehindAnotherThanItsOwnIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 5)
		fifth := read(t, w, audit.Filter{Chain: "org"})[0]
		exec(t, w, `delete from audit where chain = 'org' and seq >= 4`)
		fill(t, w, "org", 2)
		exec(t, w, `update audit set at = $1, subject = $2, previous = $3, digest = $4 where chain = 'org' and seq = 5`,
			store.Micros(fifth.At), fifth.Subject, fifth.Previous, fifth.Digest)
		finds(t, w, audit.Break{Chain: "org", Seq: 5, Why: audit.Reordered})
	})
}

func TestWithAnotherKeyNothingIsBelieved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 3)
		link(t, w)
		keys, err := secret.NewKeys([]byte(strings.Repeat("k", 32)))
		if err != nil {
			t.Fatal(err)
		}
		report, err := audit.Verify(t.Context(), w.DB, keys, nil)
		want := breaks(audit.Break{Chain: "operators", Seq: 1, Why: audit.Altered}, audit.Break{Chain: "org", Seq: 1, Why: audit.Altered})
		if err != nil || fmt.Sprint(report.Broken) != fmt.Sprint(want) {
			t.Errorf("found %v (%v), want %v", report.Broken, err, want)
		}
	})
}

// SQLite takes any value into any column; PostgreSQL cannot hold such a row.
func TestARowThatCannotEvenBeReadIsNamed(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	fill(t, w, "org", 5)
	fill(t, w, "next", 2)
	tampering{"text for an instant", []string{`update audit set at = 'soon' where chain = 'org' and seq = 3`},
		breaks(audit.Break{Chain: "org", Seq: 3, Why: audit.Unreadable})}.finds(t, w)
	tampering{"text for a number", []string{`update audit set seq = 'last' where chain = 'org' and seq = 5`},
		breaks(audit.Break{Chain: "org", Seq: 5, Why: audit.Unreadable})}.finds(t, w)
}

func TestTheFirstBrokenRowIsFoundBehindManyPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var many []audit.Entry
		for i := range 1201 {
			many = append(many, entry("org", fmt.Sprint(i)))
		}
		record(t, w, many...)
		finds(t, w)
		tampering{"the last", []string{`update audit set subject = '' where seq = 1201`},
			breaks(audit.Break{Chain: "org", Seq: 1201, Why: audit.Altered})}.finds(t, w)
		tampering{"the first of a page", []string{`delete from audit where seq = 501`},
			breaks(audit.Break{Chain: "org", Seq: 501, Why: audit.Missing})}.finds(t, w)
	})
}

// trimming is a reader in front of which the portal trims, once.
type trimming struct {
	store.Reader
	trim func()
	left int // pages of the chain until then
}

func (r *trimming) Query(ctx context.Context, text string, args ...any) (*store.Rows, error) {
	if len(args) > 0 && args[0] == "org" {
		if r.left--; r.left == 0 {
			r.trim()
		}
	}
	return r.Reader.Query(ctx, text, args...)
}

func TestATrimInTheMiddleOfAVerificationIsNotTakenForTampering(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var many []audit.Entry
		for i := range 700 {
			many = append(many, entry("org", fmt.Sprint(i)))
		}
		record(t, w, many...)
		fill(t, w, "next", 1)
		link(t, w)
		pass(w, audit.Retention+24*time.Hour)
		fill(t, w, "org", 3)
		for page := 1; page <= 2; page++ {
			reader := &trimming{Reader: w.DB, trim: func() { trim(t, w) }, left: page}
			report, err := audit.Verify(t.Context(), reader, w.Keys, nil)
			if err != nil || report.Broken != nil {
				t.Errorf("trimmed in front of page %d: %v, %v", page, report.Broken, err)
			}
			pass(w, audit.Retention+24*time.Hour)
			record(t, w, many...)
		}
	})
}
