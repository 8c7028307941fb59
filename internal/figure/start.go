package figure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nidan/internal/password"
)

const (
	starts   = 9
	signIns  = 20
	idleWait = 65 * time.Second // a minute after the last sign-in, and a little
)

// start: from the start of the program to the first answers, on a database that
// is there; and what it holds in memory before and after people sign in.
func (r *Run) start(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "nidan-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	data := filepath.Join(folder, "demo")
	r.tell("a demo's database is being written …")
	if out, err := exec.CommandContext(ctx, r.Program, "demo", "--data", data, "--seed-only").CombinedOutput(); err != nil {
		return fmt.Errorf("demo: %w: %s", err, out)
	}
	var health, page []time.Duration
	for i := range starts {
		r.tell("start %d of %d …", i+1, starts)
		s, err := r.spawn(ctx, data)
		if err != nil {
			return err
		}
		health, page = append(health, s.health), append(page, s.page)
		s.stop()
	}
	r.atMost("start to the first 200 of /healthz (median)", millis(quantile(health, 0.5)), 150, "ms")
	r.atMost("start to the first 200 of /signin (median)", millis(quantile(page, 0.5)), 150, "ms")
	return r.memory(ctx, data)
}

type spawned struct {
	cmd          *exec.Cmd
	url          string
	health, page time.Duration
}

// spawn starts `serve` on a free port and waits for its first answers.
func (r *Run) spawn(ctx context.Context, data string) (*spawned, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	_ = listener.Close() // it was only asked for a free port
	s := &spawned{url: "http://" + address}
	s.cmd = exec.CommandContext(ctx, r.Program, "serve", "--demo")
	s.cmd.Env = append(os.Environ(), "NIDAN_LISTEN="+address, "NIDAN_METRICS_LISTEN=", "NIDAN_LOG=error",
		"NIDAN_DATABASE="+filepath.Join(data, "demo.db"), "NIDAN_KEY_FILE="+filepath.Join(data, "nidan.key"))
	began := clk.Machine()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := first200(ctx, s.url+"/healthz"); err != nil {
		return nil, err
	}
	s.health = clk.Machine().Sub(began)
	if err := first200(ctx, s.url+"/signin"); err != nil {
		return nil, err
	}
	s.page = clk.Machine().Sub(began)
	return s, nil
}

func first200(ctx context.Context, address string) error {
	for range 20000 {
		answer, err := http.Get(address)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Microsecond):
		}
	}
	return errors.New(address + " never answered")
}

func (s *spawned) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait() // ended by our signal
}

func (s *spawned) resident() (float64, error) { return residentOf(strconv.Itoa(s.cmd.Process.Pid)) }

// residentOf is the memory a process holds with the one that hashes for it, in MiB; Linux alone tells.
func residentOf(process string) (mib float64, err error) {
	files, err := filepath.Glob("/proc/" + process + "/task/*/children")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		children, _ := os.ReadFile(file) // of a thread that may have ended meanwhile, as may the children
		for _, child := range strings.Fields(string(children)) {
			if name, _ := os.ReadFile("/proc/" + child + "/comm"); strings.TrimSpace(string(name)) == password.WorkerName {
				more, _ := residentAlone(child)
				mib += more
			}
		}
	}
	own, err := residentAlone(process)
	return mib + own, err
}

// residentAlone is the memory one process holds, in MiB.
func residentAlone(process string) (float64, error) {
	text, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("this system does not tell the memory of a process")
}

// memory is read before the first sign-in, and a minute after the last of some.
func (r *Run) memory(ctx context.Context, data string) error {
	s, err := r.spawn(ctx, data)
	if err != nil {
		return err
	}
	defer s.stop()
	before, err := s.resident()
	if err != nil {
		return err
	}
	r.tell("%d passwords are tried, then it rests for a minute …", signIns)
	pairs := make([]Pair, signIns/2) // of nobody: the hashes alone count
	for i := range pairs {
		pairs[i] = signInPair(i, fmt.Sprintf("somebody%d@bench.example", i))
	}
	if _, err := r.load(ctx, Order{URL: s.url, Do: "guess", Pairs: pairs}); err != nil {
		return err
	}
	select {
	case <-time.After(idleWait):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := s.resident()
	if err != nil {
		return err
	}
	r.atMost("memory before the first sign-in", before, 45, "MiB")
	r.atMost("memory a minute after the last of 20, beyond that", after-before, 10, "MiB")
	return nil
}
