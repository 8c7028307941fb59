package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"nidan/internal/audit"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// entry is an act in a chain that somebody may well have done.
func entry(chain, subject string) audit.Entry {
	return audit.Entry{
		Chain: chain, Act: "account:method:changed", Actor: audit.Actor{Kind: audit.KindAccount, ID: "admin"},
		Subject: subject, Network: "203.0.113.7", Detail: map[string]string{"to": "mailotp", "from": "totp"},
	}
}

func record(t *testing.T, w storetest.World, entries ...audit.Entry) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return audit.Record(ctx, tx, w.Keys, entries...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fill writes n acts into a chain, one a minute.
func fill(t *testing.T, w storetest.World, chain string, n int) {
	t.Helper()
	for i := range n {
		record(t, w, entry(chain, fmt.Sprintf("account-%d", i+1)))
		pass(w, time.Minute)
	}
}

func pass(w storetest.World, d time.Duration) { w.Clock.Set(w.Clock.Now().Add(d)) }

func link(t *testing.T, w storetest.World) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return audit.LinkHeads(ctx, tx, w.Keys) })
	if err != nil {
		t.Fatal(err)
	}
}

// exec does what somebody with the database and without the key can do.
func exec(t *testing.T, w storetest.World, statement string, args ...any) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, statement, args...)
		if err == nil && n == 0 {
			t.Fatalf("nothing to tamper with: %s", statement)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func verify(t *testing.T, w storetest.World) audit.Report {
	t.Helper()
	report, err := audit.Verify(t.Context(), w.DB, w.Keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// finds checks that exactly these breaks are found.
func finds(t *testing.T, w storetest.World, want ...audit.Break) {
	t.Helper()
	if got := verify(t, w).Broken; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func read(t *testing.T, w storetest.World, f audit.Filter) []audit.Row {
	t.Helper()
	rows, err := audit.Read(t.Context(), w.DB, f)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestAnActIsReadAsItWasRecorded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		want := entry("org", "account-1")
		want.Detail["why"] = "<\"& 理由\x00\n"
		record(t, w, want)
		rows := read(t, w, audit.Filter{Chain: "org"})
		if len(rows) != 1 {
			t.Fatalf("%d rows, want 1", len(rows))
		}
		row := rows[0]
		if fmt.Sprintf("%q", row.Entry) != fmt.Sprintf("%q", want) || row.Seq != 1 || !row.At.Equal(storetest.Start) {
			t.Errorf("read %+v, want %+v", row, want)
		}
		finds(t, w)
	})
}

func TestAnEntryThatMustNotBeWrittenIsRefusedWithItsDeed(t *testing.T) {
	change := func(do func(e *audit.Entry)) audit.Entry {
		e := entry("org", "account-1")
		do(&e)
		return e
	}
	detail := func(name string) audit.Entry {
		return change(func(e *audit.Entry) { e.Detail = map[string]string{name: "x"} })
	}
	cases := map[string]audit.Entry{
		"no actor":              change(func(e *audit.Entry) { e.Actor = audit.Actor{} }),
		"an unknown actor":      change(func(e *audit.Entry) { e.Actor.Kind = "robot" }),
		"an account without id": change(func(e *audit.Entry) { e.Actor = audit.Actor{Kind: audit.KindAccount} }),
		"no chain":              change(func(e *audit.Entry) { e.Chain = "" }),
		"a chain with a colon":  change(func(e *audit.Entry) { e.Chain = "a:1:2" }),
		"no act":                change(func(e *audit.Entry) { e.Act = "" }),
		"an act in two words":   change(func(e *audit.Entry) { e.Act = "account:changed" }),
		"an act in four words":  change(func(e *audit.Entry) { e.Act = "account:method:was:changed" }),
		"an act in capitals":    change(func(e *audit.Entry) { e.Act = "Account:method:changed" }),
		"a password":            detail("old_password"),
		"a code":                detail("Code"),
		"a secret":              detail("totp_secret"),
		"a token":               detail("token_digest"),
	}
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		for name, e := range cases {
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return audit.Record(ctx, tx, w.Keys, entry("org", "account-1"), e)
			})
			if !errors.Is(err, audit.ErrEntry) {
				t.Errorf("%s: %v, want ErrEntry", name, err)
			}
		}
		if rows := read(t, w, audit.Filter{Chain: "org"}); len(rows) != 0 {
			t.Errorf("%d rows were written along with a refused one", len(rows))
		}
	})
}

func TestAStrangersWordsAreStoredOnBothEngines(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		e := entry(audit.Operators, "nobody\x00\xff")
		e.Actor = audit.Actor{Kind: audit.KindStranger}
		record(t, w, e)
		if got, want := read(t, w, audit.Filter{Chain: audit.Operators})[0].Subject, "nobody\uFFFD\uFFFD"; got != want {
			t.Errorf("the subject is %q, want %q", got, want)
		}
		finds(t, w)
	})
}

func TestSeveralEntriesChainOnWithoutReadingAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			ctx, trips := store.Counting(ctx)
			err := audit.Record(ctx, tx, w.Keys, entry("a", "1"), entry("b", "1"), entry("a", "2"), entry("a", "3"))
			if trips.Statements() != 2+4 {
				t.Errorf("%d statements, want a read for each of 2 chains and 4 inserts", trips.Statements())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		finds(t, w)
		if rows := read(t, w, audit.Filter{Chain: "a"}); len(rows) != 3 {
			t.Errorf("%d rows, want 3", len(rows))
		}
	})
}
