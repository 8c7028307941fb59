package crash

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
)

// honest says whether an answer says that it was not done, why, and when to try again.
func honest(t *testing.T, what string, a answer) {
	t.Helper()
	switch {
	case a.status == 0:
		t.Errorf("%s: no answer at all", what)
	case a.status != http.StatusServiceUnavailable || a.again == "":
		t.Errorf("%s: %d, Retry-After %q", what, a.status, a.again)
	case !strings.Contains(a.body, "Nothing was changed by this request") || !strings.Contains(a.body, "Please try again in"):
		t.Errorf("%s: the page does not say that nothing was changed, and when to try again:\n%s", what, a.body)
	}
}

// pending lets people type their passwords; each waits to be asked for a code.
func (w *world) pending(people []*person) {
	w.t.Helper()
	for _, p := range people {
		if a := p.enter(); a.verdict("/signin/code") != done {
			w.t.Fatalf("%s: %d %s", p.Email, a.status, a.to)
		}
	}
}

// atOnce asks for everybody at once.
func (w *world) atOnce(people []*person, ask func(*person) answer) []answer {
	answers := make([]answer, len(people))
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() { answers[i] = ask(p) })
	}
	all.Wait()
	return answers
}

// coded types the one code that somebody has.
func (w *world) coded(p *person) answer {
	if p.lastStep == 0 {
		p.lastStep = clock.Step(time.Now()) + 1 // good for a minute and a half yet
	}
	return p.post("code", "/signin/code", "code", w.code(p, p.key, p.lastStep))
}

// lockedOutside locks the database from outside, as a tool of an operator's does, until release.
func (w *world) lockedOutside(t *testing.T) (release func()) {
	t.Helper()
	source := w.source
	if w.engine == store.PostgreSQL { // this one may stand still as long as it likes
		source += "&idle_in_transaction_session_timeout=0"
	}
	db, err := store.Open(context.Background(), source, clock.New().Now)
	if err != nil {
		t.Fatal(err)
	}
	locked, open, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			if w.engine == store.PostgreSQL {
				if _, err := tx.Exec(ctx, `lock table session in access exclusive mode`); err != nil {
					return err
				}
			}
			close(locked)
			<-open
			return nil
		})
	}()
	<-locked
	return sync.OnceFunc(func() {
		close(open)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = db.Close()
	})
}

// Locked from outside for a while that people wait through, and for one that they do
// not: the first succeed, the others are told so in time, and nobody's code is lost.
func TestADatabaseLockedFromOutsideIsWaitedForAndThenHonestlyBusy(t *testing.T) {
	t.Parallel()
	short, long := 1500*time.Millisecond, time.Duration(0) // until everybody was told
	if _, longForm := kills(t); longForm {
		short, long = 4*time.Second, 30*time.Second
	}
	each := func(t *testing.T, source string) {
		t.Parallel()
		w := openWorld(t, source, 12)
		w.open(time.Time{})
		waiting, told := w.signers[:3], w.signers[3:6]
		w.pending(waiting)
		release := w.lockedOutside(t)
		time.AfterFunc(short, release)
		for _, a := range w.atOnce(waiting, w.coded) {
			if a.verdict("/") != done {
				t.Errorf("locked for %s: %d", short, a.status)
			}
		}
		w.pending(told)
		release = w.lockedOutside(t)
		began := time.Now()
		for _, a := range w.atOnce(told, w.coded) {
			honest(t, "locked for long", a)
		}
		time.Sleep(time.Until(began.Add(long)))
		release()
		for _, a := range w.atOnce(told, w.coded) { // the same session, the same code
			if a.verdict("/") != done {
				t.Errorf("after the lock: %d", a.status)
			}
		}
		w.node.stop()
		w.holds("after the locks", false)
	}
	t.Run("sqlite", func(t *testing.T) { each(t, "nidan.db") })
	t.Run("postgresql", func(t *testing.T) { each(t, testpostgres.Database(t)) })
}

// full takes the room from the database, until heal.
type full func() (heal func())

