package organization

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestANameIsTheSameHoweverWrittenAndItsOwnKey(t *testing.T) {
	for _, names := range [][]string{
		{"Yamada Trading", " YAMADA   trading ", "Ｙａｍａｄａ　Ｔｒａｄｉｎｇ"}, {"㈱青葉", "(株)青葉"}, {"H\u0331", "\u1e96"},
	} {
		for _, name := range names[1:] {
			if NameKey(name) != NameKey(names[0]) {
				t.Errorf("%q and %q: %q, %q", names[0], name, NameKey(names[0]), NameKey(name))
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key := NameKey(rapid.String().Draw(t, "name"))
		if NameKey(key) != key {
			t.Errorf("%q has the key %q", key, NameKey(key))
		}
	})
}

func TestANameIsOneOrganizationsAndSuspendedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var yamada Organization
		add := func(name string) error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				o, err := Add(ctx, tx, name)
				if err == nil {
					yamada = o
				}
				return err
			})
		}
		if err := add("Yamada Trading"); err != nil {
			t.Fatal(err)
		}
		if err := add("yamada  TRADING"); !errors.Is(err, store.ErrTaken) {
			t.Errorf("the same name: %v", err)
		}
		suspend := func(id string) error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Suspend(ctx, tx, id, "sato") })
		}
		if err := suspend(yamada.ID); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{yamada.ID, "unknown"} {
			if err := suspend(id); !errors.Is(err, store.ErrNone) {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}
