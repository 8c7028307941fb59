package password

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/rpc"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// apart is a pool whose hashes are made by a process of its own, and what it logs.
func apart(t *testing.T, cost Cost) (*Pool, *bytes.Buffer) {
	t.Helper()
	eventually(t, "the process of the test before does not end", func() bool { return len(hashing(t)) == 0 })
	log := &bytes.Buffer{}
	p := NewPool(cost, 2, 1<<30)
	t.Cleanup(p.Close)
	p.Apart(slog.New(slog.NewTextHandler(log, nil)))
	return p, log
}

// hashing are the processes that hash for this one.
func hashing(t *testing.T) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		children, _ := os.ReadFile(file)
		for _, child := range strings.Fields(string(children)) {
			if line, _ := os.ReadFile("/proc/" + child + "/cmdline"); strings.TrimRight(string(line), "\x00") == WorkerName {
				pid, _ := strconv.Atoi(child)
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal(what)
}

func TestAProcessOfItsOwnHashesAsThisOneDoes(t *testing.T) {
	p, log := apart(t, quick)
	if len(hashing(t)) != 0 {
		t.Error("it runs before there is anything to hash")
	}
	odd := "\xff\xfe not UTF-8, 二段階" // is compared as it was typed
	stored, err := p.Hash(t.Context(), odd)
	if err != nil {
		t.Fatal(err)
	}
	old := NewPool(Cost{MemoryKiB: 128, Passes: 1, Lanes: 2}, 1, 1<<30)
	defer old.Close()
	other, err := old.Hash(t.Context(), odd)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stored, typed string
		right, rehash bool
		argons        uint64
		fault         error
	}{
		{stored, odd, true, false, 1, nil},
		{stored, odd + " ", false, false, 1, nil},
		{other, odd, true, true, 2, nil},
		{"", odd, false, false, 1, nil},
		{"$argon2id$nonsense", odd, false, false, 1, ErrUnreadable},
		{"$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", "wrong", false, false, 1, nil},
	} {
		before := p.Hashes()
		match, err := p.Verify(t.Context(), c.stored, c.typed)
		if match.Right != c.right || (match.Rehash != "") != c.rehash || !errors.Is(err, c.fault) || p.Hashes()-before != c.argons {
			t.Errorf("%q, %q: %+v, %v, %d Argon2", c.stored, c.typed, match, err, p.Hashes()-before)
		}
		if match.Rehash != "" {
			if again, err := p.Verify(t.Context(), match.Rehash, c.typed); !again.Right || err != nil {
				t.Errorf("rehash: %+v, %v", again, err)
			}
		}
	}
	if len(hashing(t)) != 1 || log.Len() != 0 {
		t.Errorf("processes %v, log %q", hashing(t), log)
	}
}

