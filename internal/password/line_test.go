package password

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFullLineRefusesAtOnceAndALongWaitAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(quick, 2, 2*quick.memory())
		release := held(t, p, 2)
		begun := time.Now()
		var waiting sync.WaitGroup
		for range 2 * queuePerPermit {
			waiting.Go(func() {
				if err := p.burn(t.Context()); !errors.Is(err, ErrBusy) {
					t.Errorf("in the line: %v", err)
				}
				if waited := time.Since(begun); waited != longestWait {
					t.Errorf("waited %v", waited)
				}
			})
		}
		synctest.Wait()
		if err := p.burn(t.Context()); !errors.Is(err, ErrBusy) || time.Since(begun) != 0 {
			t.Errorf("beyond the line: %v after %v", err, time.Since(begun))
		}
		waiting.Wait()
		release()
		if err := p.burn(t.Context()); err != nil {
			t.Errorf("after the rush: %v", err)
		}
		p.Close()
	})
}

func TestWhoeverStandsInTheLineIsServedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(quick, 1, quick.memory())
		release := held(t, p, 1)
		var order []int
		var waiting sync.WaitGroup
		for i := range queuePerPermit {
			waiting.Go(func() { _ = p.run(t.Context(), 1, func() { order = append(order, i) }) })
			synctest.Wait()
		}
		release()
		waiting.Wait()
		for i, who := range order {
			if who != i {
				t.Fatalf("served in the order %v", order)
			}
		}
		p.Close()
	})
}

func TestAnAskerWhoHangsUpInTheLineLeavesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(quick, 1, quick.memory())
		release := held(t, p, 1)
		ctx, hangUp := context.WithCancel(t.Context())
		answer := make(chan error)
		go func() { answer <- p.burn(ctx) }()
		synctest.Wait()
		hangUp()
		if err := <-answer; !errors.Is(err, context.Canceled) || len(p.line.waiting) != 0 {
			t.Errorf("%v, %d still in the line", err, len(p.line.waiting))
		}
		release()
		if p.line.free != 1 || p.Hashes() != 0 {
			t.Errorf("%d free, %d hashes", p.line.free, p.Hashes())
		}
		if err := p.burn(ctx); !errors.Is(err, context.Canceled) || p.Hashes() != 0 {
			t.Errorf("already hung up: %v, %d hashes", err, p.Hashes())
		}
		p.Close()
	})
}

func TestMemoryIsGivenBackOnceAfterTwentyQuietSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(quick, 2, 2*quick.memory())
		var given atomic.Int64
		p.line.giveBack = func() { given.Add(1) }
		sleep := func(d time.Duration) { time.Sleep(d); synctest.Wait() }

		sleep(time.Hour)
		if given.Load() != 0 {
			t.Error("given back before the first hash")
		}
		_ = p.burn(t.Context())
		sleep(restAfter - time.Second)
		_ = p.burn(t.Context())
		sleep(restAfter - time.Second)
		if given.Load() != 0 {
			t.Error("given back between two hashes")
		}
		sleep(2 * time.Second)
		if given.Load() != 1 {
			t.Errorf("given back %d times after the rest", given.Load())
		}
		release := held(t, p, 1)
		sleep(time.Hour)
		release()
		if given.Load() != 1 {
			t.Error("given back while a hash ran")
		}
		p.Close()
		sleep(time.Hour)
		if given.Load() != 1 {
			t.Error("given back after the end")
		}
	})
}

func TestCloseRefusesTheLineAndWaitsForWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(quick, 1, quick.memory())
		release := held(t, p, 1)
		waiting := make(chan error, 1)
		go func() { waiting <- p.burn(t.Context()) }()
		synctest.Wait()
		closed := make(chan struct{})
		go func() { p.Close(); close(closed) }()
		synctest.Wait()
		if err := <-waiting; !errors.Is(err, ErrBusy) {
			t.Errorf("in the line: %v", err)
		}
		if err := p.burn(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("afterwards: %v", err)
		}
		select {
		case <-closed:
			t.Error("closed while a hash ran")
		default:
		}
		release()
		<-closed
	})
}
