package reminder

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// engines runs a test on one database of each engine, with a way to open it again as
// another node does.
func engines(t *testing.T, test func(s *scene, node func() *Room)) {
	for _, engine := range []string{"sqlite", "postgresql"} {
		t.Run(engine, func(t *testing.T) {
			source := filepath.Join(t.TempDir(), "nidan.db")
			if engine == "postgresql" {
				source = storetest.PostgreSQL(t)
			}
			s := open(t, storetest.Open(t, source))
			test(s, func() *Room {
				db, err := store.Open(context.Background(), source, s.Clock.Now)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				return s.node(db)
			})
		})
	}
}

// whole says that everybody was written to once: a row and a letter for each.
func (s *scene) whole(n int64) {
	s.t.Helper()
	for text, want := range map[string]int64{
		`select count(*) from reminder`:                                                                 n,
		`select count(*) from mail where kind = 'reminder'`:                                             n,
		`select count(distinct holder_id) from mail where kind = 'reminder'`:                            n,
		`select count(*) from reminder r join mail m on m.id = r.mail_id and m.holder_id = r.holder_id`: n,
		`select sum(queued) from reminder_round`:                                                        n,
		`select count(*) from reminder_round where finished_at is null`:                                 0,
	} {
		if got := s.number(text); got != want {
			s.t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestSeveralNodesWriteToEverybodyOnce(t *testing.T) {
	engines(t, func(s *scene, node func() *Room) {
		const n = 5*batch + 17
		s.people(s.organization("Aozora"), n)
		s.plan("", day, 31*day)
		s.later(day)
		var all sync.WaitGroup
		for range 3 {
			other := node()
			all.Go(func() {
				if err := other.Run(context.Background(), s.Clock.Now()); err != nil {
					s.t.Error(err)
				}
			})
		}
		all.Wait()
		s.whole(n)
	})
}

func TestANodeKilledHalfWayLeavesNobodyOutAndWritesToNobodyTwice(t *testing.T) {
	engines(t, func(s *scene, node func() *Room) {
		const n = 4*batch + 1
		s.people(s.organization("Aozora"), n)
		s.plan("", day, 31*day)
		s.later(day)
		for range 3 { // each time it is killed after one more batch
			ctx, kill := context.WithCancel(context.Background())
			dying := node()
			dying.Keys = s.Keys
			before := s.number(`select count(*) from reminder`)
			watch(ctx, func() bool { return s.number(`select count(*) from reminder`) > before }, kill)
			if err := dying.Run(ctx, s.Clock.Now()); err == nil && s.number(`select count(*) from reminder`) < n {
				s.t.Error("it was not killed and did not finish")
			}
			kill()
		}
		other := node()
		if err := other.Run(context.Background(), s.Clock.Now()); err != nil {
			s.t.Fatal(err)
		}
		s.whole(n)
	})
}

// watch calls act as soon as something is so, or ctx ends.
func watch(ctx context.Context, is func() bool, act func()) {
	go func() {
		for ctx.Err() == nil {
			if is() {
				act()
				return
			}
		}
	}()
}

var errPower = errors.New("the power is gone")

func TestABatchThatFailsBeforeItsCommitIsWrittenAnewWithNothingTwice(t *testing.T) {
	engines(t, func(s *scene, node func() *Room) {
		const n = 2*batch + 5
		s.people(s.organization("Aozora"), n)
		p := s.plan("", day, 31*day)
		s.later(day)
		dead := node()
		planned, err := dead.planned(context.Background(), s.Clock.Now())
		if err != nil {
			s.t.Fatal(err)
		}
		tasks := due(planned, tokyo, nil, s.Clock.Now())
		if len(tasks) != 1 || tasks[0].Plan != p.ID {
			s.t.Fatalf("%d rounds", len(tasks))
		}
		list, err := dead.next(context.Background(), tasks[0].round)
		if err != nil {
			s.t.Fatal(err)
		}
		pen := dead.Desk.pen(planned, p, p.Opens, s.Clock.Now())
		people, letters, _, err := dead.prepare(context.Background(), planned, &tasks[0], pen, list, nil, s.Clock.Now())
		if err != nil {
			s.t.Fatal(err)
		}
		err = dead.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			r, err := begin(ctx, tx, tasks[0].round)
			if err != nil {
				return err
			}
			if ok, err := advance(ctx, tx, r, list[len(list)-1].Ref, false); err != nil || !ok {
				s.t.Error(ok, err)
			}
			if n, err := post(ctx, tx, r, people, letters, 0); err != nil || n != batch {
				s.t.Error(n, err)
			}
			return errPower
		})
		if !errors.Is(err, errPower) {
			s.t.Fatal(err)
		}
		s.run()
		s.whole(n)
	})
}
