package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/audit"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func trim(t *testing.T, w storetest.World) (gone int64) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		gone, err = audit.Trim(ctx, tx, w.Keys)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return gone
}

func links(t *testing.T, w storetest.World) []audit.Row {
	t.Helper()
	return read(t, w, audit.Filter{Chain: audit.Operators, Act: "portal:heads:linked"})
}

func TestTwentyWritersAtOnceLeaveNoGap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var group sync.WaitGroup
		for writer := range 20 {
			group.Go(func() {
				for i := range 3 {
					e := entry("org", fmt.Sprintf("%d-%d", writer, i))
					err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						return audit.Record(ctx, tx, w.Keys, e)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if report := verify(t, w); report.Rows != 60 || report.Broken != nil {
			t.Errorf("%d rows, want 60; broken: %v", report.Rows, report.Broken)
		}
	})
}

func TestTheHeadsAreLinkedOnceADayByWhoeverComesFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 2)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { link(t, w) })
		}
		group.Wait()
		if n := len(links(t, w)); n != 1 {
			t.Errorf("%d links on the first day, want 1", n)
		}
		pass(w, w.Clock.Now().Truncate(24*time.Hour).Add(24*time.Hour-time.Microsecond).Sub(w.Clock.Now()))
		link(t, w)
		if n := len(links(t, w)); n != 1 {
			t.Errorf("%d links at the day's last instant, want 1", n)
		}
		pass(w, time.Microsecond)
		link(t, w)
		if n := len(links(t, w)); n != 2 {
			t.Errorf("%d links on the second day, want 2", n)
		}
		finds(t, w)
	})
}

func TestALinkOfManyChainsTakesSeveralRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var many []audit.Entry
		for i := range 250 {
			many = append(many, entry(fmt.Sprintf("org-%03d", i), "account"))
		}
		record(t, w, many...)
		link(t, w)
		rows := links(t, w)
		if len(rows) != 3 || rows[0].Detail["part"] != "3/3" || rows[0].Detail["chains"] != "250" {
			t.Errorf("%d rows, the last of them %v", len(rows), rows[0].Detail)
		}
		for _, row := range rows {
			if size := len(row.Detail["heads"]); size > 10<<10 {
				t.Errorf("a row of %d bytes", size)
			}
		}
		for _, gone := range []string{"org-000", "org-100", "org-249"} {
			tampering{"a chain gone", []string{`delete from audit where chain = '` + gone + `'`},
				breaks(audit.Break{Chain: gone, Seq: 1, Why: audit.Removed})}.finds(t, w)
		}
	})
}

func TestTrimTakesTheBeginningAndVouchesForIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 5)
		fill(t, w, "quiet", 3)
		link(t, w)
		pass(w, audit.Retention/2)
		fill(t, w, "org", 2)
		if gone := trim(t, w); gone != 0 || len(links(t, w)) != 1 {
			t.Errorf("%d rows went before their time, %d links", gone, len(links(t, w)))
		}
		pass(w, audit.Retention/2)
		if gone := trim(t, w); gone != 5+2 { // of the quiet chain and the operators' the last row stays
			t.Errorf("%d rows went, want 7", gone)
		}
		finds(t, w)
		if rows := read(t, w, audit.Filter{Chain: "org"}); len(rows) != 2 || rows[1].Seq != 6 {
			t.Errorf("left: %v, want rows 6 and 7", rows)
		}
		fill(t, w, "quiet", 1)
		if rows := read(t, w, audit.Filter{Chain: "quiet"}); rows[0].Seq != 4 {
			t.Errorf("the chain goes on with row %d, want 4", rows[0].Seq)
		}
		tampering{"more than was trimmed", []string{`delete from audit where chain = 'org' and seq = 6`},
			breaks(audit.Break{Chain: "org", Seq: 6, Why: audit.Missing})}.finds(t, w)
		pass(w, audit.Retention+24*time.Hour)
		if trim(t, w) == 0 {
			t.Error("nothing went a second time")
		}
		finds(t, w)
	})
}

func TestAPageIsNewestFirstAndGoesOnAfterTheLast(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 120)
		fill(t, w, "next", 3)
		var after, want int64 = 0, 120
		for _, size := range []int{audit.PageSize, audit.PageSize, 20, 0} {
			rows := read(t, w, audit.Filter{Chain: "org", After: after})
			if len(rows) != size {
				t.Fatalf("a page of %d rows, want %d", len(rows), size)
			}
			for _, row := range rows {
				if row.Seq != want || row.Chain != "org" {
					t.Fatalf("row %d of %s, want %d", row.Seq, row.Chain, want)
				}
				after, want = row.Seq, want-1
			}
		}
	})
}

func TestAFilterChoosesByInstantActAndSubject(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		fill(t, w, "org", 10)
		other := entry("org", "account-3")
		other.Act = "account:address:changed"
		record(t, w, other)
		minute := func(n int) time.Time { return storetest.Start.Add(time.Duration(n) * time.Minute) }
		cases := []struct {
			filter audit.Filter
			want   string
		}{
			{audit.Filter{Subject: "account-3"}, "11 3"},
			{audit.Filter{Act: "account:address:changed"}, "11"},
			{audit.Filter{Act: "account:method:changed", Subject: "account-3"}, "3"},
			{audit.Filter{From: minute(8)}, "11 10 9"},
			{audit.Filter{To: minute(2)}, "2 1"},
			{audit.Filter{From: minute(2), To: minute(4)}, "4 3"},
			{audit.Filter{From: minute(2), To: minute(4), After: 4}, "3"},
			{audit.Filter{Subject: "' or 1=1 --"}, ""},
		}
		for _, c := range cases {
			c.filter.Chain = "org"
			var seqs []string
			for _, row := range read(t, w, c.filter) {
				seqs = append(seqs, fmt.Sprint(row.Seq))
			}
			if got := strings.Join(seqs, " "); got != c.want {
				t.Errorf("%+v: rows %s, want %s", c.filter, got, c.want)
			}
		}
	})
}

func TestAnExportHoldsEveryRowOfEveryChainInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var many []audit.Entry
		for i := range 501 {
			many = append(many, entry("org", fmt.Sprint(i)))
		}
		record(t, w, many...)
		fill(t, w, "next", 2)
		link(t, w)
		var out bytes.Buffer
		if err := audit.Export(t.Context(), w.DB, &out); err != nil {
			t.Fatal(err)
		}
		previous := map[string]string{}
		counted := map[string]int64{}
		for text := range strings.Lines(out.String()) {
			var line struct {
				Chain, Act, Previous, Digest, At string
				Seq                              int64
				Detail                           map[string]string
			}
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
			counted[line.Chain]++
			if line.Seq != counted[line.Chain] || line.Previous != previous[line.Chain] || len(line.Digest) != 64 || len(line.Detail) == 0 {
				t.Fatalf("line %s does not follow its chain", text)
			}
			previous[line.Chain] = line.Digest
		}
		if got := fmt.Sprint(counted); got != "map[next:2 operators:1 org:501]" {
			t.Errorf("exported %s", got)
		}
	})
}
