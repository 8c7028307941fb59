package store

import (
	"sync"
	"sync/atomic"
)

// lite tells foreign commits in an SQLite file from this program's own.
//
// The header of the WAL index, which every process that uses the file has mapped
// ("WAL-mode File Format", 1.1), is another after each commit: comparing it in memory
// tells that somebody committed. Who did says `pragma data_version`, asked on the one
// connection that writes after each of its own transactions: it changes by other
// connections' commits alone. Where the header cannot be mapped, nobody is ever sure.
type lite struct {
	path string
	tell func(Change)

	mu      sync.Mutex
	tries   int // to map the header
	index   atomic.Pointer[walIndex]
	seen    atomic.Pointer[walHeader] // up to here everything was heeded
	ending  atomic.Bool               // an own transaction is being committed: what changes may be ours
	version int64                     // the writer's data_version after its last transaction
}

// sure compares the header with the one up to which everything was heeded.
func (l *lite) sure() bool {
	index := l.index.Load()
	if index == nil {
		return l.open()
	}
	if index.read() == *l.seen.Load() {
		return true
	}
	if l.ending.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := index.read()
	switch {
	case now == *l.seen.Load(): // an own transaction that ended meanwhile
		return true
	case l.ending.Load():
		return false
	}
	l.tell(Change{All: true})
	l.seen.Store(&now)
	return true
}

// openTries is how often it is tried to map the header, which is there from the first
// statement on.
const openTries = 20

// open maps the header, at the first question. What was kept before is forgotten.
func (l *lite) open() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.index.Load() != nil || l.tries == openTries {
		return false
	}
	l.tries++
	index, err := openWalIndex(l.path + "-shm")
	if err != nil {
		return false // and in the end it stays so: everything is read each time
	}
	now := index.read()
	l.seen.Store(&now)
	l.index.Store(index)
	l.tell(Change{All: true})
	return true
}

// begin says that an own transaction is about to be committed.
func (l *lite) begin() {
	if l.index.Load() == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending.Store(true)
}

// end accounts for an own transaction that has ended, while the writer's turn is held:
// the header is read before the version, so that a foreign commit in between is told
// twice rather than never.
func (l *lite) end(dataVersion func() (int64, error)) {
	index := l.index.Load()
	if index == nil {
		return
	}
	now := index.read()
	version, err := dataVersion()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || version != l.version {
		l.tell(Change{All: true})
	}
	l.version = version
	l.seen.Store(&now)
	l.ending.Store(false)
}

// close gives the mapping back; quiet says that no connection of ours is left.
func (l *lite) close(quiet bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries = openTries
	if index := l.index.Swap(nil); index != nil {
		index.release(quiet)
	}
}
