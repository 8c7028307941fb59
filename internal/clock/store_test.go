package clock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

const year = 365 * 24 * time.Hour

func start(t *testing.T, w storetest.World, clk *clock.Clock, node string) clock.State {
	t.Helper()
	state, err := clock.Start(t.Context(), w.DB, clk, node)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func load(t *testing.T, w storetest.World) clock.State {
	t.Helper()
	state, err := clock.Load(t.Context(), w.DB, w.Clock)
	if err != nil {
		t.Fatal(err)
	}
	if (state.Past != "") != (w.DB.Engine() == store.PostgreSQL) {
		t.Errorf("the run of the database's server is %q", state.Past)
	}
	return state
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// accept is what `nidan clock accept` does.
func accept(t *testing.T, w storetest.World, clk *clock.Clock) (was, is time.Time, err error) {
	t.Helper()
	err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		was, is, err = clock.Accept(ctx, tx, clk)
		return err
	})
	return was, is, err
}

func TestANewDatabaseStartsWithThePresent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		want := clock.State{Latest: storetest.Start, Epoch: 1, Past: load(t, w).Past}
		if got := load(t, w); got != want {
			t.Errorf("the first time: %+v, want %+v", got, want)
		}
		w.Clock.Set(storetest.Start.Add(time.Hour))
		if got := load(t, w); got != want {
			t.Errorf("loading again changed it: %+v, want %+v", got, want)
		}
	})
}

func TestAClockSetBackAYearKeepsTheLaterInstant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		start(t, w, w.Clock, "a")
		w.Clock.Set(storetest.Start.Add(-year))
		if now := w.Clock.Now(); !now.Equal(storetest.Start) {
			t.Errorf("now is %s after the clock was set back, want %s", now, storetest.Start)
		}
		must(t, clock.Remember(t.Context(), w.DB, w.Clock))
		if got := load(t, w).Latest; !got.Equal(storetest.Start) {
			t.Errorf("the store remembers %s, want %s", got, storetest.Start)
		}

		restarted := clock.At(storetest.Start.Add(-year))
		state := start(t, w, restarted, "b")
		if now := restarted.Now(); !now.Equal(storetest.Start) {
			t.Errorf("now is %s after a restart, want %s", now, storetest.Start)
		}
		if want := clock.Step(storetest.Start); state.FloorStep != want {
			t.Errorf("the floor is %d after a start with a clock that stands behind, want %d", state.FloorStep, want)
		}
	})
}

func TestTheLatestInstantRisesAndIsSharedByAllNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		start(t, w, w.Clock, "a")
		slow := clock.At(storetest.Start.Add(-2 * time.Second))
		if floor := start(t, w, slow, "b").FloorStep; floor != 0 {
			t.Errorf("two seconds behind raised the floor to %d", floor)
		}
		w.Clock.Set(storetest.Start.Add(time.Minute))
		must(t, clock.Remember(t.Context(), w.DB, w.Clock))
		must(t, clock.Remember(t.Context(), w.DB, slow))
		if now, want := slow.Now(), storetest.Start.Add(time.Minute); !now.Equal(want) {
			t.Errorf("the slow node says %s, want %s", now, want)
		}
	})
}

func TestAcceptTakesTheEarlierTimeAndOpensAnEpoch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		start(t, w, w.Clock, "a")
		if _, _, err := accept(t, w, w.Clock); !errors.Is(err, clock.ErrNotBehind) {
			t.Errorf("accepting with a right clock: %v, want ErrNotBehind", err)
		}
		before := storetest.Start.Add(-year)
		w.Clock.Set(before)
		console := clock.At(before) // another process than the node that runs
		was, is, err := accept(t, w, console)
		must(t, err)
		if !was.Equal(storetest.Start) || !is.Equal(before) {
			t.Errorf("accepted %s after %s, want %s after %s", is, was, before, storetest.Start)
		}
		want := clock.State{Latest: before, Epoch: 2, FloorStep: clock.Step(before), Past: load(t, w).Past}
		if got := load(t, w); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		must(t, clock.Remember(t.Context(), w.DB, w.Clock))
		if now := w.Clock.Now(); !now.Equal(before) {
			t.Errorf("the node that ran says %s after its next Remember, want %s", now, before)
		}
		if got := load(t, w); got != want {
			t.Errorf("the node that ran put back the later instant: %+v", got)
		}
	})
}

func TestAnUncleanStopRaisesTheFloorAndACleanOneDoesNot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		if floor := start(t, w, w.Clock, "a").FloorStep; floor != 0 {
			t.Errorf("the first start raised the floor to %d", floor)
		}
		must(t, clock.Stop(t.Context(), w.DB, "a"))
		w.Clock.Set(storetest.Start.Add(time.Minute))
		if floor := start(t, w, w.Clock, "a").FloorStep; floor != 0 {
			t.Errorf("a start after a clean stop raised the floor to %d", floor)
		}
		w.Clock.Set(storetest.Start.Add(2 * time.Minute))
		if floor := start(t, w, w.Clock, "b").FloorStep; floor != 0 {
			t.Errorf("another node beside a running one raised the floor to %d", floor)
		}
		killed := storetest.Start.Add(3 * time.Minute)
		w.Clock.Set(killed)
		if floor, want := start(t, w, w.Clock, "a").FloorStep, clock.Step(killed); floor != want {
			t.Errorf("the floor is %d after an unclean stop, want %d", floor, want)
		}
		must(t, clock.Stop(t.Context(), w.DB, "a"))
		w.Clock.Set(killed.Add(time.Hour))
		if floor, want := start(t, w, w.Clock, "a").FloorStep, clock.Step(killed); floor != want {
			t.Errorf("the floor is %d after a later clean stop, want %d still", floor, want)
		}
	})
}