// What is told by the system of the process: each of its threads lets others go first, it
// has nothing of this one's surroundings, and it goes where memory is short.
func TestTheProcessThatHashesIsNicerThanThePortal(t *testing.T) {
	t.Setenv("NIDAN_DATABASE", "postgres://nidan:secret@127.0.0.1/nidan")
	p, _ := apart(t, quick)
	if err := p.burn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if courtesyOn(1) != courtesyOfAlone || courtesyOn(2) != courtesy {
		t.Errorf("niceness on one core %d, on two %d", courtesyOn(1), courtesyOn(2))
	}
	pid := strconv.Itoa(hashing(t)[0])
	tasks, err := os.ReadDir("/proc/" + pid + "/task")
	if err != nil || len(tasks) < 2 {
		t.Fatal(tasks, err)
	}
	for _, task := range tasks {
		stat, err := os.ReadFile("/proc/" + pid + "/task/" + task.Name() + "/stat")
		if err != nil {
			continue // it ended
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		if nice := strings.Fields(after)[16]; nice != strconv.Itoa(courtesy) { // field 19 of proc(5)
			t.Errorf("thread %s is of niceness %s", task.Name(), nice)
		}
	}
	// The kernel may share out no cores among sessions: then there is no such file, or it says nothing.
	group, err := os.ReadFile("/proc/" + pid + "/autogroup")
	own, _ := os.ReadFile("/proc/self/autogroup")
	if said := strings.TrimSpace(string(group)); err == nil && said != "" && (!strings.HasSuffix(said, " nice "+strconv.Itoa(courtesy)) || string(group) == string(own)) {
		t.Errorf("its session is %q, the portal's %q", group, own)
	}
	if environ, _ := os.ReadFile("/proc/" + pid + "/environ"); string(environ) != "GOMAXPROCS=2\x00" {
		t.Errorf("it knows %q", environ)
	}
	if adj, _ := os.ReadFile("/proc/" + pid + "/oom_score_adj"); strings.TrimSpace(string(adj)) != spareable {
		t.Errorf("out of memory: %q", adj)
	}
	if name, _ := os.ReadFile("/proc/" + pid + "/comm"); strings.TrimSpace(string(name)) != WorkerName {
		t.Errorf("it is called %q", name)
	}
}

func TestTheProcessThatHashesEndsAtRestAndWithThePool(t *testing.T) {
	p, _ := apart(t, quick)
	gone := func() bool { return len(hashing(t)) == 0 }
	for range 2 {
		if err := p.burn(t.Context()); err != nil || gone() {
			t.Fatal(err, hashing(t))
		}
		p.rest()
		eventually(t, "it did not end at rest", gone)
	}
	if err := p.burn(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Close()
	eventually(t, "it did not end with the pool", gone)
}

func TestTheProcessThatHashesHeedsNoSignalMeantForTheService(t *testing.T) {
	p, log := apart(t, quick)
	if err := p.burn(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := hashing(t)[0]
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.burn(t.Context()); err != nil || log.Len() != 0 {
		t.Errorf("%v, %s", err, log)
	}
	if now := hashing(t); len(now) != 1 || now[0] != pid {
		t.Errorf("%v, was %d", now, pid)
	}
}

func TestAProcessEndedFromOutsideLosesNoHash(t *testing.T) {
	long := Cost{MemoryKiB: 64 * 1024, Passes: 10, Lanes: 1}
	p, log := apart(t, long)
	if _, err := p.worker.do(Task{Cost: quick}); err != nil { // begins it
		t.Fatal(err)
	}
	first := hashing(t)[0]
	answer := make(chan error)
	go func() { answer <- p.burn(t.Context()) }()
	eventually(t, "no hash began", func() bool { used, _ := p.State(); return used == 1 })
	time.Sleep(20 * time.Millisecond) // it is on its way, or under way
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
	if now := hashing(t); len(now) != 1 || now[0] == first || strings.Count(log.String(), "ended from outside") != 1 {
		t.Errorf("%v, was %d: %s", now, first, log)
	}
}

func TestAProcessThatIsEndedAgainAndAgainHashesNothing(t *testing.T) {
	p, _ := apart(t, quick)
	begun := 0
	p.worker.begin = func() (*rpc.Client, error) {
		begun++
		process, err := begin(1)
		if err == nil {
			_ = process.Close()
		}
		return process, err
	}
	if match, err := p.Verify(t.Context(), "", "copper lantern"); !errors.Is(err, ErrBusy) || match.Right || begun != 2 {
		t.Errorf("%+v, %v after %d", match, err, begun)
	}
	p.worker.begin = func() (*rpc.Client, error) { return begin(1) }
	if err := p.burn(t.Context()); err != nil {
		t.Errorf("it does not heal: %v", err)
	}
}

func TestWithoutSuchAProcessThePortalHashesItself(t *testing.T) {
	p, log := apart(t, quick)
	begun, unable := 0, 0
	p.worker.begin = func() (*rpc.Client, error) { begun++; return nil, errors.New("exec is forbidden") }
	p.worker.unable = func() { unable++ }
	stored, err := p.Hash(t.Context(), "copper lantern")
	if err != nil {
		t.Fatal(err)
	}
	if match, err := p.Verify(t.Context(), stored, "copper lantern"); !match.Right || err != nil {
		t.Errorf("%+v, %v", match, err)
	}
	if begun != 1 || unable != 1 || !strings.Contains(log.String(), "exec is forbidden") || p.Hashes() != 2 {
		t.Errorf("begun %d times, unable %d, %d hashes: %s", begun, unable, p.Hashes(), log)
	}
}

func TestAPanicOfTheProcessReachesTheAsker(t *testing.T) {
	p, _ := apart(t, quick)
	defer func() {
		if fault := recover(); fault == nil || !strings.Contains(fmt.Sprint(fault), "number of rounds too small") {
			t.Errorf("the asker got %v", fault)
		}
		if err := p.burn(t.Context()); err != nil {
			t.Errorf("the pool is stuck: %v", err)
		}
	}()
	_ = p.run(context.Background(), 1, func() { _, _ = p.worker.do(Task{Cost: Cost{MemoryKiB: 64}}) })
}
