// Package keyringtest changes keys for the tests of rooms that seal.
package keyringtest

import (
	"context"
	"errors"
	"testing"

	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Second has key 2 of storetest.TwoKeys seal, as another node would: this world's own keys
// go on sealing with the first until they are told.
func Second(t testing.TB, w storetest.World) {
	t.Helper()
	in := func(do func(ctx context.Context, tx *store.Tx) error) {
		if err := w.DB.Write(t.Context(), do); err != nil {
			t.Fatal(err)
		}
	}
	in(func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, w.Keys.Digest(secret.ForKey, "portal"), false)
	})
	state, err := keyring.Follow(t.Context(), w.DB, w.Keys, "")
	if err != nil {
		t.Fatal(err)
	}
	digests, err := w.Keys.SealDigests(2)
	if err != nil {
		t.Fatal(err)
	}
	in(func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(keyring.Add(ctx, tx, state, 2, w.Keys.Check(2), "test"), keyring.Activate(ctx, tx, 1, 2, digests, "test"))
	})
}

// Retire takes the first key out of use.
func Retire(t testing.TB, w storetest.World) {
	t.Helper()
	var done bool
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		done, err = keyring.Retire(ctx, tx, 1, "test")
		return err
	})
	if err != nil || !done {
		t.Fatalf("key 1 is not retired: %v", err)
	}
}
