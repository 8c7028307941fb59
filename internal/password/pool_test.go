package password

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// quick is Argon2id as cheap as it gets.
var quick = Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func quickPool(t *testing.T, permits int) *Pool {
	t.Helper()
	p := NewPool(quick, permits, uint64(permits)*quick.memory())
	t.Cleanup(p.Close)
	return p
}

// held begins n runs that last until the returned function is called.
func held(t *testing.T, p *Pool, n int) (release func()) {
	t.Helper()
	hold, begun := make(chan struct{}), make(chan struct{}, n)
	var ended sync.WaitGroup
	for range n {
		ended.Go(func() {
			_ = p.run(context.Background(), 1, func() { begun <- struct{}{}; <-hold })
		})
	}
	for range n {
		<-begun
	}
	return func() { close(hold); ended.Wait() }
}

func TestPermitsAreTheLesserOfCoresAndMemory(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		cost   Cost
		cores  int
		budget uint64
		want   int
	}{
		{Standard, 8, 460 * mib, 8},
		{Standard, 16, 460 * mib, 10},
		{Standard, 16, 459 * mib, 9},
		{Small, 16, 100 * mib, 5},
		{Standard, 4, 1 * mib, 1},
		{Standard, 0, 1 << 40, 1},
		{Standard, -3, 0, 1},
	} {
		p := NewPool(c.cost, c.cores, c.budget)
		if p.permits != c.want {
			t.Errorf("%+v on %d cores with %d MiB: %d permits, want %d", c.cost, c.cores, c.budget/mib, p.permits, c.want)
		}
		p.Close()
	}
}

func TestAPoolOfAnImpossibleCostIsNotBuilt(t *testing.T) {
	for _, cost := range []Cost{{}, {64, 0, 1}, {64, 1, 0}, {15, 1, 2}, {mostMemoryKiB + 1, 1, 1}, {64, mostPasses + 1, 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is accepted", cost)
				}
			}()
			NewPool(cost, 1, 1<<30)
		}()
	}
}

func TestFiftyAtOnceNeverRunBeyondThePermits(t *testing.T) {
	const permits = 3
	p := quickPool(t, permits)
	var running, most, done, busy atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			err := p.run(t.Context(), 1, func() {
				now := running.Add(1)
				for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
				}
				time.Sleep(5 * time.Millisecond)
				running.Add(-1)
			})
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, ErrBusy):
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() > permits || done.Load()+busy.Load() != 50 || done.Load() < permits*(1+queuePerPermit) {
		t.Errorf("at most %d at once, %d done, %d busy", most.Load(), done.Load(), busy.Load())
	}
	if p.line.free != permits || len(p.line.waiting) != 0 {
		t.Errorf("afterwards %d free, %d waiting", p.line.free, len(p.line.waiting))
	}
}

func TestAHashOfAnAskerWhoHungUpKeepsItsPermitToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(quick, 1, quick.memory())
		hold := make(chan struct{})
		ctx, hangUp := context.WithCancel(t.Context())
		answer := make(chan error)
		go func() { answer <- p.run(ctx, 1, func() { <-hold }) }()
		synctest.Wait()
		hangUp()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("the asker is answered %v", err)
		}
		if p.line.free != 0 {
			t.Fatal("the permit came back before the hash had ended")
		}
		next := make(chan error)
		go func() { next <- p.burn(t.Context()) }()
		synctest.Wait()
		if p.Hashes() != 0 {
			t.Error("a second hash began beside the first")
		}
		close(hold)
		if err := <-next; err != nil || p.Hashes() != 1 {
			t.Errorf("after its end: %v, %d hashes", err, p.Hashes())
		}
		p.Close()
	})
}

func TestAHeavyImportedHashTakesThePlaceOfSeveral(t *testing.T) {
	p := quickPool(t, 4)
	for memory, want := range map[uint64]int{
		0: 1, 1: 1, quick.memory(): 1, quick.memory() + 1: 2, 3 * quick.memory(): 3, 1 << 40: 4,
	} {
		if got := p.permitsFor(memory); got != want {
			t.Errorf("%d bytes: %d permits, want %d", memory, got, want)
		}
	}
	release := held(t, p, 1)
	begun := make(chan struct{})
	go func() { _ = p.run(context.Background(), 1<<40, func() { close(begun) }) }()
	select {
	case <-begun:
		t.Error("ran beside another though it needs all the memory")
	case <-time.After(20 * time.Millisecond):
	}
	release()
	<-begun
}

func TestAPanicInAHashReachesTheAskerAndFreesThePermit(t *testing.T) {
	p := quickPool(t, 1)
	func() {
		defer func() {
			if fault := recover(); fault != "broken row" {
				t.Errorf("the asker got %v", fault)
			}
		}()
		_ = p.run(t.Context(), 1, func() { panic("broken row") })
	}()
	if err := p.burn(t.Context()); err != nil {
		t.Errorf("the pool is stuck: %v", err)
	}
}

func TestRealHashesAtOnceStayWithinThePool(t *testing.T) {
	p := NewPool(Cost{MemoryKiB: 1024, Passes: 1, Lanes: 1}, 2, 2<<20)
	defer p.Close()
	stored, err := p.Hash(t.Context(), oldPassword)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			match, err := p.Verify(t.Context(), stored, oldPassword)
			if err != nil && !errors.Is(err, ErrBusy) || err == nil && !match.Right || err != nil && match.Right {
				t.Errorf("%+v, %v", match, err)
			}
		})
	}
	all.Wait()
	if _, err := p.Hash(t.Context(), strings.Repeat("x", longestTyped+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}

func TestThePoolIsFullExactlyWhenWhoeverComesIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(quick, 1, quick.memory())
		hold := make(chan struct{})
		for i := range 1 + queuePerPermit {
			if p.Full() {
				t.Errorf("full with %d", i)
			}
			go func() { _ = p.run(t.Context(), 1, func() { <-hold }) }()
			synctest.Wait()
		}
		if !p.Full() || !errors.Is(p.burn(t.Context()), ErrBusy) {
			t.Error("one more has a place in the line")
		}
		close(hold)
		synctest.Wait()
		if p.Full() {
			t.Error("full though everybody left")
		}
		p.Close()
		if !p.Full() {
			t.Error("a closed pool has a place")
		}
	})
}
