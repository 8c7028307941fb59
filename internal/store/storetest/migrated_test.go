package storetest

import (
	"context"
	"testing"
	"time"

	"nidan/internal/store"
)

// Otherwise each test would make the tables after all, and only the clock would tell.
func TestACopyIsWholeAndNeedsNoMigration(t *testing.T) {
	for name, copied := range map[string]func(testing.TB) string{"sqlite": SQLite, "postgresql": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				db, err := store.Open(context.Background(), copied(t), func() time.Time { return Start })
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				if empty, err := db.Schema(t.Context()); err != nil || empty {
					t.Errorf("empty: %v, %v", empty, err)
				}
				if applied, err := db.Migrate(t.Context()); err != nil || len(applied) != 0 {
					t.Errorf("applied %d steps, %v", len(applied), err)
				}
			}
		})
	}
}

func TestOneTestWritesIntoNoOtherTestsCopy(t *testing.T) {
	for name, copied := range map[string]func(testing.TB) string{"sqlite": SQLite, "postgresql": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				w := Open(t, copied(t))
				err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.Exec(ctx, `create table mark (id text primary key)`)
					return err
				})
				if err != nil {
					t.Errorf("a fresh copy already had the table: %v", err)
				}
			}
		})
	}
}
