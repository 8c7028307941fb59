package rollout

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestWhatFallsIntoATimeIsEveryOpeningEndAndReminder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tokyo := phrase.Location("Asia/Tokyo")
		opens, ends := time.Date(2018, 3, 20, 15, 0, 0, 0, time.UTC), time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			o, err := organization.Add(ctx, tx, "Aozora Trading")
			if err != nil {
				return err
			}
			p, err := Save(ctx, tx, Plan{Opens: opens, Ends: ends, Reminders: "40,7,1"}, "test")
			if err != nil {
				return err
			}
			gone, err := Save(ctx, tx, Plan{Organization: o.ID, Opens: opens.AddDate(0, 0, 1), Ends: ends.AddDate(0, 0, 1), Reminders: "3"}, "test")
			if err != nil {
				return err
			}
			if err := Withdraw(ctx, tx, gone, "test"); err != nil {
				return err
			}
			if err := Extend(ctx, tx, p.ID, account.Ref{Organization: o.ID}, ends.AddDate(0, 0, 10), "all", "test"); err != nil {
				return err
			}
			for n := range 3 {
				a, err := account.Add(ctx, tx, w.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: fmt.Sprintf("p%d@aozora.example", n),
					Name: "P", Authority: account.GeneralUser, Language: "en", Zone: "UTC"}, "test")
				if err != nil {
					return err
				}
				if err := Extend(ctx, tx, p.ID, a.Ref, ends.AddDate(0, 0, 20+n/2), "one", "test"); err != nil {
					return err
				}
			}
			return nil
		})
		events, err := Within(t.Context(), w.DB, tokyo, opens, ends.AddDate(0, 0, 21))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range events {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %d", e.At.Format("02 Jan 15:04"), e.What, e.Scope, e.N)))
		}
		want := []string{"20 Mar 15:00 opening  0", "25 Mar 15:00 reminder Aozora Trading 0", "17 Apr 15:00 reminder  0", "23 Apr 15:00 reminder  0", "24 Apr 15:00 end  0",
			"27 Apr 15:00 reminder Aozora Trading 0", "03 May 15:00 reminder Aozora Trading 0", "04 May 15:00 end Aozora Trading 0",
			"14 May 15:00 end  2", "15 May 15:00 end  1"}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if few, err := Within(t.Context(), w.DB, tokyo, ends, ends); err != nil || len(few) != 1 {
			t.Errorf("of one instant: %v, %v", few, err)
		}
	})
}
