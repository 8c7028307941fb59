package signin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// overheard is a reader that writes down what is asked.
type overheard struct {
	store.Reader
	texts []string
}

func (o *overheard) Query(ctx context.Context, text string, args ...any) (*store.Rows, error) {
	o.texts = append(o.texts, text)
	return o.Reader.Query(ctx, text, args...)
}

func (o *overheard) QueryRow(ctx context.Context, text string, args ...any) *store.Row {
	o.texts = append(o.texts, text)
	return o.Reader.QueryRow(ctx, text, args...)
}

var tables = regexp.MustCompile(`(?i)\b(?:from|join)\s+(\w+)`)

// remembering is a gate with a memory, and somebody who was admitted.
type remembering struct {
	storetest.World
	t       *testing.T
	gate    *Gate
	machine time.Time
	ref     account.Ref
	token   string
}

func remember(t *testing.T, w storetest.World) *remembering {
	t.Helper()
	book, err := phrase.NewBook(phrase.Words, page.Words, session.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{House: time.UTC, Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := &remembering{World: w, t: t, machine: storetest.Start}
	s.gate = &Gate{DB: w.DB, Site: site, Clock: w.Clock, Log: slog.New(slog.DiscardHandler),
		Client: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
		Memory: NewMemory(w.DB, func() time.Time { return s.machine })}
	if s.gate.room, err = site.Room(pageFiles); err != nil {
		t.Fatal(err)
	}
	s.ref, s.token = s.admitted()
	for range openTries {
		if w.DB.Sure(s.machine) {
			return s
		}
	}
	t.Fatal("the store is never sure")
	return nil
}

const openTries = 50

// admitted adds somebody who has proved both steps.
func (s *remembering) admitted() (ref account.Ref, token string) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, secret.ID())
		if err != nil {
			return err
		}
		a, err := account.Add(ctx, tx, s.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: secret.ID() + "@aozora.example",
			Name: "Hanako", Phone: "0312345678", Authority: account.PortalAdmin, Language: "en", Zone: "Asia/Tokyo"}, "test")
		if err != nil {
			return err
		}
		ref = a.Ref
		if err := password.Set(ctx, tx, ref, "never compared", password.Changed); err != nil {
			return err
		}
		if err := totp.Enroll(ctx, tx, s.Keys, ref, totp.NewSecret(), 0, 0); err != nil {
			return err
		}
		_, began, err := session.Start(ctx, tx, ref, "192.0.2.1", "", "")
		if err != nil {
			return err
		}
		token, err = session.Rise(ctx, tx, began, account.TOTP)
		return err
	})
	return ref, token
}

func (s *remembering) write(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Write(context.Background(), do); err != nil {
		s.t.Fatal(err)
	}
}

// ask asks a gate in front of nothing.
func (s *remembering) ask(token string) (status int, trips int64) {
	ctx, counted := store.Counting(context.Background())
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	r.AddCookie(&http.Cookie{Name: "nidan", Value: token})
	w := httptest.NewRecorder()
	s.gate.Guard(route.Route{Pattern: "GET /", Gate: route.SignedIn, Serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }})(w, r)
	return w.Code, counted.N()
}

// Whatever the gate learns comes from tables whose changes are told: one more in its
// statements must stand in store's list, and none there for nothing.
func TestTheStoreWatchesTheTablesThatTheGateLearnsFrom(t *testing.T) {
	s := remember(t, storetest.Open(t, storetest.SQLite(t)))
	s.write(func(ctx context.Context, tx *store.Tx) error { return account.CheckNetworks(ctx, tx, s.ref, true) })
	heard := &overheard{Reader: s.DB}
	if _, err := s.gate.learn(t.Context(), heard, s.token); err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, text := range heard.texts {
		for _, found := range tables.FindAllStringSubmatch(text, -1) {
			if name := strings.ToLower(found[1]); !slices.Contains(read, name) {
				read = append(read, name)
			}
		}
	}
	slices.Sort(read)
	if watched := store.Watched(); !slices.Equal(read, watched) {
		t.Errorf("the gate reads %v\nthe store watches %v", read, watched)
	}
}

