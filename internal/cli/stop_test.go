package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// stopped is a portal as a process, which people sign in to while it is told to stop.
type stopped struct {
	folder, url string
	log         string
	process     *exec.Cmd
	people      []enrolled
}

type enrolled struct {
	email string
	key   []byte
}

const stoppedPassword = "lantern over harbor"

// start serves on the folder's database, with settings of the test's own.
func (s *stopped) start(t *testing.T, settings ...string) {
	t.Helper()
	s.log = filepath.Join(s.folder, "log")
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process = exec.Command("nidan", "serve")
	s.process.Dir, s.process.Stdout, s.process.Stderr = s.folder, log, log
	s.process.Env = append([]string{"PATH=" + os.Getenv("PATH"), "NIDAN_LISTEN=127.0.0.1:0", "NIDAN_METRICS_LISTEN="}, settings...)
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.process.Process.Kill() })
	for range 1000 {
		text, _ := os.ReadFile(s.log)
		if s.url = addressShown.FindString(string(text)); s.url != "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	text, _ := os.ReadFile(s.log)
	t.Fatalf("it does not serve: %s", text)
}

// end tells it to stop.
func (s *stopped) end(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// open opens its database, beside it.
func (s *stopped) open(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(s.folder, "nidan.db"), clock.New().Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// seed writes people who can sign in.
func (s *stopped) seed(t *testing.T, n int) {
	t.Helper()
	keys, err := secret.ReadKeys(filepath.Join(s.folder, "nidan.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := password.NewPool(password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 1, 1<<20)
	defer pool.Close()
	hash, err := pool.Hash(t.Context(), stoppedPassword)
	if err != nil {
		t.Fatal(err)
	}
	err = s.open(t).Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		s.people = nil
		o, err := organization.Add(ctx, tx, "Aozora")
		if err != nil {
			return err
		}
		for i := range n {
			a, err := account.Add(ctx, tx, keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: fmt.Sprintf("p%d@aozora.example", i),
				Name: "P", Phone: "0312345678", Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "test")
			if err != nil {
				return err
			}
			key := totp.NewSecret()
			if err := errors.Join(password.Set(ctx, tx, a.Ref, hash, password.Changed), totp.Enroll(ctx, tx, keys, a.Ref, key, 0, 0)); err != nil {
				return err
			}
			s.people = append(s.people, enrolled{a.Email, key})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ask asks once.
func ask(client *http.Client, address string, form url.Values) (status int, err error) {
	var response *http.Response
	if form == nil {
		response, err = client.Get(address)
	} else {
		response, err = client.PostForm(address, form)
	}
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// A stop under load: people in one browser each, who keep their connections or make a
// new one for each request, sent here for as long as /readyz says so. Nothing may fail.
func TestWhoIsAnsweredByANodeThatStopsIsAnsweredToTheEnd(t *testing.T) {
	s := &stopped{folder: t.TempDir()}
	s.start(t, "NIDAN_DRAIN=3s")
	s.seed(t, 400)
	transport := func(kept bool) *http.Transport {
		return &http.Transport{DisableKeepAlives: !kept, MaxIdleConnsPerHost: 4}
	}
	var accepted, answered, late atomic.Int64
	var told, away atomic.Bool
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			way := transport(worker%2 == 0)
			defer way.CloseIdleConnections()
			for i := worker; i < len(s.people); i += 8 {
				p := s.people[i]
				jar, _ := cookiejar.New(nil) // without a list of public suffixes it cannot fail
				client := &http.Client{Jar: jar, Transport: way, Timeout: 30 * time.Second,
					CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
				for _, step := range []struct {
					path string
					form func() url.Values
				}{
					{"/signin", nil},
					{"/signin", func() url.Values { return url.Values{"email": {p.email}, "password": {stoppedPassword}} }},
					{"/signin/code", func() url.Values { return url.Values{"code": {totp.Code(p.key, totp.Step(clock.New().Now()))}} }},
				} {
					var form url.Values
					if step.form != nil {
						form = step.form()
					}
					if away.Load() {
						return
					}
					was := told.Load()
					status, err := ask(client, s.url+step.path, form)
					if err != nil {
						t.Errorf("worker %d, %s (told before: %v): %v", worker, step.path, was, err)
						return
					}
					answered.Add(1)
					if was {
						late.Add(1)
					}
					if status == http.StatusSeeOther && step.path == "/signin/code" {
						accepted.Add(1)
					}
				}
			}
			t.Error("the load was over before the stop")
		})
	}
	probe := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for accepted.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	told.Store(true)
	s.end(t)
	for !away.Load() { // what sends people to nodes asks each whether it is ready
		status, err := ask(probe, s.url+"/readyz", nil)
		away.Store(err != nil || status != http.StatusOK)
		time.Sleep(50 * time.Millisecond)
	}
	all.Wait()
	if err := s.process.Wait(); err != nil {
		text, _ := os.ReadFile(s.log)
		t.Errorf("it did not end well: %v\n%s", err, text)
	}
	var kept int64
	if err := s.open(t).QueryRow(t.Context(), `select count(*) from second_step`).Scan(&kept); err != nil || kept != accepted.Load() {
		t.Errorf("%d sign-ins were answered as done, %d are there, %v", accepted.Load(), kept, err)
	}
	t.Logf("%d requests were answered, %d begun after the stop, %d sign-ins", answered.Load(), late.Load(), accepted.Load())
}

// With a time to drain, /readyz says first that nobody should come any more, and whoever
// comes all the same is served.
func TestANodeThatStopsSaysSoBeforeItTakesNobodyAnyMore(t *testing.T) {
	s := &stopped{folder: t.TempDir()}
	s.start(t, "NIDAN_DRAIN=1m")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if status, err := ask(client, s.url+"/readyz", nil); status != http.StatusOK {
		t.Fatalf("ready: %d, %v", status, err)
	}
	alive := func() error { // as a container's health check asks
		check := exec.Command("nidan", "check", "--alive")
		check.Env = []string{"PATH=" + os.Getenv("PATH"), "NIDAN_LISTEN=" + strings.TrimPrefix(s.url, "http://")}
		return check.Run()
	}
	if err := alive(); err != nil {
		t.Errorf("a node that serves: %v", err)
	}
	kept := &http.Client{}
	if status, err := ask(kept, s.url+"/signin", nil); status != http.StatusOK {
		t.Fatalf("a page: %d, %v", status, err)
	}
	s.end(t)
	for range 1000 {
		if status, _ := ask(client, s.url+"/readyz", nil); status == http.StatusServiceUnavailable {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if status, err := ask(client, s.url+"/readyz", nil); status != http.StatusServiceUnavailable {
		t.Errorf("ready while it stops: %d, %v", status, err)
	}
	response, err := kept.Get(s.url + "/signin")
	if err != nil || response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("whoever comes while it drains: %+v, %v", response, err)
	}
	if err == nil {
		_ = response.Body.Close()
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	if alive() == nil {
		t.Error("a node that is gone is said to live")
	}
}
