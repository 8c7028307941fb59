package crash

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the real program, made once for all tests of this package, as test.sh
// makes it: what it compiled there is not compiled again.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workshop, "nidan")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "nidan/cmd/nidan")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, output)
	}
	return path, nil
})

// workshop is a folder for all tests of this package.
var workshop string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "nidan-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	workshop = folder
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// node is the served portal, over all its lives.
type node struct {
	t       *testing.T
	url     string
	env     []string
	logPath string
	cmd     *exec.Cmd
	ended   chan struct{}
	polls   int // the most that a start took until it was ready
}

// readyPolls at pollEvery are the five seconds within which a start must be ready.
const (
	pollEvery  = 50 * time.Millisecond
	readyPolls = 100
)

// newNode is a node on a port of its own. It keeps the port over its lives: a node is
// known by its address, and so is its unclean end.
func newNode(t *testing.T, dir, name, database, smtp string, more ...string) *node {
	t.Helper()
	address := ownAddress(t)
	n := &node{t: t, url: "http://" + address, logPath: filepath.Join(dir, name+".log")}
	n.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir(),
		"NIDAN_LISTEN=" + address, "NIDAN_METRICS_LISTEN=", "NIDAN_DATABASE=" + database,
		"NIDAN_KEY_FILE=" + filepath.Join(dir, "nidan.key"), "NIDAN_SMTP=" + smtp,
		"NIDAN_HASH_MEMORY=small", "NIDAN_TRUSTED_PROXIES=127.0.0.1",
	}, more...)
	t.Cleanup(func() { n.signal(syscall.SIGCONT); n.kill() })
	return n
}

// ownAddress is one whose port the system gives to no connection that asks for any (below
// ip_local_port_range): it is free for a moment at each kill, and must be there again.
func ownAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err != nil {
			continue
		}
		_ = listener.Close()
		return listener.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// launch starts the process and does not wait for it.
func (n *node) launch() {
	n.t.Helper()
	program, err := built()
	if err != nil {
		n.t.Fatal(err)
	}
	log, err := os.OpenFile(n.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = n.env, log, log, filepath.Dir(n.logPath)
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	n.cmd, n.ended = cmd, ended
}

// start starts the process and waits until it is ready.
func (n *node) start() {
	n.t.Helper()
	n.launch()
	n.ready()
}

// ready waits until people may be sent here, and fails after five seconds' polls.
func (n *node) ready() {
	n.t.Helper()
	for polls := 1; ; polls++ {
		if n.readiness() == http.StatusOK {
			n.polls = max(n.polls, polls)
			return
		}
		select {
		case <-n.ended:
			n.t.Fatalf("it ended instead of starting:\n%s", n.tail())
		case <-time.After(pollEvery):
		}
		if polls == readyPolls {
			n.t.Fatalf("not ready after %d polls:\n%s", polls, n.tail())
		}
	}
}

var prober = &http.Client{Timeout: 5 * time.Second}

func (n *node) readiness() int {
	answer, err := prober.Get(n.url + "/readyz")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// tail are the last lines of its log.
func (n *node) tail() string {
	text, _ := os.ReadFile(n.logPath)
	return string(text[max(0, len(text)-4000):])
}

func (n *node) signal(s syscall.Signal) {
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(s)
	}
}

// kill ends the process as a power cut would: nothing of it runs any more.
func (n *node) kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	<-n.ended
	n.cmd = nil
}

// stop ends it as an operator would; it must end well.
func (n *node) stop() {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	select {
	case <-n.ended:
	case <-time.After(30 * time.Second):
		n.t.Fatalf("it does not stop:\n%s", n.tail())
	}
	if !n.cmd.ProcessState.Success() {
		n.t.Fatalf("%s:\n%s", n.cmd.ProcessState, n.tail())
	}
	n.cmd = nil
}

// command runs a command of the console on the node's portal.
func (n *node) command(ctx context.Context, args ...string) (string, error) {
	n.t.Helper()
	program, err := built()
	if err != nil {
		n.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir = n.env, filepath.Dir(n.logPath)
	output, err := cmd.CombinedOutput()
	return string(output), err
}
