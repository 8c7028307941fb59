package password

import (
	"context"
	"errors"
	"log/slog"
	"net/rpc"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"nidan/internal/trace"
)

// ErrBusy says that the hash could not be begun in time: the line is full, the wait was too long, or the pool is
// closing. Nothing was compared. The caller answers 503 with Retry-After, and counts no wrong password.
var ErrBusy = errors.New("password: too many hashes at once")

const (
	queuePerPermit = 4
	longestWait    = 2 * time.Second
	restAfter      = 20 * time.Second
)

// Cost is what one Argon2id hash takes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// The two settings of the house. Standard costs a guesser with the table in hand more; Small is for machines
// on which 46 MiB for each sign-in at once is too much. Both are OWASP's equivalents of one another.
var (
	Standard = Cost{MemoryKiB: 46 * 1024, Passes: 1, Lanes: 1}
	Small    = Cost{MemoryKiB: 19 * 1024, Passes: 2, Lanes: 1}
)

func (c Cost) memory() uint64 { return uint64(c.MemoryKiB) << 10 }

// work compares costs with each other: blocks filled, whatever the lanes (they share the blocks out).
func (c Cost) work() uint64 { return uint64(c.MemoryKiB) * uint64(c.Passes) }

// Pool is the only place that derives a key from a password. Hashing is what a stranger can make this server pay
// for without knowing anything, so the pool bounds it: permits cap how many run, and so the memory; a short line
// caps how many wait; a permit is held until the hash has ended, also when the asker hung up long before, for
// otherwise whoever opens and drops requests has all cores and all memory.
type Pool struct {
	cost    Cost
	permits int
	line    *line
	hashes  atomic.Uint64
	worker  *worker // nil: this process hashes
}

// NewPool allows as many hashes at once as there are cores, but no more than memoryBudget (in bytes) holds, and
// at least one. A cost out of bounds is a fault of the program and panics at boot.
func NewPool(cost Cost, cores int, memoryBudget uint64) *Pool {
	if err := cost.check(); err != nil {
		panic("password: NewPool: " + err.Error())
	}
	permits := int(max(1, min(uint64(max(1, cores)), memoryBudget/cost.memory())))
	p := &Pool{cost: cost, permits: permits}
	p.line = newLine(permits, p.rest)
	return p
}

// Apart has a process of its own hash from now on, nicer than this one: a page goes before a hash. Where there can be
// none this process hashes after all, and log says so. It is for a pool that nobody uses yet.
func (p *Pool) Apart(log *slog.Logger) {
	p.worker = &worker{begin: func() (*rpc.Client, error) { return begin(p.permits) }, log: log, unable: p.widen}
}

// widen gives the scheduler a thread for each hash that may run beside those for the cores. Argon2 computes for tens of
// milliseconds without a pause: with as many hashes at work as threads, every other request waits for one to end. With
// threads to spare the system shares the cores out. Whoever sets GOMAXPROCS has decided this himself.
func (p *Pool) widen() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + p.permits)
	}
}

// rest gives memory back, when nothing was hashed for a while.
func (p *Pool) rest() {
	if p.worker != nil {
		p.worker.rest()
	}
	debug.FreeOSMemory()
}

// Permits is how many hashes run at once at most.
func (p *Pool) Permits() int { return p.permits }

// Hashes counts the Argon2 runs so far: equal work is checked by counting, not by the clock.
func (p *Pool) Hashes() uint64 { return p.hashes.Load() }

// Full says that whoever came now would be refused with ErrBusy. When many more come than can be served, each is
// asked this before anything is read or computed for him: to refuse ten must cost less than to serve one.
func (p *Pool) Full() bool {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	return p.line.full()
}

// State is how many permits are in use and how many askers wait for one.
func (p *Pool) State() (used, waiting int) {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	return p.permits - p.line.free, len(p.line.waiting)
}

// Close refuses whoever waits and whoever comes, waits for the hashes that run, and stops the pool's timer and process.
func (p *Pool) Close() {
	p.line.close()
	if p.worker != nil {
		p.worker.rest()
	}
}

// do has a task done under permits for the memory it takes.
func (p *Pool) do(ctx context.Context, memory uint64, t Task) (Result, error) {
	t.Cost = p.cost
	var o Result
	var failed error
	err := p.run(ctx, memory, func() {
		if p.worker == nil {
			o = t.do()
		} else {
			o, failed = p.worker.do(t)
		}
		p.hashes.Add(o.Argons)
	})
	if err != nil { // what was begun may still be written to
		return Result{}, err
	}
	return o, failed
}

// run does work under permits for the memory it takes. It returns when work has ended, or at once when ctx has;
// then work goes on to its end by itself, holding its permits, and nobody may read what it writes.
func (p *Pool) run(ctx context.Context, memory uint64, work func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	permits := p.permitsFor(memory)
	_, waited := trace.Begin(ctx, "wait for a permit to hash")
	err := p.line.enter(ctx, permits)
	waited(err)
	if err != nil {
		return err
	}
	_, hashed := trace.Begin(ctx, "hash a password")
	defer hashed(nil)
	ended := make(chan any, 1)
	go func() {
		defer func() {
			fault := recover()
			p.line.leave(permits)
			ended <- fault
		}()
		work()
	}()
	select {
	case fault := <-ended:
		if fault != nil {
			// Only on the asker's own goroutine does the server's recovery catch it: one bad row of an import
			// must not take the whole portal down.
			panic(fault)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// permitsFor weighs an imported hash that needs more memory than ours: it takes the place of several, so that
// the budget holds. One that needs more than the whole budget runs alone.
func (p *Pool) permitsFor(memory uint64) int {
	unit := p.cost.memory()
	return int(max(1, min(uint64(p.permits), (memory+unit-1)/unit)))
}
