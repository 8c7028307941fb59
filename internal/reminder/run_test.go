package reminder

import (
	"context"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestEachPersonGetsEachDateOnceHoweverOftenTheJobRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.organization("Aozora")
		s.person(o, "a@x.jp")
		s.plan("", day, 31*day)
		s.run()
		s.is() // not open yet
		s.later(day)
		s.run()
		s.run()
		s.is("a opening")
		s.later(2*day - time.Second)
		s.run()
		s.is("a opening")
		s.later(time.Second)
		s.run()
		s.run()
		s.is("a 28", "a opening")
		for range 29 * 24 {
			s.later(time.Hour)
			s.run()
		}
		s.is("a 1", "a 14", "a 28", "a 3", "a 7", "a opening")
	})
}

func TestAfterALongStandstillOnlyTheNewestIsSentAndNoneTooLate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.person(s.organization("Aozora"), "a@x.jp")
		s.plan("", day, 60*day)
		s.later(60*day - 7*day + time.Hour) // from before the opening to an hour past the seventh day before
		s.run()
		s.is("a 7")
		s.later(6*day - time.Hour + 13*time.Hour) // the last day is more than half over
		s.run()
		s.is("a 7")
		s.later(day)
		s.run()
		s.is("a 7")
	})
}

func TestWhoIsEnrolledSuspendedOrWithoutGraceGetsNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, closed := s.organization("Aozora"), s.organization("Closed")
		s.person(o, "stays@x.jp")
		s.enroll(s.person(o, "enrolled@x.jp"))
		gone := s.person(o, "suspended@x.jp")
		s.person(closed, "closed@x.jp")
		s.plan("", day, 31*day)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `update organization set suspended_at = 1 where id = $1`, closed); err != nil {
				return err
			}
			return account.Suspend(ctx, tx, gone.Ref, "kato")
		})
		s.later(day + time.Minute)
		s.person(o, "new@x.jp") // a password after the opening: no grace
		s.run()                 // none of this is folded but what person folds
		s.is("stays opening")
	})
}

func TestALetterStillWaitingIsDroppedWhenItsReaderEnrolls(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.organization("Aozora")
		a := s.person(o, "a@x.jp")
		s.person(o, "b@x.jp")
		s.plan("", day, 31*day)
		s.later(day)
		s.run()
		s.enroll(a)
		if got := s.deliver(); len(got) != 1 || got[0][:1] != "b" {
			t.Errorf("sent %q", got)
		}
		s.run()
		s.fold()
		f, err := progress.Of(t.Context(), s.DB, o)
		if err != nil || f.Told != 1 || f.TOTP != 1 {
			t.Errorf("%+v %v", f, err)
		}
		if n := s.number(`select count(*) from reminder where became = 'dropped'`); n != 1 {
			t.Errorf("%d dropped", n)
		}
	})
}

func TestWhoseLetterWasTakenIsToldOnceAndARefusedOneIsCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.organization("Aozora")
		s.person(o, "a@x.jp")
		s.person(o, "gone@x.jp")
		s.plan("", day, 31*day)
		s.later(day)
		s.run()
		s.deliver()
		s.run()
		s.run()
		s.fold()
		if f, err := progress.Of(t.Context(), s.DB, o); err != nil || f.Told != 1 {
			t.Errorf("%+v %v", f, err)
		}
		if n := s.number(`select 1000 * queued + 100 * sent + 10 * failed + skipped from reminder_round`); n != 2110 {
			t.Errorf("queued, sent, failed, skipped: %d", n)
		}
		s.later(2 * day) // the 28th day before: mail came back from there two days ago
		s.run()
		s.is("a 28", "a opening", "gone opening")
		s.later(14 * day) // tried again: the mailbox may be mended
		s.run()
		s.is("a 14", "a 28", "a opening", "gone 14", "gone opening")
	})
}

func TestAMovedEndIsToldOnceAndItsSeriesBeginsAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.person(s.organization("Aozora"), "a@x.jp")
		p := s.plan("", day, 31*day)
		s.later(day)
		s.run() // opening, not delivered yet
		s.later(time.Hour)
		first := p.Ends
		p = s.change(p, func(p *rollout.Plan) { p.Ends = p.Ends.Add(30 * day) })
		s.run()
		s.is("a moved", "a opening")
		if got := s.deliver(); len(got) != 1 || got[0] != "a: Business Portal: the date has changed, set up 2-step verification by 10 May 2018, 12:00 JST (03:00 UTC)" {
			t.Errorf("%q", got)
		}
		s.later(2 * day) // 28 days before the first end: no more
		s.run()
		s.is("a moved", "a opening")
		p = s.change(p, func(p *rollout.Plan) { p.Ends = first }) // back: told again, since others were told before
		s.run()
		s.is("a moved", "a moved", "a opening")
		p = s.change(p, func(p *rollout.Plan) { p.Message.English = "A word." }) // words only: nothing
		s.run()
		s.is("a moved", "a moved", "a opening")
		s.Clock.Set(rollout.Before(first, 14, tokyo))
		s.run()
		s.is("a 14", "a moved", "a moved", "a opening")
	})
}

