package testpostgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pairSettings come after settings: a standby takes the log of these servers, and what
// they commit is there after a kill of their processes (the machine's power stays).
const pairSettings = `
wal_level = replica
max_wal_senders = 4
wal_receiver_timeout = 3s
wal_retrieve_retry_interval = 200ms
synchronous_commit = on
max_connections = 80
`

// Member is one of the two servers of a Pair.
type Member struct {
	URL   string // as its superuser
	owner *syscall.Credential
	data  string
	log   string
	port  int
}

// Pair is a primary with a standby that takes its log, both private to one test.
type Pair struct {
	Primary, Standby *Member
}

// NewPair starts a pair, with synchronous replication or without.
func NewPair(t testing.TB, synchronous bool) *Pair {
	t.Helper()
	pair, err := newPair(t, synchronous)
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	return pair
}

func newPair(t testing.TB, synchronous bool) (*Pair, error) {
	dir, err := os.MkdirTemp(place(), "nidan-pair.*")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	owner, err := ownerOf(dir)
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	one := &Member{owner: owner, data: filepath.Join(dir, "one"), log: filepath.Join(dir, "one.log")}
	two := &Member{owner: owner, data: filepath.Join(dir, "two"), log: filepath.Join(dir, "two.log")}
	if err := initialize(owner, dir, one.data, password); err != nil {
		return nil, err
	}
	if err := appendTo(filepath.Join(one.data, "postgresql.conf"), pairSettings); err != nil {
		return nil, err
	}
	t.Cleanup(one.Kill)
	t.Cleanup(two.Kill)
	// Settings of the command line stay behind when the standby is made from the data.
	names := ""
	if synchronous {
		names = "-c synchronous_standby_names=two"
	}
	if err := one.start(password, names); err != nil {
		return nil, err
	}
	from := one.URL + "&application_name=two"
	if output, err := run(owner, "pg_basebackup", "--dbname="+strings.Replace(from, "postgres://", "postgresql://", 1), "--pgdata="+two.data,
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"); err != nil {
		return nil, fmt.Errorf("make the standby: %w\n%s", err, output)
	}
	if err := two.start(password, ""); err != nil {
		return nil, err
	}
	return &Pair{one, two}, one.attached()
}

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

func (m *Member) start(password, options string) (err error) {
	if m.port, err = freePort(); err != nil {
		return err
	}
	output, err := run(m.owner, "pg_ctl", "start", "--wait", "--timeout=60", "--silent", "--pgdata="+m.data, "--log="+m.log,
		"--options=-p "+strconv.Itoa(m.port)+" "+options)
	if err != nil {
		log, _ := os.ReadFile(m.log)
		return fmt.Errorf("start a server: %w\n%s\n%s", err, output, log)
	}
	address := url.URL{Scheme: "postgres", User: url.UserPassword("nidan", password),
		Host: "127.0.0.1:" + strconv.Itoa(m.port), Path: "/postgres", RawQuery: "sslmode=disable"}
	m.URL = address.String()
	return nil
}

// attached waits until a standby takes the log.
func (m *Member) attached() error {
	for range 200 {
		var n int
		if err := m.row(`select count(*) from pg_stat_replication where state = 'streaming'`, &n); err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return errors.New("no standby takes the log")
}

func (m *Member) row(text string, into any) error {
	db, err := sql.Open("pgx", m.URL)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return db.QueryRowContext(ctx, text).Scan(into)
}

// URL names both servers, as a portal's address does.
func (p *Pair) URL() string {
	return strings.Replace(p.Primary.URL, "127.0.0.1:"+strconv.Itoa(p.Primary.port),
		fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", p.Primary.port, p.Standby.port), 1)
}

// Ordinary is the pair's address for a user with no rights but those of everybody.
func (p *Pair) Ordinary(t testing.TB) string {
	t.Helper()
	password := rand.Text()
	db, err := sql.Open("pgx", p.Primary.URL)
	if err == nil {
		defer db.Close()
		_, err = db.ExecContext(t.Context(), `create role ordinary login password '`+password+`'`)
	}
	u, errURL := url.Parse(p.Primary.URL)
	if err := errors.Join(err, errURL); err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("ordinary", password)
	return u.String()
}

// Detach has the standby take no more of the log; what was sent is let in.
func (p *Pair) Detach(t testing.TB) {
	t.Helper()
	db, err := sql.Open("pgx", p.Standby.URL)
	if err == nil {
		defer db.Close()
		_, err = db.ExecContext(t.Context(), `alter system set primary_conninfo = ''`)
	}
	if err == nil {
		_, err = db.ExecContext(t.Context(), `select pg_reload_conf()`)
	}
	for n := 1; err == nil && n > 0; time.Sleep(10 * time.Millisecond) {
		err = p.Primary.row(`select count(*) from pg_stat_replication`, &n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Promote makes the standby the primary.
func (p *Pair) Promote(t testing.TB) {
	t.Helper()
	if output, err := run(p.Standby.owner, "pg_ctl", "promote", "--wait", "--timeout=30", "--silent", "--pgdata="+p.Standby.data); err != nil {
		t.Fatalf("promote: %v\n%s", err, output)
	}
}

// EndWaits ends the waits of those who wait for a standby, once there are any.
func (m *Member) EndWaits(t testing.TB) {
	t.Helper()
	for range 400 {
		var n int
		if err := m.row(`select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'`, &n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("nobody waits for a standby")
}

// processes are the server's, its main one first.
func (m *Member) processes() (pids []int) {
	text, err := os.ReadFile(filepath.Join(m.data, "postmaster.pid"))
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(text), "\n")
	main, err := strconv.Atoi(line)
	if err != nil || main <= 1 {
		return nil
	}
	// A file that a dead server left may name somebody else's process by now.
	if command, err := os.ReadFile("/proc/" + line + "/cmdline"); err != nil || !strings.Contains(string(command), m.data) {
		return nil
	}
	pids = []int{main}
	found, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, name := range found {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		pid, errPID := strconv.Atoi(strings.Split(name, "/")[2])
		if errPID == nil && len(fields) > 1 && fields[1] == line {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (m *Member) signal(s syscall.Signal) {
	for _, pid := range m.processes() {
		_ = syscall.Kill(pid, s) // it may have ended
	}
}

// Kill ends a server in the middle of whatever it does, as the loss of a machine that
// still refuses connections.
func (m *Member) Kill() {
	m.signal(syscall.SIGSTOP)
	m.signal(syscall.SIGKILL)
}

// Stop stops a server without ending it: it takes connections and says nothing. Resume
// lets it go on.
func (m *Member) Stop() { m.signal(syscall.SIGSTOP) }

// Resume ends a Stop.
func (m *Member) Resume() { m.signal(syscall.SIGCONT) }
