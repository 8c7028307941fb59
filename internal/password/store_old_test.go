package password

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// ssha is {SSHA} of hadPassword.
const ssha = "{SSHA}tAYrA42ljwYsQrSykBqHai65KFcBAgMEBQYHCA=="

func TestAHashOfAnotherSystemIsSealedUntilItsOwnerSignsIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		a := s.add("old@aozora.example", "Old", person{bare: true})
		other := s.add("other@aozora.example", "Other", person{bare: true})
		old, err := Seal(s.Keys, a.Ref, ssha)
		if err != nil || old.Format() != "ldap-ssha" {
			t.Fatalf("%q, %v", old.Format(), err)
		}
		s.in(func(ctx context.Context, tx *store.Tx) error { return Import(ctx, tx, old) })
		kept := s.looked(a)
		if kept.Hash != ssha || !kept.Foreign() || s.number(`select count(*) from password where hash = '' and format = 'ldap-ssha'`) != 1 {
			t.Errorf("%q, foreign %t", kept.Hash, kept.Foreign())
		}
		if counts, err := OldHashes(t.Context(), s.DB); err != nil || len(counts) != 1 || counts[0].N != 1 || counts[0].Name != "Aozora Trading" {
			t.Errorf("%v, %v", counts, err)
		}
		match, err := s.room.Pool.Verify(t.Context(), kept.Hash, hadPassword)
		if err != nil || !match.Right || match.Rehash == "" {
			t.Fatalf("%+v, %v", match, err)
		}
		for range 2 { // a second sign-in at the same instant changes nothing
			s.in(func(ctx context.Context, tx *store.Tx) error { return Rehash(ctx, tx, a.Ref, kept, match.Rehash) })
		}
		if now := s.looked(a); now.Hash != match.Rehash || now.Foreign() || s.number(`select count(*) from password where sealed is not null or format <> ''`) != 0 {
			t.Errorf("%q, foreign %t", now.Hash, now.Foreign())
		}
		// moved to another row, it does not open
		s.in(func(ctx context.Context, tx *store.Tx) error {
			old.Ref = other.Ref
			return Import(ctx, tx, old)
		})
		if _, _, _, err := Lookup(t.Context(), s.DB, s.Keys, other.EmailKey, s.Clock.Now(), [4]limit.Key{}); err == nil {
			t.Error("a hash moved to another holder's row opens")
		}
	})
}

func TestANewPasswordAndARevocationForgetTheOldHash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		for email, forget := range map[string]func(context.Context, *store.Tx, account.Ref) error{
			"set@aozora.example": func(ctx context.Context, tx *store.Tx, ref account.Ref) error {
				return Set(ctx, tx, ref, "new", Changed)
			},
			"revoked@aozora.example": Revoke,
		} {
			a := s.add(email, "Old", person{bare: true})
			old, err := Seal(s.Keys, a.Ref, ssha)
			if err != nil {
				t.Fatal(err)
			}
			s.in(func(ctx context.Context, tx *store.Tx) error { return Import(ctx, tx, old) })
			kept := s.looked(a)
			s.in(func(ctx context.Context, tx *store.Tx) error { return forget(ctx, tx, a.Ref) })
			// a sign-in that was under way meanwhile puts nothing back
			s.in(func(ctx context.Context, tx *store.Tx) error { return Rehash(ctx, tx, a.Ref, kept, "late") })
			if now := s.looked(a); now.Hash == ssha || now.Hash == "late" || now.Foreign() {
				t.Errorf("%s: %q, foreign %t", email, now.Hash, now.Foreign())
			}
		}
	})
}

func TestAnUnreadableHashIsNotSealed(t *testing.T) {
	if _, err := Seal(storetest.Keys(t), account.Ref{Organization: "o", ID: "a"}, "plain text"); !errors.Is(err, ErrUnreadable) || strings.Contains(err.Error(), "plain text") {
		t.Errorf("%v", err)
	}
}

func (s *scene) looked(a account.Account) Kept {
	s.t.Helper()
	_, kept, _, err := Lookup(s.t.Context(), s.DB, s.Keys, a.EmailKey, s.Clock.Now(), [4]limit.Key{})
	if err != nil {
		s.t.Fatal(err)
	}
	return kept
}
