package failovertest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// The examples of deploy/ as they stand, but for addresses and certificates, in front of
// two nodes:
//
//	apt-get install nginx caddy
//	NIDAN_PROXIES=1 go test ./internal/failovertest -run Proxies -v
func TestTheExamplesOfProxiesLeadToThePortal(t *testing.T) {
	if os.Getenv("NIDAN_PROXIES") == "" {
		t.Log("only with NIDAN_PROXIES=1")
		return
	}
	t.Run("nginx", func(t *testing.T) {
		behind(t, func(p *proxy) {
			conf := p.example("nginx.conf", strings.NewReplacer("listen 80;", fmt.Sprintf("listen 127.0.0.1:%d;", port(t)),
				"listen 443", fmt.Sprintf("listen 127.0.0.1:%d", p.port), "/etc/ssl/portal.pem", p.cert, "/etc/ssl/portal.key", p.key))
			conf = "user root;\nerror_log " + p.dir + "/error.log;\npid " + p.dir + "/pid;\ndaemon off;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path " +
				p.dir + "/body;\nproxy_temp_path " + p.dir + "/proxy;\nfastcgi_temp_path " + p.dir + "/f;\nuwsgi_temp_path " + p.dir + "/u;\nscgi_temp_path " + p.dir + "/s;\n" + conf + "}\n"
			if os.Getuid() != 0 {
				conf = strings.TrimPrefix(conf, "user root;\n")
			}
			p.start(conf, "nginx", "-c")
		})
	})
	t.Run("caddy", func(t *testing.T) {
		behind(t, func(p *proxy) {
			conf := p.example("Caddyfile", strings.NewReplacer("portal.example.com {", fmt.Sprintf("https://127.0.0.1:%d {\n\ttls %s %s", p.port, p.cert, p.key)))
			p.start("{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_sni 127.0.0.1\n}\n"+conf, "caddy", "run", "--adapter", "caddyfile", "--config")
		})
	})
}

// proxy is one of them, with the nodes behind it.
type proxy struct {
	t         *testing.T
	dir       string
	port      int
	cert, key string // files
	roots     *x509.CertPool
	nodes     []*node
}

// example is a file of deploy/ with the nodes' addresses in it.
func (p *proxy) example(name string, more *strings.Replacer) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.NewReplacer("10.0.0.11:8080", strings.TrimPrefix(p.nodes[0].url, "http://"),
		"10.0.0.12:8080", strings.TrimPrefix(p.nodes[1].url, "http://")).Replace(more.Replace(string(text)))
}

func (p *proxy) start(conf, program string, args ...string) {
	p.t.Helper()
	file := filepath.Join(p.dir, "conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		p.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(p.dir, "out.log"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, append(args, file)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin", "HOME=" + p.dir}
	cmd.Stdout, cmd.Stderr = log, log
	if program == "nginx" {
		if path, err := exec.LookPath("/usr/sbin/nginx"); err == nil {
			cmd.Path = path
		}
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if p.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			more, _ := os.ReadFile(filepath.Join(p.dir, "error.log"))
			p.t.Logf("%s%s", text, more)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
}

// behind signs people in through a proxy to which start leads.
func behind(t *testing.T, start func(p *proxy)) {
	p := &proxy{t: t, dir: t.TempDir(), port: port(t)}
	p.certify()
	source := storetest.PostgreSQL(t)
	base := fmt.Sprintf("https://127.0.0.1:%d", p.port)
	settings := []string{"NIDAN_BASE_URL=" + base, "NIDAN_MAIL_FROM=portal@example.com", "NIDAN_TRUSTED_PROXIES=127.0.0.1"}
	p.nodes = []*node{open(t, source, "one", 0, settings...), open(t, source, "two", 0, settings...)}
	start(p)
	all := people(t, p.nodes[0], 12)
	front := &node{url: base}
	// Clients come from an address of their own, to be told from the proxy's.
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for _, who := range all {
		who.client.Transport = lying{&http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}, DialContext: dialer.DialContext}, base}
	}
	up := false
	for range 200 {
		if a, err := all[0].at(front, "/signin"); err == nil && a.status == http.StatusOK {
			up = true
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !up {
		t.Fatal("no page comes through")
	}
	signIn := func(who *person) {
		t.Helper()
		a, err := who.password(front)
		must(t, "the password", a, err, answer.begun)
		a, err = who.code(front, totp.Code(who.key, totp.Step(p.nodes[0].clock.Now())))
		must(t, "the code", a, err, answer.accepted)
		a, err = who.at(front, "/")
		must(t, "the dashboard", a, err, func(a answer) bool { return a.status == http.StatusOK })
	}
	for _, who := range all[:6] {
		signIn(who)
	}
	right := count(t, p.nodes[0], `select count(*) from session where network = '127.0.0.2/32'`)
	if others := count(t, p.nodes[0], `select count(*) from session where network <> '127.0.0.2/32'`); right != 6 || others != 0 {
		t.Errorf("%d sessions are from where people are, %d from elsewhere", right, others)
	}
	for _, hidden := range []string{"/readyz", "/healthz"} {
		a, err := all[0].at(front, hidden)
		must(t, hidden, a, err, func(a answer) bool { return a.status == http.StatusNotFound })
	}
	a, err := all[0].at(front, "/signin", "email", strings.Repeat("x", 200<<10))
	must(t, "a form that the portal does not take", a, err, func(a answer) bool {
		return a.status == http.StatusRequestEntityTooLarge && strings.Contains(a.body, "More was sent than a form of this portal holds")
	})
	a, err = all[0].at(front, "/signin", "email", strings.Repeat("x", 60<<20))
	if err == nil && a.status != http.StatusRequestEntityTooLarge && a.status != http.StatusBadGateway { // it may break the connection off
		t.Errorf("a form that the proxy does not take: %d", a.status)
	}

	// One node is gone: the other does it all, from the next request on.
	p.nodes[0].server.Close()
	for _, who := range all[6:] {
		signIn(who)
	}
}

// lying is a client that claims to come from elsewhere, and says its page's origin as
// browsers do.
type lying struct {
	http.RoundTripper
	origin string
}

func (l lying) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	r.Header.Set("Origin", l.origin)
	return l.RoundTripper.RoundTrip(r)
}

// certify writes the certificate that httptest has for 127.0.0.1.
func (p *proxy) certify() {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	p.roots = x509.NewCertPool()
	p.roots.AddCert(server.Certificate())
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		p.t.Fatal(err)
	}
	p.cert, p.key = filepath.Join(p.dir, "portal.pem"), filepath.Join(p.dir, "portal.key")
	for file, block := range map[string]*pem.Block{p.cert: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, p.key: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}