func TestARestoreRaisesTheFloor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		start(t, w, w.Clock, "a")
		must(t, w.DB.Write(t.Context(), clock.RaiseFloor))
		if got, want := load(t, w).FloorStep, clock.Step(storetest.Start); got != want {
			t.Errorf("the floor is %d, want %d", got, want)
		}
	})
}

// A row that knows of another run of the server comes from a database that died, that
// another took over from, or that was brought here from elsewhere.
func TestAnotherRunOfTheDatabasesServerRaisesTheFloorToWhateverMayHaveBeenAccepted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		start(t, w, w.Clock, "a")
		here := load(t, w).Past
		far := clock.Step(storetest.Start.Add(2*clock.Skew)) + 1
		note := func(text string, args ...any) {
			t.Helper()
			must(t, w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, text, args...)
				return err
			}))
		}
		witness := func() error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				state, err := clock.Load(ctx, w.DB, w.Clock)
				if err != nil {
					return err
				}
				floor, err := clock.Witness(ctx, tx, state.Past, state.FloorStep)
				if want := max(far, state.FloorStep); err == nil && state.Past != here && floor != want {
					t.Errorf("the floor is said to be %d, want %d", floor, want)
				}
				return err
			})
		}
		for name, notice := range map[string]func() error{
			"an accepted code": witness,
			"each minute":      func() error { return clock.Remember(t.Context(), w.DB, w.Clock) },
			"a start": func() error {
				must(t, clock.Stop(t.Context(), w.DB, "a"))
				_, err := clock.Start(t.Context(), w.DB, w.Clock, "a")
				return err
			},
		} {
			note(`update clock set past = $1, floor_step = 7`, here)
			must(t, notice())
			if got := load(t, w); got.FloorStep != 7 || got.Past != here {
				t.Errorf("%s, nothing happened: %+v", name, got)
			}
			note(`update clock set past = 'another', floor_step = 7`)
			must(t, notice())
			if got := load(t, w); got.FloorStep != far || got.Past != here {
				t.Errorf("%s: %+v, want the floor at %d", name, got, far)
			}
			note(`update clock set past = 'another', floor_step = $1`, far+5)
			must(t, notice())
			if got := load(t, w); got.FloorStep != far+5 || got.Past != here {
				t.Errorf("%s, a higher floor: %+v", name, got)
			}
		}
	})
}

func TestADemosClockJumpsOnAllNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		start(t, w, w.Clock, "a")
		other := clock.At(storetest.Start)
		start(t, w, other, "b")
		for _, offset := range []time.Duration{45 * 24 * time.Hour, -year, -year + time.Minute, 0} {
			must(t, clock.SetDemoOffset(t.Context(), w.DB, w.Clock, offset))
			must(t, clock.Remember(t.Context(), w.DB, other))
			want := storetest.Start.Add(offset)
			if here, there := w.Clock.Now(), other.Now(); !here.Equal(want) || !there.Equal(want) {
				t.Errorf("after a jump to %s: here it is %s, there %s", want, here, there)
			}
			if floor := load(t, w).FloorStep; floor >= clock.Step(want)-1 {
				t.Errorf("after a jump to %s the present codes are under the floor", want)
			}
		}
		restarted := clock.At(storetest.Start)
		must(t, clock.SetDemoOffset(t.Context(), w.DB, w.Clock, -year))
		start(t, w, restarted, "c")
		if now, want := restarted.Now(), storetest.Start.Add(-year); !now.Equal(want) {
			t.Errorf("a restarted demo says %s, want %s", now, want)
		}
	})
}

func TestADemosClockJumpsBackBeforeAnythingWasLoaded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Clock.Now()
		must(t, clock.SetDemoOffset(t.Context(), w.DB, w.Clock, -year))
		if now, want := w.Clock.Now(), storetest.Start.Add(-year); !now.Equal(want) {
			t.Errorf("it is %s, want %s", now, want)
		}
	})
}

func TestNodesThatStartAtOnceAllSucceed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var group sync.WaitGroup
		for _, node := range []string{"a", "b", "c", "d", "e", "f"} {
			group.Go(func() {
				if _, err := clock.Start(t.Context(), w.DB, clock.At(storetest.Start), node); err != nil {
					t.Errorf("node %s: %v", node, err)
				}
			})
		}
		group.Wait()
		if got := load(t, w); got.Epoch != 1 || got.FloorStep != 0 {
			t.Errorf("%+v, want the first epoch and no floor", got)
		}
	})
}
