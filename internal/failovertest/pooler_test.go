package failovertest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
	"nidan/internal/totp"
)

// Behind pgbouncer in transaction mode a connection stays while the server behind it
// changes, so each code asks which server it is:
//
//	apt-get install pgbouncer
//	NIDAN_POOLER=1 go test ./internal/failovertest -run Pooler -v
func TestBehindAPoolerTheFloorHoldsToo(t *testing.T) {
	if os.Getenv("NIDAN_POOLER") == "" {
		t.Log("only with NIDAN_POOLER=1")
		return
	}
	pair := testpostgres.NewPair(t, false)
	first, err := url.Parse(pair.Primary.URL)
	if err != nil {
		t.Fatal(err)
	}
	second, err := url.Parse(pair.Standby.URL)
	if err != nil {
		t.Fatal(err)
	}
	listen := port(t)
	dir, err := os.MkdirTemp("", "nidan-pooler.*")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir}
	c.own()
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	password, _ := first.User.Password()
	// What leads it to another server in earnest writes its settings and has them read anew.
	settings := fmt.Sprintf("[databases]\npostgres = host=127.0.0.1 port=%s user=nidan password=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\n"+
		"auth_type = any\npool_mode = transaction\nunix_socket_dir =\nserver_login_retry = 1\n", "PORT", password, listen)
	file := filepath.Join(dir, "pgbouncer.ini")
	lead := func(to *url.URL) {
		text := []byte(strings.Replace(settings, "PORT", to.Port(), 1))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c.give(file)
	}
	lead(first)
	program, err := exec.LookPath("/usr/sbin/pgbouncer")
	if err != nil {
		t.Fatal(err)
	}
	bouncer := c.run("pgbouncer", program, file)
	source := fmt.Sprintf("postgres://nidan@127.0.0.1:%d/postgres?sslmode=disable&default_query_exec_mode=cache_describe", listen)
	c.await("pgbouncer", func() bool {
		db, err := store.Open(t.Context(), source, nil)
		if err != nil {
			return false
		}
		return db.Close() == nil
	})
	n := open(t, source, "one", 0)
	p := people(t, n, 1)[0]
	pair.Detach(t)
	code := totp.Code(p.key, totp.Step(n.clock.Now())+1)
	a, err := p.password(n)
	must(t, "the password", a, err, answer.begun)
	a, err = p.code(n, code)
	must(t, "the code", a, err, answer.accepted)

	pair.Primary.Kill()
	pair.Promote(t)
	lead(second)
	if err := bouncer.Process.Signal(syscall.SIGHUP); err != nil { // it reads its settings anew
		t.Fatal(err)
	}
	thief := p.anew()
	c.await("the other server", func() bool {
		a, err := thief.password(n)
		return err == nil && a.begun()
	})
	a, err = thief.code(n, code)
	must(t, "the code again", a, err, func(a answer) bool { return a.status == 422 })
	if left := count(t, n, `select count(*) from second_step`); left != 0 {
		t.Errorf("%d records of the code are there", left)
	}
}
