package account

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func write(t *testing.T, w storetest.World, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// companies are two organizations, by their ids.
func companies(t *testing.T, w storetest.World) (yamada, aoba string) {
	t.Helper()
	write(t, w, func(ctx context.Context, tx *store.Tx) error {
		first, err := organization.Add(ctx, tx, "Yamada Trading")
		if err != nil {
			return err
		}
		second, err := organization.Add(ctx, tx, "Aoba")
		yamada, aoba = first.ID, second.ID
		return err
	})
	return yamada, aoba
}

func person(organizationID, email string) Account {
	return Account{Ref: Ref{Organization: organizationID}, Email: email, Name: "鈴木 一郎", Phone: "090-1359-2468",
		Authority: GeneralUser, Language: phrase.Japanese, Zone: "Asia/Tokyo", JobTitle: "部長", Mobile: "080"}
}

func add(t *testing.T, w storetest.World, a Account) (added Account, err error) {
	t.Helper()
	err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		added, err = Add(ctx, tx, w.Keys, a, "sato")
		return err
	})
	return added, err
}

func mustAdd(t *testing.T, w storetest.World, a Account) Account {
	t.Helper()
	added, err := add(t, w, a)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func TestAnAccountComesBackAsAddedAndWithTOTPWhateverWasAsked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, aoba := companies(t, w)
		asked := person(yamada, " Ｓuzuki@Example.JP\r\n")
		asked.Method, asked.Preset, asked.Imported, asked.ID = MailOTP, MailOTP, storetest.Start, "of my choice"
		added := mustAdd(t, w, asked)
		got, err := Find(t.Context(), w.DB, added.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(added, got); diff != "" {
			t.Errorf("(-added +read):\n%s", diff)
		}
		if got.Method != TOTP || got.Preset != MailOTP || got.ID == asked.ID {
			t.Errorf("method %s, preset %s, id %s", got.Method, got.Preset, got.ID)
		}
		if got.Email != "Suzuki@Example.JP" || got.EmailKey != "suzuki@example.jp" || got.Phone != "09013592468" {
			t.Errorf("address %q, key %q, phone %q", got.Email, got.EmailKey, got.Phone)
		}
		if holder, err := Holder(t.Context(), w.DB, "suzuki@example.jp"); err != nil || holder != added.Ref {
			t.Errorf("the address is that of %v, %v", holder, err)
		}
		for _, other := range []Ref{{Organization: aoba, ID: added.ID}, {Organization: yamada, ID: "nobody"}, {}} {
			if a, err := Find(t.Context(), w.DB, other); !errors.Is(err, store.ErrNone) {
				t.Errorf("%v finds %+v, %v", other, a, err)
			}
		}
	})
}

func TestAnAddressIsOnePersonsOverTheWholePortal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, aoba := companies(t, w)
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			return Claim(ctx, tx, "mori@example.jp", Ref{Organization: organization.Operators, ID: "mori"})
		})
		mustAdd(t, w, person(yamada, "suzuki@example.jp"))
		for name, a := range map[string]Account{
			"the same organization":              person(yamada, "suzuki@example.jp"),
			"another organization":               person(aoba, "suzuki@example.jp"),
			"written otherwise":                  person(aoba, "ＳＵＺＵＫＩ@Example.JP"),
			"an operator's":                      person(yamada, "mori@example.jp"),
			"an operator's, written in capitals": person(yamada, "MORI@example.jp"),
		} {
			if _, err := add(t, w, a); !errors.Is(err, store.ErrTaken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var accounts int
		if err := w.DB.QueryRow(t.Context(), `select count(*) from account`).Scan(&accounts); err != nil || accounts != 1 {
			t.Errorf("%d accounts, %v", accounts, err)
		}
	})
}

func TestOfTwentyAtOnceOneGetsAnAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, aoba := companies(t, w)
		var got, taken atomic.Int64
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				switch _, err := add(t, w, person([]string{yamada, aoba}[i%2], "suzuki@example.jp")); {
				case err == nil:
					got.Add(1)
				case errors.Is(err, store.ErrTaken):
					taken.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got.Load() != 1 || taken.Load() != 19 {
			t.Errorf("%d got it, %d found it taken", got.Load(), taken.Load())
		}
	})
}

