package rehearsal

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func (s *scene) ask(p rollout.Plan) {
	s.t.Helper()
	if w := s.visit("POST", "/operator/rollouts/"+p.ID+"/rehearsal"); w.Code != http.StatusSeeOther {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func (s *scene) work(room *Room) {
	s.t.Helper()
	if err := room.Work(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) rows(p rollout.Plan) []row {
	s.t.Helper()
	rows, err := latest(s.t.Context(), s.DB, p.ID, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// page is the page of a rollout's rehearsals.
func (s *scene) page(p rollout.Plan, query string) string {
	s.t.Helper()
	w := s.visit("GET", "/operator/rollouts/"+p.ID+"/rehearsal"+query)
	if w.Code != http.StatusOK {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestARehearsalIsAskedForOnceAndPlayedOnceByAnyNode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		p := s.plan("", day, 60*day)
		if text := s.page(p, ""); !strings.Contains(text, "Start the rehearsal") || strings.Contains(text, "The last rehearsals") {
			t.Error(text)
		}
		s.ask(p)
		s.ask(p) // pressed twice
		if rows := s.rows(p); len(rows) != 1 || !rows[0].Running() || rows[0].Step != Waiting || rows[0].By != "Mika" {
			t.Fatalf("%+v", rows)
		}
		if text := s.page(p, ""); strings.Contains(text, "http-equiv") || !strings.Contains(text, `data-every="3"`) || !strings.Contains(text, "rehearsal?live=yes") || !strings.Contains(text, "<progress") || strings.Contains(text, "Start the rehearsal") {
			t.Error(text)
		}
		if text := s.page(p, "?live=yes"); !strings.Contains(text, `http-equiv="refresh" content="3"`) || !strings.Contains(text, "Stop refreshing") {
			t.Error(text)
		}
		var both sync.WaitGroup
		for range 2 {
			room := s.node()
			both.Go(func() {
				if err := room.Work(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		rows := s.rows(p)
		if len(rows) != 1 || rows[0].Running() || rows[0].Report == nil || rows[0].Report.Outcome.People != 1 {
			t.Fatalf("%+v", rows)
		}
		var tries int
		if err := s.DB.QueryRow(t.Context(), `select tries from rehearsal`).Scan(&tries); err != nil || tries != 1 {
			t.Errorf("played %d times: %v", tries, err)
		}
		text := s.page(p, "")
		for _, want := range []string{"What the rehearsal showed", "Hanako Sato", "Start the rehearsal", "agree about everybody", "Reminder, 28 days before"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		if strings.Contains(text+s.page(p, "?live=yes"), "http-equiv") || strings.Contains(text, "data-every") {
			t.Error("it goes on reloading")
		}
		if text := s.page(p, "?lang=ja"); !strings.Contains(text, "リハーサルの結果") {
			t.Error(text)
		}
	})
}

func TestADeadNodesRehearsalIsTakenOverAndOneThatLostItsLeaseWritesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		p := s.plan("", day, 60*day)
		s.ask(p)
		var dead row
		s.in(func(ctx context.Context, tx *store.Tx) (err error) {
			dead, err = take(ctx, tx, s.rows(p)[0].ID)
			return err
		})
		s.work(s.room)
		if rows := s.rows(p); !rows[0].Running() {
			t.Errorf("its lease has not ended: %+v", rows)
		}
		s.later(leaseFor)
		s.work(s.room)
		rows := s.rows(p)
		if rows[0].Running() || rows[0].Report == nil {
			t.Fatalf("%+v", rows)
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			if mine, err := keep(ctx, tx, dead, Asking, 7); mine || err != nil {
				t.Errorf("%v %v", mine, err)
			}
			return finish(ctx, tx, dead, nil, "rehearsal.failed")
		})
		if again := s.rows(p); again[0].Failure != "" || again[0].Done != Whole {
			t.Errorf("%+v", again)
		}
	})
}

func TestANodeThatStopsGivesItsRehearsalBackAndLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		p := s.plan("", day, 60*day)
		s.ask(p)
		id := s.rows(p)[0].ID
		ctx, cancel := context.WithCancel(t.Context())
		var r row
		s.in(func(ctx context.Context, tx *store.Tx) (err error) { r, err = take(ctx, tx, id); return err })
		cancel()
		if _, err := s.room.playing(ctx, r); err == nil {
			t.Error("it played on")
		}
		if left := s.left(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		s.in(func(ctx context.Context, tx *store.Tx) error { return release(ctx, tx, r) })
		s.work(s.node()) // at once, no lease to wait for
		if rows := s.rows(p); rows[0].Report == nil {
			t.Errorf("%+v", rows)
		}
	})
}

func TestWhatBreaksOffEachTimeIsGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		p := s.plan("", day, 60*day)
		s.ask(p)
		for range triesMost {
			s.in(func(ctx context.Context, tx *store.Tx) error { _, err := take(ctx, tx, s.rows(p)[0].ID); return err })
			s.later(leaseFor)
		}
		s.work(s.room)
		if rows := s.rows(p); rows[0].Failure != "rehearsal.gave_up" {
			t.Errorf("%+v", rows)
		}
		if text := s.page(p, ""); !strings.Contains(text, "broke off each time") {
			t.Error(text)
		}
	})
}

func TestALeaseFromBeforeTheClockWasTakenBackHoldsNobodyUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		p := s.plan("", day, 60*day)
		s.ask(p)
		s.exec(`update rehearsal set lease_by = 'gone', lease_until = $1`, store.Micros(s.Clock.Now().Add(30*day)))
		s.work(s.room)
		if rows := s.rows(p); rows[0].Report == nil {
			t.Errorf("%+v", rows)
		}
	})
}

func TestARolloutWithdrawnMeanwhileIsSaid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		p := s.plan("", day, 60*day)
		s.ask(p)
		s.work(s.room)
		s.ask(p)
		s.in(func(ctx context.Context, tx *store.Tx) error { return rollout.Withdraw(ctx, tx, p, "test") })
		s.work(s.room)
		rows := s.rows(p)
		if len(rows) != 2 || rows[0].Failure != "rehearsal.withdrawn" || rows[1].Report == nil {
			t.Fatalf("%+v", rows)
		}
		text := s.page(p, "")
		for _, want := range []string{"was withdrawn: there is nothing to rehearse", "The rollout was changed since"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		if w := s.visit("POST", "/operator/rollouts/"+p.ID+"/rehearsal"); w.Code != http.StatusForbidden {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := s.visit("GET", "/operator/rollouts/none/rehearsal"); w.Code != http.StatusNotFound {
			t.Errorf("%d", w.Code)
		}
	})
}

func TestReportsGoAfter90Days(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		p := s.plan("", day, 60*day)
		s.ask(p)
		s.work(s.room)
		forget := func() (n int64) {
			s.in(func(ctx context.Context, tx *store.Tx) (err error) { n, err = Forget(ctx, tx); return err })
			return n
		}
		s.later(keepReport)
		if n := forget(); n != 0 {
			t.Errorf("%d went on the 90th day", n)
		}
		s.later(time.Second)
		if n := forget(); n != 1 {
			t.Errorf("%d went", n)
		}
	})
}
