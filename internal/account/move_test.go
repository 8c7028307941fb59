package account

import (
	"context"
	"errors"
	"testing"

	"nidan/internal/organization"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAnAccountMovesToAFreeAddressAndFreesItsOld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, aoba := companies(t, w)
		suzuki, mori := mustAdd(t, w, person(yamada, "suzuki@example.jp")), mustAdd(t, w, person(aoba, "mori@example.jp"))
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			return Claim(ctx, tx, "staff@example.jp", Ref{Organization: organization.Operators, ID: "staff"})
		})
		move := func(ref Ref, email string) error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Move(ctx, tx, w.Keys, ref, email) })
		}
		for email, want := range map[string]error{"MORI@example.jp": store.ErrTaken, "staff@example.jp": store.ErrTaken, "suzuki@example.jp": store.ErrTaken,
			"nobody": store.ErrCheck, "a@example.jp,b@example.jp": store.ErrCheck, "": store.ErrCheck} {
			if err := move(suzuki.Ref, email); !errors.Is(err, want) {
				t.Errorf("%q: %v", email, err)
			}
		}
		for _, stranger := range []Ref{{Organization: aoba, ID: suzuki.ID}, {Organization: yamada, ID: "nobody"}, {}} {
			if err := move(stranger, "free@example.jp"); !errors.Is(err, store.ErrNone) {
				t.Errorf("%v: %v", stranger, err)
			}
		}
		if err := move(suzuki.Ref, " Suzuki.New@example.jp"); err != nil {
			t.Fatal(err)
		}
		now, err := Find(t.Context(), w.DB, suzuki.Ref)
		if err != nil || now.Email != "Suzuki.New@example.jp" || now.EmailKey != "suzuki.new@example.jp" || now.Name != suzuki.Name {
			t.Errorf("%+v, %v", now, err)
		}
		var digest []byte
		if err := w.DB.QueryRow(t.Context(), `select address_digest from account where id = $1`, suzuki.ID).Scan(&digest); err != nil ||
			string(digest) != string(AddressDigest(w.Keys, "suzuki.new@example.jp")) {
			t.Error("the end of grace is looked for under another address")
		}
		if _, err := Holder(t.Context(), w.DB, "suzuki@example.jp"); !errors.Is(err, store.ErrNone) {
			t.Errorf("the old address is still taken: %v", err)
		}
		if err := move(mori.Ref, "suzuki@example.jp"); err != nil {
			t.Errorf("nobody else may have it: %v", err)
		}
	})
}
