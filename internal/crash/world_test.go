package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// world is a portal with its people, the one who kills it, and what is known of both.
type world struct {
	t      *testing.T
	engine store.Engine
	dir    string
	source string // of the database
	keys   *secret.Keys
	node   *node
	relay  *relay
	began  time.Time // the seed was done
	history

	url     atomic.Pointer[string] // of the node that people are sent to
	floor   atomic.Int64           // TOTP steps up to it are refused, as read after each start
	resting sync.RWMutex           // held for reading while a deed goes on
	over    chan struct{}          // closed when everybody is to go home
	upMu    sync.Mutex
	upNow   chan struct{} // closed while the portal is up
	sends   map[string]int
	sendsMu sync.Mutex
	sending chan string // what is asked, for the one who kills

	secretsMu sync.Mutex
	secrets   map[string]string // what nobody may find, by whose it is

	killed  time.Time // last
	unclean []uncleanStart
	ends    map[string]time.Time // own ends, by organization
	sure    bool                 // nothing is left to chance
	metMu   sync.Mutex           // of everybody
	cast
}

// uncleanStart is a start after a kill, and the floor that was found after it.
type uncleanStart struct {
	killed      time.Time
	step, floor int64
}

// openWorld sets up a portal by its own first start, and fills it.
func openWorld(t *testing.T, source string, people int, more ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), source: source, relay: openRelay(t), over: make(chan struct{}), upNow: make(chan struct{}),
		sends: map[string]int{}, sending: make(chan string, 1024), secrets: map[string]string{}, ends: map[string]time.Time{}}
	w.engine = store.PostgreSQL
	if !strings.Contains(source, "://") {
		w.engine = store.SQLite
		if !filepath.IsAbs(source) {
			w.source = filepath.Join(w.dir, source)
		}
	}
	w.node = newNode(t, w.dir, "node", w.source, w.relay.url, more...)
	w.node.start()
	w.node.stop()
	w.url.Store(&w.node.url)
	keys, err := secret.ReadKeys(filepath.Join(w.dir, "nidan.key"))
	if err != nil {
		t.Fatal(err)
	}
	w.keys = keys
	w.seed(people)
	return w
}

// with opens the database for a while. It is never open while the portal is killed:
// whoever comes first afterwards recovers SQLite's log, and that is to be the portal.
func (w *world) with(do func(db *store.DB)) {
	w.t.Helper()
	db, err := store.Open(context.Background(), w.source, clock.New().Now)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	do(db)
}

// up waits until the portal is up, or everybody goes home.
func (w *world) up() {
	w.upMu.Lock()
	now := w.upNow
	w.upMu.Unlock()
	select {
	case <-now:
	case <-w.over:
	}
}

func (w *world) isOver() bool {
	select {
	case <-w.over:
		return true
	default:
		return false
	}
}

// open lets people in: after a kill, or for the first time.
func (w *world) open(killed time.Time) {
	w.t.Helper()
	step := clock.Step(time.Now())
	w.node.start()
	w.with(func(db *store.DB) {
		state, err := clock.Load(context.Background(), db, clock.New())
		if err != nil {
			w.t.Fatal(err)
		}
		w.floor.Store(state.FloorStep)
		if !killed.IsZero() {
			w.unclean = append(w.unclean, uncleanStart{killed, step, state.FloorStep})
		}
	})
	w.upMu.Lock()
	close(w.upNow)
	w.upMu.Unlock()
}

// down has people wait before they ask again.
func (w *world) down() {
	w.upMu.Lock()
	defer w.upMu.Unlock()
	w.upNow = make(chan struct{})
}

// kill ends the portal in the middle of everything.
func (w *world) kill() time.Time {
	w.down()
	w.node.kill()
	w.killed = time.Now()
	return w.killed
}

// sent tells the one who kills what was just asked.
func (w *world) sent(kind string) {
	if kind == "" {
		return
	}
	w.sendsMu.Lock()
	w.sends[kind]++
	w.sendsMu.Unlock()
	select {
	case w.sending <- kind:
	default:
	}
}

// kinds are what the one who kills may wait for.
var kinds = []string{"password", "code", "mailed", "setup", "reset", "pass", "admin", "ticket"}

// moment is one kill: after the nth request of a kind, or any, and a pause. The
// choice follows from the seed alone.
type moment struct {
	kind  string
	n     int
	pause time.Duration
}

func moments(seed uint64, kills int) (list []moment) {
	chance := rand.New(rand.NewPCG(seed, 2))
	for range kills {
		m := moment{kind: kinds[chance.IntN(len(kinds))], n: 1 + chance.IntN(3)}
		if chance.IntN(4) == 0 {
			m.kind = ""
		}
		// Most of what a request does is done within a few milliseconds after its hash.
		m.pause = time.Duration(chance.IntN(30_000)) * time.Microsecond
		if chance.IntN(3) == 0 {
			m.pause = time.Duration(chance.IntN(400)) * time.Millisecond
		}
		list = append(list, m)
	}
	return list
}

// await waits for a moment, but no longer than patience.
func (w *world) await(m moment, patience time.Duration) {
	for len(w.sending) > 0 {
		<-w.sending
	}
	late := time.After(patience)
	for n := 0; n < m.n; {
		select {
		case kind := <-w.sending:
			if m.kind == "" || kind == m.kind {
				n++
			}
		case <-late:
			n = m.n
		}
	}
	time.Sleep(m.pause)
}

// secret notes what must be found nowhere but with its owner ("" is nobody's mail).
func (w *world) secret(value, owner string) {
	if value == "" {
		return
	}
	w.secretsMu.Lock()
	defer w.secretsMu.Unlock()
	w.secrets[value] = owner
}

// logs is all that its processes wrote.
func (w *world) logs() (all string) {
	files, err := filepath.Glob(filepath.Join(w.dir, "*.log"))
	if err != nil || len(files) == 0 {
		w.t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		all += string(text)
	}
	return all
}

// do runs a deed that no check of the rows interrupts.
func (w *world) do(deed func()) {
	w.resting.RLock()
	defer w.resting.RUnlock()
	deed()
}

// report says what happened, for whoever runs the long form.
func (w *world) report() string {
	var b strings.Builder
	for deed, n := range w.tally() {
		fmt.Fprintf(&b, "\n  %-45s %5d done %5d refused %4d unknown", deed, n[done], n[refused], n[unknown])
	}
	return b.String()
}
