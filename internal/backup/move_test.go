package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func (s *scene) move(to *scene) (int64, error) {
	return Move{From: s.DB, To: to.DB, Keys: s.Keys, Clock: s.Clock, By: console}.Do(s.t.Context())
}

// there is the other database under this one's clock.
func (s *scene) there(engine string) *scene {
	to := s.open(engines[engine](s.t))
	to.Clock.Set(s.Clock.Now())
	to.Clock.Accept()
	return to
}

func TestAPortalMovesToTheOtherEngineAndBackWithEveryRow(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.filled()
	if err := clock.Stop(t.Context(), s.DB, "host"); err != nil {
		t.Fatal(err)
	}
	before := s.sums()
	from := s
	for _, engine := range []string{"postgresql", "sqlite"} {
		to := s.there(engine)
		rows, err := from.move(to)
		if err != nil || rows < 60 {
			t.Fatalf("%d rows, %v", rows, err)
		}
		for table, sum := range to.sums() { // sessions, codes and links among them
			if table != "clock" && (sum == before[table]) == (table == "audit") { // the floor rises once in a step
				t.Errorf("%s: %s was %s and is %s", engine, table, before[table], sum)
			}
		}
		to.intact()
		if hold := from.hold(); hold.What != store.Moved || hold.Place != to.DB.Name() {
			t.Errorf("%+v", hold)
		}
		if _, err := clock.Start(t.Context(), from.DB, from.Clock, "a node"); !errors.Is(err, store.ErrHeld) {
			t.Errorf("a node starts on what was moved away: %v", err)
		}
		if _, err := from.move(s.there("sqlite")); !errors.Is(err, store.ErrHeld) {
			t.Errorf("it is moved twice: %v", err)
		}
		before, from = to.sums(), to
	}
	if _, err := clock.Start(t.Context(), from.DB, from.Clock, "a node"); err != nil {
		t.Error(err)
	}
}

func TestATextThatPostgreSQLDoesNotTakeStopsAMoveBeforeItBegins(t *testing.T) {
	for name, text := range map[string]string{"U+0000": "Aozora\x00", "not UTF-8": "Aozora\xff"} {
		t.Run(name, func(t *testing.T) {
			s := stage(t, storetest.Open(t, storetest.SQLite(t)))
			ref := s.person()
			err := s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `update organization set name = $1 where id = $2`, text, ref.Organization)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			to := s.there("postgresql")
			_, err = s.move(to)
			if !errors.Is(err, ErrText) || !strings.Contains(err.Error(), "table organization, column name") || !strings.Contains(err.Error(), ref.Organization) {
				t.Errorf("it says: %v", err)
			}
			if hold := s.hold(); hold != (store.Hold{}) {
				t.Errorf("the old one is held: %+v", hold)
			}
			if _, err := store.ReadHold(t.Context(), to.DB); err == nil {
				t.Error("the new one was begun")
			}
		})
	}
}

func TestAPortalThatRunsIsNotMoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		if _, err := clock.Start(t.Context(), s.DB, s.Clock, "host :8080"); err != nil {
			t.Fatal(err)
		}
		to := s.there("sqlite")
		if _, err := s.move(to); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), "host :8080") {
			t.Errorf("%v", err)
		}
		if s.hold().What != "" {
			t.Error("the refusal holds it")
		}
		s.Clock.Set(s.Clock.Now().Add(clock.Silent - time.Microsecond)) // it was killed
		if _, err := s.move(to); !errors.Is(err, ErrRunning) {
			t.Errorf("%v", err)
		}
		s.Clock.Set(s.Clock.Now().Add(time.Microsecond))
		if _, err := s.move(to); err != nil {
			t.Error(err)
		}
	})
}

// Wherever a move is broken off, at most one of the two databases may be served, and
// doing it again ends it.
func TestAMoveThatIsBrokenOffServesNobodyTwiceAndMayBeDoneAgain(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgresql"} {
		t.Run(engine, func(t *testing.T) {
			s := stage(t, storetest.Open(t, storetest.SQLite(t)))
			s.person()
			to := s.there(engine)
			served := func() (names []string) {
				for name, one := range map[string]*scene{"from": s, "to": to} {
					if empty, err := one.DB.Schema(t.Context()); err == nil && !empty && one.hold().What == "" {
						names = append(names, name)
					}
				}
				return names
			}
			move := Move{From: s.DB, To: to.DB, Keys: s.Keys, Clock: s.Clock, By: console}
			for _, at := range []string{"written", "compared"} {
				ctx, stop := context.WithCancel(t.Context())
				tellEvery = 1
				move.Write, move.Verify = func(int64, int64) {
					if at == "written" {
						stop()
					}
				}, func(int64, int64) {
					if at == "compared" {
						stop()
					}
				}
				_, err := move.Do(ctx)
				tellEvery = 10_000
				stop()
				if err == nil || len(served()) > 0 || s.hold().What != store.Moving {
					t.Errorf("%s: %v, served: %v", at, err, served())
				}
			}
			// cancelled while it goes on: the new one is never opened
			move.Write, move.Verify = nil, func(int64, int64) {
				if s.hold().What == store.Moving {
					if _, err := Cancel(t.Context(), s.DB, s.Keys, console); err != nil {
						t.Error(err)
					}
				}
			}
			tellEvery = 1
			_, err := move.Do(t.Context())
			tellEvery = 10_000
			if got := fmt.Sprint(served()); !errors.Is(err, store.ErrTakenOver) || got != "[from]" {
				t.Errorf("cancelled meanwhile: %v, served: %s", err, got)
			}
			// all but the last step: the old one is closed for good, the new one not yet open
			move.Verify = nil
			if _, err := move.Do(t.Context()); err != nil {
				t.Fatal(err)
			}
			to.in(func(ctx context.Context, tx *store.Tx) error {
				_, err := store.SetHold(ctx, tx, store.Moving, "from "+s.DB.Name())
				return err
			})
			if rows, err := move.Do(t.Context()); err != nil || rows != 0 {
				t.Errorf("%d rows, %v", rows, err)
			}
			if _, err := move.Do(t.Context()); !errors.Is(err, store.ErrHeld) {
				t.Errorf("moved once more: %v", err)
			}
			if got := fmt.Sprint(served()); got != "[to]" || s.hold().What != store.Moved {
				t.Errorf("served: %s, held: %+v", got, s.hold())
			}
		})
	}
}

func TestAMoveIsTakenBackOnTheOldDatabaseAlone(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.person()
	if _, err := Cancel(t.Context(), s.DB, s.Keys, console); !errors.Is(err, ErrMoved) {
		t.Errorf("nothing was moved: %v", err)
	}
	to := s.there("sqlite")
	if _, err := s.move(to); err != nil {
		t.Fatal(err)
	}
	if _, err := Cancel(t.Context(), s.DB, s.Keys, console); err != nil || s.hold().What != "" {
		t.Errorf("%v", err)
	}
	if n := s.count(`audit where act = 'portal:move:cancelled'`); n != 1 {
		t.Errorf("%d records", n)
	}
	s.intact()
	half := s.there("sqlite")
	if _, err := prepare(t.Context(), half.DB, store.Moving, "from "+s.DB.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := Cancel(t.Context(), half.DB, s.Keys, console); !errors.Is(err, ErrMoved) {
		t.Errorf("what is half there may be served: %v", err)
	}
}
