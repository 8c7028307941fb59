package failovertest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nidan/internal/store"
)

// The tale again with what keeps PostgreSQL in earnest: Debian's etcd and two of its
// Patroni, with synchronous_mode. It takes a minute, most of it Patroni's ttl:
//
//	apt-get install patroni etcd-server postgresql
//	NIDAN_PATRONI=1 go test ./internal/failovertest -run Patroni -v
func TestPatroniReplacesAPrimaryThatDied(t *testing.T) {
	if os.Getenv("NIDAN_PATRONI") == "" {
		t.Log("only with NIDAN_PATRONI=1")
		return
	}
	c := openCluster(t)
	outlive(t, c.url(), c.killLeader, func() {})
}

// cluster is an etcd and two servers that Patroni keeps.
type cluster struct {
	t        *testing.T
	dir      string
	owner    *syscall.Credential
	password string
	members  []*member
}

type member struct {
	name       string
	port, rest int
	process    *exec.Cmd
}

func openCluster(t *testing.T) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "nidan-patroni.*")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir, password: rand.Text()}
	c.own()
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	client, peer := port(t), port(t)
	at := func(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }
	c.run("etcd", "etcd", "--name", "one", "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", at(client), "--advertise-client-urls", at(client),
		"--listen-peer-urls", at(peer), "--initial-advertise-peer-urls", at(peer), "--initial-cluster", "one="+at(peer))
	c.await("etcd", func() bool { return answers(at(client)+"/health", http.StatusOK) })
	for _, name := range []string{"one", "two"} {
		m := &member{name: name, port: port(t), rest: port(t)}
		c.members = append(c.members, m)
		settings := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(settings, []byte(c.settings(m, client)), 0o600); err != nil {
			t.Fatal(err)
		}
		c.give(settings)
		m.process = c.run(name, "patroni", settings)
		want := http.StatusOK
		c.await(name, func() bool {
			return answers(fmt.Sprintf("http://127.0.0.1:%d/health", m.rest), want)
		})
	}
	db, err := store.Open(t.Context(), c.url(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c.await("a synchronous standby", func() bool {
		s, _, err := db.Standing(t.Context())
		return err == nil && s.Named && s.Waited == 1
	})
	return c
}

func (c *cluster) url() string {
	return fmt.Sprintf("postgres://nidan:%s@127.0.0.1:%d,127.0.0.1:%d/postgres?sslmode=disable", c.password, c.members[0].port, c.members[1].port)
}

func (c *cluster) settings(m *member, etcd int) string {
	return strings.NewReplacer("NAME", m.name, "DIR", c.dir, "PORT", strconv.Itoa(m.port), "REST", strconv.Itoa(m.rest), "ETCD", strconv.Itoa(etcd), "SECRET", c.password).Replace(`
scope: nidan
name: NAME
restapi: {listen: "127.0.0.1:REST", connect_address: "127.0.0.1:REST"}
etcd3: {host: "127.0.0.1:ETCD"}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
  initdb: [{encoding: UTF8}, {locale: C}, no-sync]
  pg_hba:
    - host all all 127.0.0.1/32 scram-sha-256
    - host replication all 127.0.0.1/32 scram-sha-256
postgresql:
  listen: 127.0.0.1:PORT
  connect_address: 127.0.0.1:PORT
  data_dir: DIR/NAME
  bin_dir: /usr/lib/postgresql/15/bin
  pgpass: DIR/NAME.pgpass
  use_unix_socket: false
  authentication:
    superuser: {username: nidan, password: SECRET}
    replication: {username: replicator, password: SECRET}
    rewind: {username: rewinder, password: SECRET}
  parameters: {unix_socket_directories: "", fsync: "off", max_connections: 80}
`)
}

// killLeader kills the leader's Patroni and its PostgreSQL with all processes.
func (c *cluster) killLeader() {
	for _, m := range c.members {
		if !answers(fmt.Sprintf("http://127.0.0.1:%d/primary", m.rest), http.StatusOK) {
			continue
		}
		main, err := os.ReadFile(filepath.Join(c.dir, m.name, "postmaster.pid"))
		if err != nil {
			c.t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.Fields(string(main))[0])
		if err != nil || pid <= 1 {
			c.t.Fatalf("the leader's process is %q", main)
		}
		_ = m.process.Process.Kill()
		_ = syscall.Kill(pid, syscall.SIGKILL) // its others end when they miss it
		return
	}
	c.t.Fatal("there is no leader")
}

// own finds whom the servers run as: PostgreSQL refuses root.
func (c *cluster) own() {
	if os.Getuid() == 0 {
		postgres, err := user.Lookup("postgres")
		if err != nil {
			c.t.Fatal(err)
		}
		uid, _ := strconv.Atoi(postgres.Uid) // numbers on this system
		gid, _ := strconv.Atoi(postgres.Gid)
		c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	c.give(c.dir)
}

func (c *cluster) give(path string) {
	if c.owner == nil {
		return
	}
	if err := os.Chown(path, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
		c.t.Fatal(err)
	}
}

// run starts a program as the servers' user, until the test ends.
func (c *cluster) run(name, program string, args ...string) *exec.Cmd {
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "HOME=" + c.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if c.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			c.t.Logf("%s:\n%s", name, text[max(0, len(text)-4000):])
		}
		_ = cmd.Process.Signal(syscall.SIGTERM) // Patroni ends its server
		_ = cmd.Wait()
	})
	return cmd
}

func (c *cluster) await(what string, there func() bool) {
	c.t.Helper()
	for range 600 {
		if there() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.t.Fatalf("%s does not come up", what)
}

func answers(address string, status int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode == status
}

func port(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