func TestALetterStillWaitingIsDroppedWhenItsDateIsNoMore(t *testing.T) {
	for name, move := range map[string]func(s *scene, p rollout.Plan, a account.Account){
		"withdrawn": func(s *scene, p rollout.Plan, _ account.Account) {
			s.in(func(ctx context.Context, tx *store.Tx) error { return rollout.Withdraw(ctx, tx, p, "kato") })
		},
		"extended": func(s *scene, p rollout.Plan, a account.Account) { s.extend(p, a.Ref, p.Ends.Add(day)) },
		"organization extended": func(s *scene, p rollout.Plan, a account.Account) {
			s.extend(p, account.Ref{Organization: a.Organization}, p.Ends.Add(day))
		},
		"earlier": func(s *scene, p rollout.Plan, _ account.Account) {
			s.change(p, func(p *rollout.Plan) { p.Ends = p.Ends.Add(-day) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, w storetest.World) {
				s := open(t, w)
				a := s.person(s.organization("Aozora"), "a@x.jp")
				p := s.plan("", day, 31*day)
				s.later(day)
				s.run()
				s.later(time.Minute)
				move(s, p, a)
				s.run()
				want := 1 // that the date has changed
				if name == "withdrawn" {
					want = 0
				}
				if got := s.deliver(); len(got) != want {
					t.Errorf("sent %q", got)
				}
				s.run()
				s.later(20 * day)
				s.run()
				if name == "withdrawn" {
					s.is("a opening")
				}
			})
		})
	}
}

func TestAnExtensionHasItsOwnSeries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		aozora, yamada := s.organization("Aozora"), s.organization("Yamada")
		a := s.person(aozora, "alone@x.jp")
		s.person(aozora, "plain@x.jp")
		s.person(yamada, "whole@x.jp")
		p := s.plan("", day, 31*day)
		s.extend(p, a.Ref, p.Ends.Add(10*day))
		s.extend(p, account.Ref{Organization: yamada}, p.Ends.Add(20*day))
		s.later(day)
		s.run()
		s.is("alone opening", "plain opening", "whole opening")
		s.Clock.Set(rollout.Before(p.Ends, 3, tokyo))
		s.run()
		s.is("alone 14", "alone opening", "plain 3", "plain opening", "whole 28", "whole opening") // 13 and 23 days before theirs
		s.Clock.Set(rollout.Before(p.Ends, 1, tokyo).Add(8 * day))                                 // 3 days before the first's, 13 before the other's
		s.run()
		s.is("alone 14", "alone 3", "alone opening", "plain 3", "plain opening", "whole 14", "whole 28", "whole opening")
	})
}

func TestAnOrganizationsOwnRolloutReplacesThePortalsSeries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		aozora, yamada := s.organization("Aozora"), s.organization("Yamada")
		s.person(aozora, "a@x.jp")
		s.person(yamada, "y@x.jp")
		s.plan("", 2*day, 31*day)
		s.plan(yamada, 5*day, 90*day)
		s.later(2 * day)
		s.run()
		s.is("a opening")
		s.later(3 * day)
		s.run()
		s.is("a 28", "a opening", "y opening")
	})
}

func TestWhoIsImportedInThePeriodGetsTheRoundsFromThenOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.organization("Aozora")
		s.person(o, "a@x.jp")
		s.plan("", day, 31*day)
		s.later(day)
		s.run()
		s.later(day)
		s.person(o, "late@x.jp", func(a *account.Account) { a.Imported = s.Clock.Now() })
		s.run()
		s.is("a opening")
		s.later(day)
		s.run()
		s.is("a 28", "a opening", "late 28")
	})
}

func TestNothingStartsInAWindowAndItDoesWhenThatCloses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.person(s.organization("Aozora"), "a@x.jp")
		s.plan("", day, 31*day)
		from := s.Clock.Now().Add(day)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := maintenance.Plan(ctx, tx, from, from.Add(5*time.Hour), "kato")
			return err
		})
		for _, at := range []time.Duration{0, time.Hour, 5*time.Hour - time.Microsecond} {
			s.Clock.Set(from.Add(at))
			s.run()
			s.is()
		}
		s.later(time.Microsecond)
		s.run()
		s.is("a opening")
	})
}
