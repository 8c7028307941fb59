package figure

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// wrong is a password that nobody has.
const wrong = "not the password"

// sealed is a hash of another system that is tried through in no time.
const sealed = "{SSHA}fkamKzAWBRECLcEWlcZdYhNzMRZuaWRhbmJlbg=="

// door is a place at which it must not be told who is there.
type door struct {
	name, there, nobody string
	pairs               func(ctx context.Context, w *world) ([]Pair, error)
}

// doors are those that the bench compares, each with as many pairs.
var doors = []door{
	{"sign-in, wrong password", "somebody who is there", "nobody", each(signInPair)},
	{"sign-in of somebody imported", "an old hash that is fast", "nobody", importedPairs},
	{"forgotten password", "somebody who is there", "nobody", each(func(i int, email string) Pair {
		return Pair{Path: "/password/forgot", Status: http.StatusSeeOther,
			Known: url.Values{"email": {email}, "name": {named}, "phone": {phone}},
			Other: url.Values{"email": {stranger(i)}, "name": {named}, "phone": {phone}}}
	})},
	{"contact form", "somebody who is there", "nobody", each(contactPair)},
	{"starting guide, wrong identity", "a link that opens", "a link that never was", guidePairs},
	{"change of the own address", "one that somebody has", "one that is free", addressPairs},
}

func stranger(i int) string { return fmt.Sprintf("nobody%d@bench.example", i) }

// each makes one pair of each person of the world.
func each(pair func(i int, email string) Pair) func(context.Context, *world) ([]Pair, error) {
	return func(_ context.Context, w *world) (pairs []Pair, _ error) {
		for i, p := range w.people {
			pairs = append(pairs, pair(i, p.Email))
		}
		return pairs, nil
	}
}

func contactPair(i int, email string) Pair {
	ask := func(email string) url.Values {
		return url.Values{"email": {email}, "name": {named}, "summary": {"I cannot sign in"}, "detail": {"The page says that 1-step sign-in ended."}}
	}
	return Pair{Path: "/contact", Status: http.StatusSeeOther, Known: ask(email), Other: ask(stranger(i))}
}

func signInPair(i int, email string) Pair {
	return Pair{Path: "/signin", Status: http.StatusUnprocessableEntity,
		Known: url.Values{"email": {email}, "password": {wrong}},
		Other: url.Values{"email": {stranger(i)}, "password": {wrong}}}
}

// newcomers adds as many people as the world has who never signed in, and does
// something for each.
func (w *world) newcomers(ctx context.Context, do func(ctx context.Context, tx *store.Tx, i int, a account.Account) error) error {
	return w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, "Organization "+secret.ID())
		if err != nil {
			return err
		}
		for i := range w.people {
			a, err := account.Add(ctx, tx, w.portal.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: secret.ID() + "@bench.example",
				Name: named, Phone: phone, Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "bench")
			if err != nil {
				return err
			}
			if err := do(ctx, tx, i, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// importedPairs are people of whom a fast hash of another system is sealed still.
func importedPairs(ctx context.Context, w *world) (pairs []Pair, err error) {
	err = w.newcomers(ctx, func(ctx context.Context, tx *store.Tx, i int, a account.Account) error {
		old, err := password.Seal(w.portal.Keys, a.Ref, sealed)
		if err != nil {
			return err
		}
		pairs = append(pairs[:i], signInPair(i, a.Email))
		return password.Import(ctx, tx, old)
	})
	return pairs, err
}

// guidePairs are people with a starting guide, of whose identity the phone is wrong.
func guidePairs(ctx context.Context, w *world) (pairs []Pair, err error) {
	err = w.newcomers(ctx, func(ctx context.Context, tx *store.Tx, i int, a account.Account) error {
		token, _, err := pass.Give(ctx, tx, a.Ref, pass.Guide, pass.Given{By: "bench", Why: "bench"})
		form := url.Values{"email": {a.Email}, "name": {named}, "phone": {phone + "0"}}
		pairs = append(pairs[:i], Pair{Path: "/start/" + token, OtherPath: "/start/" + secret.Token(), Status: http.StatusUnprocessableEntity, Known: form, Other: form})
		return err
	})
	return pairs, err
}

// addressPairs are people who are signed in, and begin right before they ask: a fresh
// code is fresh for minutes.
func addressPairs(ctx context.Context, w *world) (pairs []Pair, err error) {
	err = w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		pairs = pairs[:0]
		for i, p := range w.people {
			ref, err := account.Holder(ctx, tx, account.Key(p.Email))
			if err != nil {
				return err
			}
			_, s, err := session.Start(ctx, tx, ref, "198.18.0.1/32", "bench", "")
			if err != nil {
				return err
			}
			token, err := session.Rise(ctx, tx, s, account.TOTP)
			if err != nil {
				return err
			}
			pairs = append(pairs, Pair{Path: "/profile/address", Status: http.StatusSeeOther, To: "/profile/address?done=asked", Cookie: token,
				Known: url.Values{"email": {w.people[(i+1)%len(w.people)].Email}}, Other: url.Values{"email": {stranger(i)}}})
		}
		return nil
	})
	return pairs, err
}
