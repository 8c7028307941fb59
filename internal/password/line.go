package password

import (
	"context"
	"slices"
	"sync"
	"time"
)

// line hands out permits first come, first served: a heavy imported hash at its head is not overtaken for ever
// by light ones. When all permits have been back for a while it gives the memory back to the machine: the
// runtime by itself would keep the last hashes' blocks for minutes, and a portal is idle most of the day.
type line struct {
	permits  int
	giveBack func()
	running  sync.WaitGroup

	mu      sync.Mutex
	free    int
	waiting []*waiter
	closed  bool
	rest    *time.Timer // set while all permits are back
}

// waiter stands in the line. Its turn receives once: nil with the permits taken for it, or ErrBusy.
type waiter struct {
	permits int
	turn    chan error
}

func newLine(permits int, giveBack func()) *line {
	return &line{permits: permits, free: permits, giveBack: giveBack}
}

func (l *line) enter(ctx context.Context, permits int) error {
	l.mu.Lock()
	if l.full() {
		l.mu.Unlock()
		return ErrBusy
	}
	w := &waiter{permits: permits, turn: make(chan error, 1)}
	l.waiting = append(l.waiting, w)
	l.serve()
	l.mu.Unlock()
	return l.wait(ctx, w)
}

// full says that nobody more may stand in the line. The caller holds mu.
func (l *line) full() bool { return l.closed || len(l.waiting) >= queuePerPermit*l.permits }

func (l *line) wait(ctx context.Context, w *waiter) error {
	select {
	case err := <-w.turn: // served at once: no timer needed
		return err
	default:
	}
	patience := time.NewTimer(longestWait)
	defer patience.Stop()
	var err error
	select {
	case err := <-w.turn:
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-patience.C:
		err = ErrBusy
	}
	if !l.withdraw(w) && <-w.turn == nil {
		l.leave(w.permits) // the turn came in the same moment as the end of the wait
	}
	return err
}

// withdraw takes w out of the line, and reports false where it stands there no more.
func (l *line) withdraw(w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.waiting, w)
	if at < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, at, at+1)
	l.serve() // w may have been the heavy one that held up the rest
	return true
}

func (l *line) leave(permits int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free += permits
	l.serve()
	if l.free == l.permits && !l.closed {
		l.startRest()
	}
	l.running.Done()
}

// serve gives permits to those at the head for whom they suffice. The caller holds mu.
func (l *line) serve() {
	for len(l.waiting) > 0 && l.waiting[0].permits <= l.free {
		w := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.free -= w.permits
		l.running.Add(1)
		if l.rest != nil {
			l.rest.Stop()
		}
		w.turn <- nil
	}
}

// startRest begins the quiet time anew. The caller holds mu.
func (l *line) startRest() {
	if l.rest == nil {
		l.rest = time.AfterFunc(restAfter, l.endRest)
		return
	}
	l.rest.Reset(restAfter)
}

func (l *line) endRest() {
	l.mu.Lock()
	idle := l.free == l.permits && !l.closed
	l.mu.Unlock()
	if idle {
		l.giveBack()
	}
}

func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	if l.rest != nil {
		l.rest.Stop()
	}
	for _, w := range l.waiting {
		w.turn <- ErrBusy
	}
	l.waiting = nil
	l.mu.Unlock()
	l.running.Wait()
}
