package operator

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func add(t *testing.T, w storetest.World, email string) (o Operator, err error) {
	t.Helper()
	err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = Add(ctx, tx, Operator{Email: email, Name: "Sato", Language: phrase.Japanese, Zone: "Asia/Tokyo"}, "console")
		return err
	})
	return o, err
}

func TestAnOperatorIsFoundByAddressAndIDAndStandsInNoOrganization(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		added, err := add(t, w, " Sato@Example.JP ")
		if err != nil {
			t.Fatal(err)
		}
		if !added.Ref().IsOperator() || added.Email != "Sato@Example.JP" {
			t.Errorf("%v, %q", added.Ref(), added.Email)
		}
		found, err := Find(t.Context(), w.DB, "sato@example.jp")
		if diff := cmp.Diff(added, found); err != nil || diff != "" {
			t.Errorf("by address: %v\n%s", err, diff)
		}
		found, err = Get(t.Context(), w.DB, added.ID)
		if diff := cmp.Diff(added, found); err != nil || diff != "" {
			t.Errorf("by id: %v\n%s", err, diff)
		}
		if _, err := Find(t.Context(), w.DB, "mori@example.jp"); !errors.Is(err, store.ErrNone) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestAnOperatorsAddressIsNobodyElses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			o, err := organization.Add(ctx, tx, "Yamada Trading")
			if err != nil {
				return err
			}
			_, err = account.Add(ctx, tx, w.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: "suzuki@example.jp",
				Name: "Suzuki", Authority: account.PortalAdmin, Language: phrase.English}, "console")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := add(t, w, "SUZUKI@example.jp"); !errors.Is(err, store.ErrTaken) {
			t.Errorf("a customer's address: %v", err)
		}
		if _, err := add(t, w, "sato@example.jp"); err != nil {
			t.Fatal(err)
		}
		if _, err := add(t, w, "Sato@example.jp"); !errors.Is(err, store.ErrTaken) {
			t.Errorf("another operator's: %v", err)
		}
		if _, err := add(t, w, "Sato <sato2@example.jp>"); !errors.Is(err, store.ErrCheck) {
			t.Errorf("no address: %v", err)
		}
		all, err := All(t.Context(), w.DB)
		if err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
