package web

import (
	"context"
	"fmt"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/pass"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// The machine's clock runs a year ahead for an hour, is set right, and that is
// accepted: what was done in that hour neither holds anybody up for a year nor is
// valid for one, and what was stopped can be mended now.
func TestAfterAClockThatRanAheadNobodyWaitsAndNothingIsValidForAYear(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a := attack(t, w)
		a.later(time.Hour)
		at := w.Clock.Now()
		w.Clock.Set(at.AddDate(1, 0, 0))
		var mailed account.Ref
		if err := w.DB.QueryRow(t.Context(), `select organization_id, id from account where name = 'mailed'`).Scan(&mailed.Organization, &mailed.ID); err != nil {
			t.Fatal(err)
		}
		for range 5 { // codes are mailed, and five are wrong; passwords too
			a.browser()
			a.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
		}
		thief := a.client
		a.do("", "POST", "/signin/code", 422, "code", "00000000")
		a.do("", "POST", "/signin/code", 422, "code", "00000000")
		for range 10 {
			a.do("", "POST", "/signin", 422, "email", "app@aozora.example", "password", "wrong wrong wrong")
		}
		a.browser()
		a.do("", "POST", "/signin", 429, "email", "app@aozora.example", "password", typed)
		a.do("", "POST", "/password/forgot", 303, "email", "app@aozora.example", "name", "app", "phone", "0312345678")
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, _, err := pass.Give(ctx, tx, mailed, pass.Latecomer, pass.Given{By: "test", Why: "test"}); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at) select organization_id, id, $1 from account where name = 'app'`,
				store.Micros(tx.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		accept := func(is time.Time) {
			t.Helper()
			w.Clock.Set(is)
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				was, is, err := clock.Accept(ctx, tx, w.Clock)
				if err != nil {
					return err
				}
				for range 2 { // what each node does that was running
					if err := signin.Rewind(ctx, tx, was, is); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := clock.Remember(t.Context(), w.DB, w.Clock); err != nil {
			t.Fatal(err)
		}
		accept(at.Add(time.Minute))

		soon := w.Clock.Now().AddDate(0, 0, 4)
		for _, column := range []string{"allowance full_at", "second_step at", "second_step_failure at", "second_step_state stopped_at", "mail_code created_at",
			"mail_code expires_at", "mail due_at", "mail lease_until", "mail expires_at", "pass created_at", "pass expires_at", "password_reset created_at", "password_reset expires_at"} {
			var table, name string
			fmt.Sscan(column, &table, &name)
			if n := a.count(table+` where `+name+` > $1`, store.Micros(soon)); n != 0 {
				t.Errorf("%d rows of %s are of the time ahead", n, column)
			}
		}
		if n := a.count(`second_step_failure`); n != 2 {
			t.Errorf("%d wrong codes are remembered", n)
		}
		a.later(time.Hour)
		a.do("", "POST", "/signin", 403, "email", "app@aozora.example", "password", typed) // stopped, and not slowed
		a.browser()
		a.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
		a.do("", "POST", "/signin/code", 303, "code", a.mailed())
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update password set reset_at = $1`, store.Micros(tx.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		a.browser()
		a.do("a reset of now ends a stop of then", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
		a.do("", "GET", "/signin/code", 200)

		// when that time comes round, its sessions do not come back to life
		w.Clock.Set(at.AddDate(1, 0, 0).Add(time.Second))
		a.client = thief
		a.do("", "GET", "/signin/code", 303)
		if n := a.count(`session where ended_at is null and seen_at > $1`, store.Micros(at.AddDate(0, 6, 0))); n != 0 {
			t.Errorf("%d sessions of then are open", n)
		}
	})
}

// Nodes that run on learn of it within a minute; what they wrote until then in the
// time ahead goes back as well.
func TestANodeThatLearnsOfAnAcceptedClockTakesBackWhatItWroteMeanwhile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		if err := k.portal.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		at := w.Clock.Now()
		w.Clock.Set(at.AddDate(1, 0, 0))
		if err := k.portal.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		console := clock.At(at)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			was, is, err := clock.Accept(ctx, tx, console)
			if err != nil {
				return err
			}
			return signin.Rewind(ctx, tx, was, is)
		})
		if err != nil {
			t.Fatal(err)
		}
		k.do("", "POST", "/signin", 422, "email", "app@aozora.example", "password", "wrong wrong wrong")
		w.Clock.Set(at.Add(time.Second))
		if err := k.portal.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := w.Clock.Now(); !now.Equal(at.Add(time.Second)) {
			t.Fatalf("the node's time is %s", now)
		}
		var n int
		err = w.DB.QueryRow(t.Context(), `select count(*) from allowance where full_at > $1`, store.Micros(at.Add(24*time.Hour))).Scan(&n)
		if err != nil || n != 0 {
			t.Errorf("%d allowances are of the time ahead: %v", n, err)
		}
	})
}
