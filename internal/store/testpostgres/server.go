package testpostgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const install = "install PostgreSQL (on Debian: apt-get install postgresql; ./test.sh setup does it), " +
	"or set NIDAN_TEST_POSTGRES to the URL of a server where databases may be created"

// settings trade durability, which no test needs, for speed. A database lives for
// seconds, so nobody tidies it up; the log stays small, for it may be in memory.
const settings = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 256MB
autovacuum = off
jit = off
timezone = 'UTC'
lc_messages = 'C'
`

// Start makes a new server in dir, which must not exist, and returns its URL.
// Only who knows the URL's random password gets in: a superuser of PostgreSQL
// may run programs, and the port is open to every user of the machine.
func Start(dir string) (string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the server: %w", err)
	}
	owner, err := ownerOf(dir)
	if err != nil {
		return "", err
	}
	data, password := filepath.Join(dir, "data"), rand.Text()
	if err := initialize(owner, dir, data, password); err != nil {
		return "", err
	}
	var output string
	for range 5 { // the port is free when chosen, and may be taken a moment later
		port, err := freePort()
		if err != nil {
			return "", err
		}
		output, err = run(owner, "pg_ctl", "start", "--wait", "--timeout=60", "--silent",
			"--pgdata="+data, "--log="+filepath.Join(dir, "log"), "--options=-p "+strconv.Itoa(port))
		if err == nil {
			address := url.URL{Scheme: "postgres", User: url.UserPassword("nidan", password),
				Host: "127.0.0.1:" + strconv.Itoa(port), Path: "/postgres", RawQuery: "sslmode=disable"}
			return address.String(), nil
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log")) // absent when it could not even begin
	return "", fmt.Errorf("start the server: %s\n%s", output, log)
}

// Stop ends the server in dir and removes the folder; none there is no error.
func Stop(dir string) error {
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(filepath.Join(data, "postmaster.pid")); err == nil {
		owner, err := ownerOf(dir)
		if err != nil {
			return err
		}
		// A server that died leaves its pid file; then this fails and the folder still goes.
		_, _ = run(owner, "pg_ctl", "stop", "--mode=immediate", "--silent", "--pgdata="+data)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the server's folder: %w", err)
	}
	return nil
}

func initialize(owner *syscall.Credential, dir, data, password string) error {
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return fmt.Errorf("write the server's password: %w", err)
	}
	defer os.Remove(secret)
	if owner != nil {
		if err := os.Chown(secret, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("hand over the server's password: %w", err)
		}
	}
	output, err := run(owner, "initdb", "--pgdata="+data, "--username=nidan", "--pwfile="+secret,
		"--auth=scram-sha-256", "--locale=C", "--encoding=UTF8", "--no-sync")
	if err != nil {
		return fmt.Errorf("make a cluster: %w\n%s", err, output)
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open the server's settings: %w", err)
	}
	_, err = conf.WriteString(settings)
	if err := errors.Join(err, conf.Close()); err != nil {
		return fmt.Errorf("write the server's settings: %w", err)
	}
	return nil
}

// ownerOf hands dir to the user the server runs as and returns it. PostgreSQL
// refuses to run as root; everybody else runs it as himself, which is nil.
func ownerOf(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres or nobody: %w", err)
	}
	uid, errUID := strconv.Atoi(account.Uid)
	gid, errGID := strconv.Atoi(account.Gid)
	if err := errors.Join(errUID, errGID, os.Chown(dir, uid, gid)); err != nil {
		return nil, fmt.Errorf("hand the folder to %s: %w", account.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func run(owner *syscall.Credential, program string, args ...string) (string, error) {
	path, err := find(program)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/" // the present folder may be closed to the server's user
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// find looks where Debian keeps PostgreSQL's programs, newest version first,
// then in PATH.
func find(program string) (string, error) {
	found, newest := "", -1.0
	candidates, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if err != nil {
		return "", fmt.Errorf("look for %s: %w", program, err)
	}
	for _, path := range candidates {
		version, err := strconv.ParseFloat(strings.Split(path, "/")[4], 64)
		if err == nil && version > newest {
			found, newest = path, version
		}
	}
	if found != "" {
		return found, nil
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", errors.New(program + " not found: " + install)
	}
	return path, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func answers(address string) bool {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return false
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return db.PingContext(ctx) == nil
}
