package web

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// A node that was silent while its portal was moved away learns of it and gives up.
func TestANodeGivesUpADatabaseThatWasMovedAway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		p := portal(t, w, false)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return store.MarkPortal(ctx, tx, w.Keys.Digest(secret.ForKey, "portal"), false)
		})
		if err != nil {
			t.Fatal(err)
		}
		var held error
		p.Held = func(err error) { held = err }
		if err := p.FollowKeys(t.Context()); err != nil || held != nil {
			t.Fatalf("%v, %v", err, held)
		}
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := store.SetHold(ctx, tx, store.Moved, "elsewhere")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.FollowKeys(t.Context()); !errors.Is(err, store.ErrHeld) || !errors.Is(held, store.ErrHeld) {
			t.Errorf("%v, %v", err, held)
		}
		if fault := p.unready(t.Context()); !strings.Contains(fault, "elsewhere") && !strings.Contains(fault, "clock") {
			t.Errorf("it is ready: %q", fault)
		}
	})
}