// A read that began before a change must not be kept after it.
func TestWhatWasReadBeforeAChangeIsNotRememberedAfterIt(t *testing.T) {
	for name, change := range map[string]func(m *Memory, ref account.Ref) bool{
		"of this holder":      func(m *Memory, ref account.Ref) bool { m.heed(whose(ref.Organization, ref.ID)); return false },
		"of everybody":        func(m *Memory, _ account.Ref) bool { m.heed(store.Change{All: true}); return false },
		"of the organization": func(m *Memory, ref account.Ref) bool { m.heed(whose(ref.Organization, "")); return false },
		"of another":          func(m *Memory, ref account.Ref) bool { m.heed(whose(ref.Organization, "x")); return true },
		"of another's all":    func(m *Memory, _ account.Ref) bool { m.heed(whose("x", "")); return true },
		"of so many that nobody knows": func(m *Memory, _ account.Ref) bool {
			for i := range changesKept + 1 {
				m.heed(whose("x", fmt.Sprint(i)))
			}
			return false
		},
		"of no more than can be known": func(m *Memory, _ account.Ref) bool {
			for i := range changesKept {
				m.heed(whose("x", fmt.Sprint(i)))
			}
			return true
		},
	} {
		m := NewMemory(storetest.Open(t, storetest.SQLite(t)).DB, func() time.Time { return storetest.Start })
		ref := account.Ref{Organization: "o", ID: "h"}
		e := &remembered{}
		e.Ref = ref
		from := m.begin()
		kept := change(m, ref)
		m.remember(from, digest{1}, e)
		if (m.size() == 1) != kept {
			t.Errorf("a change %s: remembered: %t", name, !kept)
		}
		// and what is there already goes
		m.remember(m.begin(), digest{1}, e)
		if m.size() != 1 {
			t.Fatalf("a change %s: not remembered afterwards", name)
		}
		change(m, ref)
		if left := m.size() == 1; left != kept && !strings.Contains(name, "nobody knows") {
			t.Errorf("a change %s: it stays: %t", name, left)
		}
	}
}

func whose(organization, id string) store.Change {
	return store.Change{Whose: []store.Holder{{Organization: organization, ID: id}}}
}

func TestMemoryHoldsNoMoreThanItMay(t *testing.T) {
	m := NewMemory(storetest.Open(t, storetest.SQLite(t)).DB, func() time.Time { return storetest.Start })
	m.most = 100
	for i := range 1000 {
		e := &remembered{}
		e.Ref = account.Ref{Organization: "o", ID: fmt.Sprint(i % 300)}
		m.remember(m.begin(), digest{byte(i), byte(i >> 8)}, e)
		if m.size() > m.most {
			t.Fatalf("%d after %d", m.size(), i+1)
		}
	}
	if held := len(m.young.holders) + len(m.old.holders); held > m.most {
		t.Errorf("%d holders are kept for %d sessions", held, m.size())
	}
	m.heed(whose("o", ""))
	if m.size() != 0 || len(m.young.holders)+len(m.old.holders) != 0 {
		t.Error("something is left")
	}
}

// What nobody said is found out in four seconds: a change by hand, a node of an older
// release, a notice that was lost. A clock that stood still or was set finds out too.
func TestNothingIsRememberedForLongerThanFourSeconds(t *testing.T) {
	s := remember(t, storetest.Open(t, storetest.SQLite(t)))
	start := s.machine
	for _, c := range []struct {
		after time.Duration
		trips int64
	}{{0, 0}, {rememberFor - 1, 0}, {rememberFor, 1}, {time.Minute, 1}, {-time.Minute, 1}} {
		s.machine = start
		s.gate.Memory.heed(store.Change{All: true})
		s.ask(s.token)
		s.machine = start.Add(c.after)
		if status, trips := s.ask(s.token); status != 204 || trips != c.trips {
			t.Errorf("after %s: %d, %d round trips, wanted %d", c.after, status, trips, c.trips)
		}
	}
}

// The period's end is no change of anything: it binds at the next request, however the
// session is remembered. So do idling, and the twelve hours.
func TestWhatFollowsFromTheClockIsNotRemembered(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	s := remember(t, w)
	ends := w.Clock.Now().Add(time.Hour)
	var token string
	s.write(func(ctx context.Context, tx *store.Tx) error {
		if _, err := rollout.Save(ctx, tx, rollout.Plan{Opens: tx.Now().Add(time.Second), Ends: ends}, "test"); err != nil {
			return err
		}
		if err := totp.Remove(ctx, tx, s.ref); err != nil {
			return err
		}
		var err error
		token, _, err = session.Start(ctx, tx, s.ref, "192.0.2.1", "", "")
		return err
	})
	at := func(moment time.Time, status int, what string) {
		t.Helper()
		w.Clock.Set(moment)
		s.ask(token)
		if got, _ := s.ask(token); got != status {
			t.Errorf("%s: %d, wanted %d", what, got, status)
		}
	}
	at(w.Clock.Now(), 204, "before the opening")
	at(ends.Add(-40*time.Minute), 204, "in the period")
	at(ends.Add(-11*time.Minute), 204, "29 minutes later")
	before := s.gate.Memory.Hits.Load()
	at(ends.Add(-time.Microsecond), 204, "a microsecond before the end")
	if s.gate.Memory.Hits.Load() == before {
		t.Fatal("it is not remembered")
	}
	at(ends, 303, "at the end")
	_, token = s.admitted()
	at(w.Clock.Now(), 204, "another")
	at(w.Clock.Now().Add(session.Idle), 303, "idle for half an hour")
}

