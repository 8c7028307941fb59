package rollout

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func write(t *testing.T, w storetest.World, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func version(t *testing.T, w storetest.World) int64 {
	t.Helper()
	v, err := maintenance.Version(t.Context(), w.DB)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestASavedRolloutComesBackAndEveryNodeHearsOfIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		before := version(t, w)
		var first, other Plan
		write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
			if first, err = Save(ctx, tx, Plan{Opens: on(5, 1), Ends: on(6, 1)}, "sato"); err != nil {
				return err
			}
			other, err = Save(ctx, tx, Plan{Organization: "yamada", Opens: on(4, 1), Ends: on(6, 1)}, "sato")
			return err
		})
		if after := version(t, w); after < before+2 {
			t.Errorf("two rollouts raised the version from %d to %d", before, after)
		}
		got, extended, err := Plans(t.Context(), w.DB)
		if err != nil || len(extended) != 0 {
			t.Fatal(extended, err)
		}
		if diff := cmp.Diff([]Plan{other, first}, got); diff != "" {
			t.Errorf("not what was saved, by opening (-saved +read):\n%s", diff)
		}
		if first.Planned != storetest.Start {
			t.Errorf("planned at %s", first.Planned)
		}
	})
}

func TestARolloutThatEndsBeforeItOpensIsNotKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := Save(ctx, tx, Plan{Opens: on(5, 1), Ends: on(5, 1)}, "sato")
			return err
		})
		if err == nil {
			t.Error("an empty period was kept")
		}
		if plans, _, err := Plans(t.Context(), w.DB); err != nil || len(plans) != 0 {
			t.Error(plans, err)
		}
	})
}

func TestANewExtensionReplacesTheOldAndTouchesNobodyElses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		suzuki := account.Ref{Organization: "yamada", ID: "suzuki"}
		yamada := account.Ref{Organization: "yamada"} // an organization's extension is of no holder
		aoba := account.Ref{Organization: "aoba"}
		var plan Plan
		write(t, w, func(ctx context.Context, tx *store.Tx) (err error) {
			plan, err = Save(ctx, tx, Plan{Opens: on(5, 1), Ends: on(6, 1)}, "sato")
			return err
		})
		before := version(t, w)
		extend := func(ref account.Ref, until time.Time) {
			write(t, w, func(ctx context.Context, tx *store.Tx) error {
				return Extend(ctx, tx, plan.ID, ref, until, "asked by mail", "sato")
			})
		}
		extend(yamada, on(7, 1))
		extend(suzuki, on(7, 15))
		extend(aoba, on(6, 15))
		extend(yamada, on(6, 20)) // shorter: the new one holds, not the longest
		if after := version(t, w); after < before+4 {
			t.Errorf("four extensions raised the version from %d to %d", before, after)
		}
		plans, extended, err := Plans(t.Context(), w.DB)
		if err != nil || len(plans) != 1 {
			t.Fatalf("one rollout with two extensions is read as %d: %v", len(plans), err)
		}
		want := map[[2]string]time.Time{{plan.ID, "yamada"}: on(6, 20), {plan.ID, "aoba"}: on(6, 15)}
		if diff := cmp.Diff(want, extended); diff != "" {
			t.Errorf("(-want +read):\n%s", diff)
		}
		if n := open(t, w, suzuki); n != 1 {
			t.Errorf("%d extensions of the account hold", n)
		}
		extend(suzuki, on(6, 10))
		if n := open(t, w, suzuki); n != 1 {
			t.Errorf("after a second one %d extensions of the account hold", n)
		}
	})
}

func open(t *testing.T, w storetest.World, ref account.Ref) (n int) {
	t.Helper()
	err := w.DB.QueryRow(t.Context(), `select count(*) from extension
		where organization_id = $1 and holder_id = $2 and replaced_at is null`, ref.Organization, ref.ID).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// By the digest of the address: whoever deletes an account and imports it again
// under another id finds the record there.
func TestTheEndOfGraceOutlivesTheAccountAndItsFirstRecordStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		first := account.Account{Ref: account.Ref{Organization: "yamada", ID: "1"}, EmailKey: "suzuki@example.jp"}
		again := account.Account{Ref: account.Ref{Organization: "yamada", ID: "2"}, EmailKey: "suzuki@example.jp"}
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			return FinishGrace(ctx, tx, w.Keys, first, "enrolled", "suzuki")
		})
		w.Clock.Set(storetest.Start.Add(time.Hour))
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			return FinishGrace(ctx, tx, w.Keys, again, "deleted", "sato")
		})
		var n int
		var why, by string
		var at store.Instant
		err := w.DB.QueryRow(t.Context(), `select count(*), max(why), max(ended_by), max(ended_at) from grace_end where address_digest = $1`,
			account.AddressDigest(w.Keys, "suzuki@example.jp")).Scan(&n, &why, &by, &at)
		if err != nil {
			t.Fatal(err)
		}
		if n != 1 || why != "enrolled" || by != "suzuki" || at.Time != storetest.Start {
			t.Errorf("%d records, the last: %s by %s at %s", n, why, by, at)
		}
	})
}

func TestTheEndOfGraceGoesWithAnAccountThatMoves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		digest := func(key string) []byte { return account.AddressDigest(w.Keys, key) }
		carry := func(from, to string) {
			write(t, w, func(ctx context.Context, tx *store.Tx) error {
				return CarryGrace(ctx, tx, account.Ref{Organization: "yamada", ID: "1"}, digest(from), digest(to))
			})
		}
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			return FinishGrace(ctx, tx, w.Keys, account.Account{Ref: account.Ref{Organization: "yamada", ID: "1"}, EmailKey: "old@example.jp"}, "enrolled", "suzuki")
		})
		carry("old@example.jp", "new@example.jp")
		carry("old@example.jp", "new@example.jp")
		carry("graced@example.jp", "elsewhere@example.jp")
		for key, want := range map[string]int{"old@example.jp": 1, "new@example.jp": 1, "graced@example.jp": 0, "elsewhere@example.jp": 0} {
			var n int
			err := w.DB.QueryRow(t.Context(), `select count(*) from grace_end
				where address_digest = $1 and organization_id = 'yamada' and holder_id = '1' and why = 'enrolled'`, digest(key)).Scan(&n)
			if err != nil || n != want {
				t.Errorf("%s: %d records, %v", key, n, err)
			}
		}
	})
}