func TestWhatIsNoAddressOrNoOrganizationAddsNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, _ := companies(t, w)
		unranked := person(yamada, "b@example.jp")
		unranked.Authority = ""
		for name, c := range map[string]struct {
			account Account
			want    error
		}{
			"no address":           {person(yamada, ""), store.ErrCheck},
			"a display name":       {person(yamada, "Suzuki <suzuki@example.jp>"), store.ErrCheck},
			"a header":             {person(yamada, "suzuki@example.jp\nBcc: x@evil.jp"), store.ErrCheck},
			"unknown organization": {person("nowhere", "a@example.jp"), store.ErrMissing},
			"no authority":         {unranked, store.ErrCheck},
		} {
			if _, err := add(t, w, c.account); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var claimed int
		if err := w.DB.QueryRow(t.Context(), `select count(*) from address`).Scan(&claimed); err != nil || claimed != 0 {
			t.Errorf("%d addresses are claimed, %v", claimed, err)
		}
	})
}

func TestActsOnAnAccountStayInItsOrganization(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, aoba := companies(t, w)
		a := mustAdd(t, w, person(yamada, "suzuki@example.jp"))
		stranger := Ref{Organization: aoba, ID: a.ID}
		acts := map[string]func(ctx context.Context, tx *store.Tx, ref Ref) error{
			"assign":  func(ctx context.Context, tx *store.Tx, ref Ref) error { return Assign(ctx, tx, ref, MailOTP, "admin") },
			"check":   func(ctx context.Context, tx *store.Tx, ref Ref) error { return CheckNetworks(ctx, tx, ref, true) },
			"suspend": func(ctx context.Context, tx *store.Tx, ref Ref) error { return Suspend(ctx, tx, ref, "admin") },
		}
		for name, act := range acts {
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return act(ctx, tx, stranger) })
			if !errors.Is(err, store.ErrNone) {
				t.Errorf("%s from another organization: %v", name, err)
			}
		}
		if got, err := Find(t.Context(), w.DB, a.Ref); err != nil || got.Method != TOTP || !got.Suspended.IsZero() {
			t.Errorf("untouched it is not: %+v, %v", got, err)
		}
		for _, name := range []string{"assign", "check", "suspend"} {
			write(t, w, func(ctx context.Context, tx *store.Tx) error { return acts[name](ctx, tx, a.Ref) })
		}
		if got, err := Find(t.Context(), w.DB, a.Ref); err != nil || got.Method != MailOTP || got.Suspended != storetest.Start {
			t.Errorf("%+v, %v", got, err)
		}
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Suspend(ctx, tx, a.Ref, "again") })
		if !errors.Is(err, store.ErrNone) {
			t.Errorf("suspended twice: %v", err)
		}
	})
}

func TestPermittedNetworksAreTheOrganizationsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, aoba := companies(t, w)
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			for _, text := range []string{"192.0.2.77/24", "2001:db8::/32"} {
				if err := Permit(ctx, tx, yamada, netip.MustParsePrefix(text), "office"); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, `insert into network (id, organization_id, prefix, description) values ('x', $1, 'everywhere', '')`, yamada)
			return err
		})
		got, err := Networks(t.Context(), w.DB, yamada)
		slices.SortFunc(got, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
		want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v", got, err)
		}
		if others, err := Networks(t.Context(), w.DB, aoba); err != nil || len(others) != 0 {
			t.Errorf("another organization's: %v, %v", others, err)
		}
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return Permit(ctx, tx, yamada, netip.MustParsePrefix("192.0.2.1/24"), "the same")
		})
		if !errors.Is(err, store.ErrTaken) {
			t.Errorf("the same network twice: %v", err)
		}
	})
}

func TestAdminsAreThoseOfTheOrganizationWhoStand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		yamada, aoba := companies(t, w)
		admin := func(organizationID, email string) Account {
			a := person(organizationID, email)
			a.Authority = PortalAdmin
			return mustAdd(t, w, a)
		}
		first := admin(yamada, "first@example.jp")
		gone := admin(yamada, "gone@example.jp")
		admin(aoba, "other@example.jp")
		mustAdd(t, w, person(yamada, "user@example.jp"))
		write(t, w, func(ctx context.Context, tx *store.Tx) error { return Suspend(ctx, tx, gone.Ref, "first") })
		got, err := Admins(t.Context(), w.DB, yamada)
		if err != nil || len(got) != 1 || got[0].Ref != first.Ref || got[0].Email != first.Email || got[0].Language != phrase.Japanese {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A digest of an address says nothing without the key, and is the same for ever.
func TestTheDigestOfAnAddressNeedsTheKey(t *testing.T) {
	keys := storetest.Keys(t)
	one, again, other := AddressDigest(keys, "a@example.jp"), AddressDigest(storetest.Keys(t), "a@example.jp"), AddressDigest(keys, "b@example.jp")
	if !bytes.Equal(one, again) || bytes.Equal(one, other) || len(one) != 32 {
		t.Errorf("%x, %x, %x", one, again, other)
	}
}
