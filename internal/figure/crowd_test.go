package figure

import (
	"io"
	"testing"

	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store/testpostgres"
)

// The crowd is written past the rooms: it must be as they would leave it.
func TestACrowdIsAsTheRoomsWouldLeaveIt(t *testing.T) {
	for name, source := range map[string]string{"sqlite": "", "postgresql": testpostgres.Database(t)} {
		t.Run(name, func(t *testing.T) {
			run := Run{Out: io.Discard, Database: source}
			w, err := run.build(t.Context())
			defer w.close()
			if err != nil {
				t.Fatal(err)
			}
			crowd := crowdOf(4000)
			_, plan, err := w.fill(t.Context(), w.portal.Keys, crowd, func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			found, err := progress.Recount(t.Context(), w.db, false, nil)
			if err != nil || found.Different != 0 || int(found.People) != crowd.Accounts {
				t.Errorf("%v: %d people, differences %v", err, found.People, found.First)
			}
			var all progress.Figures
			unreached, err2 := progress.Unreached(t.Context(), w.db)
			list, err := progress.Each(t.Context(), w.db)
			for _, one := range list {
				all = all.Plus(one.Figures)
			}
			if err != nil || len(list) != crowd.Organizations || int(all.Open()) != crowd.Open || all.MailOTP == 0 || err2 != nil || len(unreached) == 0 {
				t.Errorf("%v: %d organizations, %+v, unreached %v, %v", err, len(list), all, unreached, err2)
			}
			book, err := rollout.ReadBook(t.Context(), w.db)
			if err != nil {
				t.Fatal(err)
			}
			out, err := rollout.Foresee(t.Context(), w.db, rollout.NewDryRun(w.portal.Clock.Now(), book, plan, plan.Ends), nil)
			if err != nil || int(out.People) != crowd.Open {
				t.Errorf("%v: the dry run finds %d, not %d", err, out.People, crowd.Open)
			}
		})
	}
}
