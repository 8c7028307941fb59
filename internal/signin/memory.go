package signin

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Numbers of what a node remembers of sessions.
const (
	rememberFor  = 4 * time.Second // at most, whatever is heard: revocation holds within 5 s
	rememberMost = 100_000         // sessions
	changesKept  = 1024            // narrow changes that a read which overtakes them can be compared with
)

// Memory is what a node remembers of sessions: facts that were read in the last
// seconds and that nobody has changed since, as far as the store is sure of that. It
// holds no verdict; what follows from the clock is asked with each request.
type Memory struct {
	db      *store.DB
	machine func() time.Time
	most    int

	mu         sync.RWMutex
	young, old *generation
	turned     time.Time // when young was begun
	seq        uint64    // of the latest change
	allAt      uint64    // seq of the latest change of everybody's
	changes    [changesKept]store.Holder

	// Hits, Misses and Unsure count the questions: answered, not there, and asked while
	// the store could not say whether others have changed something.
	Hits, Misses, Unsure atomic.Uint64
}

type digest [sha256.Size]byte

// stranger stands for everybody who brings no session.
var stranger digest

// generation is what was remembered in a few seconds. It is dropped as a whole.
type generation struct {
	entries map[digest]*remembered
	holders map[store.Holder][]digest
}

// remembered is what one request learned.
type remembered struct {
	known
	policy   Policy
	networks []netip.Prefix // of an account that checks them
	read     time.Time      // the machine's time before it was read
}

// NewMemory remembers of what a database tells. machine is the machine's own time,
// with its monotonic part.
func NewMemory(db *store.DB, machine func() time.Time) *Memory {
	m := &Memory{db: db, machine: machine, most: rememberMost, young: newGeneration(), old: newGeneration()}
	db.Heed(m.heed)
	return m
}

func newGeneration() *generation {
	return &generation{map[digest]*remembered{}, map[store.Holder][]digest{}}
}

// recall is what is remembered of a cookie's value, or nil. The zero Memory pointer
// remembers nothing.
func (m *Memory) recall(of digest) *remembered {
	if m == nil {
		return nil
	}
	now := m.machine()
	if !m.db.Sure(now) {
		m.Unsure.Add(1)
		return nil
	}
	m.mu.RLock()
	e := m.young.entries[of]
	if e == nil {
		e = m.old.entries[of]
	}
	m.mu.RUnlock()
	// The wall's clock is asked too: a machine that slept may have stopped the other.
	if e == nil || now.Sub(e.read).Abs() >= rememberFor || now.Round(0).Sub(e.read.Round(0)).Abs() >= rememberFor {
		m.Misses.Add(1)
		return nil
	}
	m.Hits.Add(1)
	return e
}

// mark is where a read begins: what is changed after it makes it old.
type mark struct {
	seq  uint64
	read time.Time
}

func (m *Memory) begin() mark {
	if m == nil {
		return mark{}
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return mark{m.seq, m.machine()}
}

// remember keeps what was read since a mark, unless something of it was changed.
func (m *Memory) remember(from mark, of digest, e *remembered) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	whose := store.Holder{Organization: e.Ref.Organization, ID: e.Ref.ID}
	if m.changed(from.seq, whose) {
		return
	}
	if now := from.read; now.Sub(m.turned).Abs() >= rememberFor || len(m.young.entries) >= m.most/2 {
		m.young, m.old, m.turned = newGeneration(), m.young, now
	}
	e.read = from.read
	if m.young.entries[of] == nil {
		m.young.holders[whose] = append(m.young.holders[whose], of)
	}
	m.young.entries[of] = e
}

// changed says whether anything about a holder was changed since.
func (m *Memory) changed(since uint64, whose store.Holder) bool {
	if m.allAt > since || m.seq-since > changesKept {
		return true
	}
	for n := since + 1; n <= m.seq; n++ {
		if c := m.changes[n%changesKept]; c == whose || c == (store.Holder{Organization: whose.Organization}) {
			return true
		}
	}
	return false
}

// heed forgets what was changed.
func (m *Memory) heed(c store.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.All {
		m.seq++
		m.allAt = m.seq
		m.young, m.old = newGeneration(), newGeneration()
		return
	}
	for _, whose := range c.Whose {
		m.seq++
		m.changes[m.seq%changesKept] = whose
		m.young.forget(whose)
		m.old.forget(whose)
	}
}

func (g *generation) forget(whose store.Holder) {
	if whose.ID != "" {
		for _, of := range g.holders[whose] {
			delete(g.entries, of)
		}
		delete(g.holders, whose)
		return
	}
	for holder := range g.holders {
		if holder.Organization == whose.Organization {
			g.forget(holder)
		}
	}
}

// size is how many sessions are remembered.
func (m *Memory) size() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.young.entries) + len(m.old.entries)
}

// barred says whether the client's address is outside the permitted networks of an
// account that checks them.
func (e *remembered) barred(client netip.Addr) bool {
	return e.networkCheck && !account.Permits(e.networks, client)
}