// smallDisk is a folder on a disk of its own that can be filled, where this may be made.
func smallDisk(t *testing.T, megabytes string) (folder string, fill full, ok bool) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+megabytes+"m,mode=700"); err != nil {
		t.Logf("no disk of its own: %v", err)
		return "", nil, false
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	return folder, func() func() {
		t.Helper()
		ballast := filepath.Join(folder, "ballast")
		file, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		piece := make([]byte, 4096)
		for err == nil {
			_, err = file.Write(piece)
		}
		if !strings.Contains(err.Error(), "no space left") {
			t.Fatal(err)
		}
		_ = file.Close()
		return func() { _ = os.Remove(ballast) }
	}, true
}

// refusedRoom is a server that finds no room, for a disk that cannot be filled: what
// PostgreSQL answers then, from a trigger.
func (w *world) refusedRoom() full {
	return func() func() {
		run := func(text string) {
			w.write(clock.New(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, text)
				return err
			})
		}
		run(`create or replace function no_room() returns trigger language plpgsql as $$ begin
			raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`)
		run(`create trigger no_room before insert or update on session for each row execute function no_room()`)
		return func() { run(`drop trigger no_room on session`) }
	}
}

// fullDisk fills the disk in the middle of sign-ins: they fail closed, with their codes
// unspent, and heal without a restart.
func (w *world) fullDisk(t *testing.T, fill full) {
	w.open(time.Time{})
	people := w.signers[:4]
	w.pending(people)
	heal := fill()
	var told []*person
	for _, p := range people {
		before, a := p.cookie, w.coded(p)
		if a.status == http.StatusSeeOther { // it fitted into pages that there were
			continue
		}
		honest(t, "the disk is full", a)
		if p.cookie != before {
			t.Error("a session was given while the disk was full")
		}
		told = append(told, p)
	}
	if len(told) == 0 {
		t.Fatal("the full disk is not felt")
	}
	for range 3 { // nothing is counted, nothing is told of the code, and no password opens anything
		p := told[0]
		honest(t, "a wrong code on a full disk", p.post("code", "/signin/code", "code", "000000"))
		honest(t, "a password on a full disk", w.signers[5].enter())
	}
	heal()
	for _, p := range told {
		if a := w.coded(p); a.verdict("/") != done {
			t.Errorf("after it was healed the code is not accepted: %d", a.status)
		}
		second := *p
		second.browser = &browser{w: w, network: p.network}
		if a := second.enter(); a.verdict("/signin/code") != done {
			t.Errorf("after it was healed: %d", a.status)
		}
		if a := w.coded(&second); a.verdict("/") == done {
			t.Error("the code is accepted twice")
		}
	}
	if !strings.Contains(w.logs(), "no room") {
		t.Error("no line of the log tells operators of it")
	}
	w.node.stop()
	w.holds("after the full disk", false)
}

func TestAFullDiskFailsClosedAndHealsWithoutARestart(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		folder, fill, ok := smallDisk(t, "16")
		if !ok {
			return // only root may make one; what SQLite says then is tested in store
		}
		openWorld(t, filepath.Join(folder, "nidan.db"), 12).fullDisk(t, fill)
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		w := openWorld(t, testpostgres.Database(t), 12)
		w.fullDisk(t, w.refusedRoom())
	})
}

// With the mail server down, and then refusing after the final dot, people with an app
// sign in as ever; whoever waits for a code gets it, once, when the server is back.
func TestAMailServerThatIsDownHoldsNobodyElseUpAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := openWorld(t, "nidan.db", 12)
	w.open(time.Time{})
	mailed, app := w.mailers[0], w.signers[:2]
	seen := w.relay.count()
	w.relay.stop()
	w.pending([]*person{mailed, app[0]})
	if a := w.coded(app[0]); a.verdict("/") != done {
		t.Errorf("with the mail server down: %d", a.status)
	}
	w.relay.moody = func(n int) mood {
		if n == 1 {
			return defers
		}
		return takes
	}
	w.relay.listen(t, strings.TrimPrefix(w.relay.url, "smtp://"))
	shown, ok := w.relay.since(seen, mailed.Email, codeShown, time.Minute)
	if !ok {
		t.Fatalf("no code came:\n%s", w.node.tail())
	}
	if a := mailed.post("mailed", "/signin/code", "code", shown); a.verdict("/") != done {
		t.Errorf("the code that came late: %d", a.status)
	}
	w.pending(app[1:])
	if a := w.coded(app[1]); a.verdict("/") != done {
		t.Errorf("afterwards: %d", a.status)
	}
	w.node.stop()
	w.undoubled(0)
	w.holds("after the mail server was back", false)
}