// What is remembered must not refuse anybody who would be let in by what the store holds.
func TestARefusalIsAskedOfTheStore(t *testing.T) {
	s := remember(t, storetest.Open(t, storetest.SQLite(t)))
	s.ask(s.token)
	e := *s.gate.Memory.recall(digest(secret.Digest(s.token)))
	e.standing = false // as if it were suspended
	s.gate.Memory.remember(s.gate.Memory.begin(), digest(secret.Digest(s.token)), &e)
	if status, trips := s.ask(s.token); status != 204 || trips != 1 {
		t.Errorf("%d with %d round trips", status, trips)
	}
}

// Sign-ins of others make nobody forget, nor does writing down that somebody was there.
func TestSignInsMakeNobodyElseForget(t *testing.T) {
	s := remember(t, storetest.Open(t, storetest.SQLite(t)))
	s.ask(s.token)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				s.admitted()
			}
		})
	}
	all.Wait()
	if status, trips := s.ask(s.token); status != 204 || trips != 0 {
		t.Errorf("%d with %d round trips", status, trips)
	}
}

// What a request behind the gate costs beside the handler, in allocations: the figure of
// `nidan bench gate` is made of these.
func TestARememberedRequestAllocatesLittle(t *testing.T) {
	s := remember(t, storetest.Open(t, storetest.SQLite(t)))
	empty := func(w http.ResponseWriter, _ *http.Request) {}
	handler := s.gate.Guard(route.Route{Pattern: "GET /", Gate: route.SignedIn, Serve: empty})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "nidan", Value: s.token})
	w := httptest.NewRecorder()
	handler(w, r)
	if n := testing.AllocsPerRun(200, func() { handler(w, r) }); n > 6 {
		t.Errorf("%.0f allocations", n)
	}
}

// Whoever brings no session costs no question while nothing that is planned changes, and
// meets what was changed at his next request.
func TestOfStrangersItIsRememberedWhatIsPlanned(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	s := remember(t, w)
	ask := func() (status int, trips int64) {
		ctx, counted := store.Counting(t.Context())
		r := httptest.NewRequest("GET", "/signin", nil).WithContext(ctx)
		answer := httptest.NewRecorder()
		s.gate.Guard(route.Route{Pattern: "GET /signin", Gate: route.Door, Serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }})(answer, r)
		return answer.Code, counted.N()
	}
	ask()
	if status, trips := ask(); status != 200 || trips != 0 {
		t.Errorf("%d with %d trips", status, trips)
	}
	now := w.Clock.Now()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := maintenance.Plan(ctx, tx, now.Add(-time.Minute), now.Add(time.Hour), "test")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(); status != 503 {
		t.Errorf("in a window: %d", status)
	}
}

// A standby that takes over may be behind: what was planned last is lost, and what is
// planned next would have the lost one's version.
func TestWhatWasPlannedOnALostServerIsNotTakenForWhatIsPlannedNow(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	s := remember(t, w)
	plan := func(from time.Duration) (id string) {
		s.write(func(ctx context.Context, tx *store.Tx) error {
			planned, err := maintenance.Plan(ctx, tx, tx.Now().Add(from), tx.Now().Add(from+time.Hour), "test")
			id = planned.ID
			return err
		})
		return id
	}
	held := func() (ids []string) {
		s.t.Helper()
		s.ask(s.token)
		for _, window := range s.gate.Planned("").Windows {
			ids = append(ids, window.ID)
		}
		return ids
	}
	before, err := maintenance.Version(t.Context(), w.DB)
	if err != nil {
		t.Fatal(err)
	}
	lost := plan(time.Hour)
	if got := held(); !slices.Equal(got, []string{lost}) {
		t.Fatalf("planned: %v, want %v", got, lost)
	}
	s.write(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `delete from maintenance_window where id = $1`, lost); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update policy set version = $1`, before)
		return err
	})
	if got := held(); len(got) != 0 {
		t.Errorf("what was lost is still planned: %v", got)
	}
	w.Clock.Set(w.Clock.Now().Add(time.Second))
	if kept := plan(2 * time.Hour); !slices.Equal(held(), []string{kept}) {
		t.Errorf("planned: %v, want %v", held(), kept)
	}
}
