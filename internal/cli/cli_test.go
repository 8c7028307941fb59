package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nidan/internal/clock"
	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
)

var update = flag.Bool("update", false, "write the golden parts of the stories anew")

func TestMain(m *testing.M) {
	settling, ending = time.Second, 100*time.Millisecond // tests that need more say so
	testscript.Main(m, map[string]func(){"nidan": func() { os.Exit(Main(os.Args[1:])) }})
}

// TestStories runs the program as a process of its own, as an operator does.
func TestStories(t *testing.T) {
	postgres, another := testpostgres.Database(t), testpostgres.Database(t) // each for one story
	shared := t.TempDir()
	seed := sync.OnceValue(func() error { return seedDemo(shared) })
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("POSTGRES", postgres)
			env.Setenv("POSTGRES_RESTORED", another)
			// A command with the race detector would wait a second at its end for goroutines that race
			// with it; those of a command have ended. Servers (start) get no GORACE and wait.
			env.Setenv("GORACE", "atexit_sleep_ms=50")
			env.Setenv("NIDAN_LISTEN", "127.0.0.1:0")
			env.Setenv("NIDAN_METRICS_LISTEN", "")
			env.Values[serversKey{}] = map[string]*server{}
			env.Values[relayKey{}] = relay{make(chan string, 1000)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "until": until, "start": start, "stop": stop, "answers": answers, "sql": statement, "mode": mode,
			"relay": openRelay, "mailed": mailed, "id": keepID,
			// seeded FOLDER: what seedDemo leaves, in a folder of the story's own.
			"seeded": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(seed())
				ts.Check(copyPrivate(ts.MkAbs(args[0]), shared))
			},
		},
	})
}

// seedDemo makes a demo's data, once for the stories that are about something else:
// hashing its people's passwords takes as long as a whole story. demo.txtar makes its own.
func seedDemo(folder string) error {
	output, err := exec.Command("nidan", "demo", "--data", folder, "--now", "2018-03-18T01:00:00Z",
		"--listen", "127.0.0.1:4711", "--seed-only").CombinedOutput()
	if err != nil {
		return fmt.Errorf("seed a demo: %w\n%s", err, output)
	}
	return nil
}

// copyPrivate copies a folder's files, readable by their owner alone.
func copyPrivate(to, from string) error {
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(from, file.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file.Name()), content, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exits N COMMAND... runs a command that must end with N.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("it ended with %d, not %d", got, want)
	}
}

// until PATTERN COMMAND... runs a command again and again until what it prints matches.
func until(ts *testscript.TestScript, _ bool, args []string) {
	wanted := regexp.MustCompile(args[0])
	for range 200 {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if wanted.MatchString(ts.ReadFile("stdout")) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("it never printed %q", args[0])
}

// serversKey finds the serving processes of one story, by the names it gave them.
type serversKey struct{}

type server struct {
	*exec.Cmd
	out, err string        // files
	ended    chan struct{} // closed after its end
}

func serversOf(ts *testscript.TestScript) map[string]*server {
	return ts.Value(serversKey{}).(map[string]*server)
}

// passedOn are the variables that a server gets from its story.
var passedOn = []string{"PATH", "HOME", "TMPDIR", "GOCOVERDIR", "NIDAN_LISTEN", "NIDAN_METRICS_LISTEN",
	"NIDAN_DATABASE", "NIDAN_KEY_FILE", "NIDAN_LOG"}

var addressShown = regexp.MustCompile(`http://(127\.0\.0\.1|localhost):\d+`)

// start NAME nidan ... starts a server and waits until it tells its address, which
// becomes the variable NAME. What it writes is in NAME.out and NAME.err.
func start(ts *testscript.TestScript, _ bool, args []string) {
	name := args[0]
	s := &server{Cmd: exec.Command(args[1], args[2:]...), out: ts.MkAbs(name + ".out"), err: ts.MkAbs(name + ".err"),
		ended: make(chan struct{})}
	s.Dir = ts.MkAbs(".")
	for _, variable := range passedOn {
		if value := ts.Getenv(variable); value != "" || variable == "NIDAN_METRICS_LISTEN" {
			s.Env = append(s.Env, variable+"="+value)
		}
	}
	stdout, err := os.Create(s.out)
	ts.Check(err)
	defer stdout.Close()
	stderr, err := os.Create(s.err)
	ts.Check(err)
	defer stderr.Close()
	s.Stdout, s.Stderr = stdout, stderr
	ts.Check(s.Start())
	go func() { _ = s.Wait(); close(s.ended) }()
	ts.Defer(func() { _ = s.Process.Kill(); <-s.ended })
	serversOf(ts)[name] = s
	for {
		for _, file := range []string{s.out, s.err} {
			if address := addressShown.FindString(ts.ReadFile(file)); address != "" {
				ts.Setenv(name, address)
				return
			}
		}
		select {
		case <-s.ended:
			ts.Fatalf("%s ended at once: %s", name, ts.ReadFile(s.err))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop NAME tells a server to stop; it must end well.
func stop(ts *testscript.TestScript, _ bool, args []string) {
	s := serversOf(ts)[args[0]]
	ts.Check(s.Process.Signal(syscall.SIGTERM))
	<-s.ended
	if !s.ProcessState.Success() {
		ts.Fatalf("%s: %s: %s", args[0], s.ProcessState, ts.ReadFile(s.err))
	}
}

// answers STATUS URL [TEXT] asks for a page.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(args[1])
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if got := strconv.Itoa(response.StatusCode); got != args[0] {
		ts.Fatalf("%s answered %s, not %s", args[1], got, args[0])
	}
	if len(args) > 2 && !strings.Contains(string(body), args[2]) {
		ts.Fatalf("%s does not say %q:\n%s", args[1], args[2], body)
	}
}

// sql DATABASE STATEMENT changes rows behind the program's back; with ! there must
// be none to change.
func statement(ts *testscript.TestScript, neg bool, args []string) {
	ctx := context.Background()
	source := args[0]
	if !strings.Contains(source, "://") {
		source = ts.MkAbs(source)
	}
	db, err := store.Open(ctx, source, clock.New().Now)
	ts.Check(err)
	defer db.Close()
	ts.Check(db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, args[1])
		if err == nil && (n == 0) != neg && !strings.HasPrefix(args[1], "create") {
			err = fmt.Errorf("%d rows were concerned", n)
		}
		return err
	}))
}

var idShown = regexp.MustCompile(`"id": "([^"]+)"`)

// id VARIABLE keeps the one id that the last command printed as JSON.
func keepID(ts *testscript.TestScript, _ bool, args []string) {
	found := idShown.FindAllStringSubmatch(ts.ReadFile("stdout"), -1)
	if len(found) != 1 {
		ts.Fatalf("%d ids were printed", len(found))
	}
	ts.Setenv(args[0], found[0][1])
}

// mode FILE 0600 checks who may read a file.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has the mode %s, not %s", args[0], got, args[1])
	}
}
