package mail

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const relayPassword = "open sesame"

// relay is a real SMTP server in this process.
type relay struct {
	secure   bool // STARTTLS is offered
	implicit bool // TLS from the first byte
	auth     bool // a password is demanded
	utf8     bool
	inSteps  bool // commands are not taken together
	onMail   func() error
	onRcpt   func(to string) error
	onData   func(text string) error

	address string
	roots   *x509.CertPool
	server  *smtp.Server

	mu    sync.Mutex
	conns []net.Conn
	mails []delivery
}

type delivery struct{ from, to, text string }

// open starts the relay; the test's end stops it.
func (r *relay) open(t *testing.T) *relay {
	t.Helper()
	certificate, roots := certificate(t)
	r.roots = roots
	r.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{relay: r}, nil }))
	r.server.ErrorLog = log.New(io.Discard, "", 0)
	r.server.Domain, r.server.AllowInsecureAuth, r.server.EnableSMTPUTF8 = "relay.test", true, r.utf8
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if r.secure {
		r.server.TLSConfig = config
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r.address = plain.Addr().String()
	listener := net.Listener(counting{plain, r})
	if r.inSteps {
		listener = alone{listener}
	}
	if r.implicit {
		listener = tls.NewListener(listener, config)
	}
	done := make(chan struct{})
	go func() { _ = r.server.Serve(listener); close(done) }()
	t.Cleanup(func() { _ = r.server.Close(); <-done })
	return r
}

// hangUp breaks every connection from the relay's side.
func (r *relay) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
}

func (r *relay) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

func (r *relay) deliveries() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivery(nil), r.mails...)
}

type counting struct {
	net.Listener
	relay *relay
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.relay.mu.Lock()
		l.relay.conns = append(l.relay.conns, conn)
		l.relay.mu.Unlock()
	}
	return conn, err
}

// alone is a relay that does not offer to take commands together.
type alone struct{ net.Listener }

func (l alone) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return aloneConn{conn}, err
}

type aloneConn struct{ net.Conn }

func (c aloneConn) Write(p []byte) (int, error) {
	return c.Conn.Write(bytes.ReplaceAll(p, []byte("PIPELINING"), []byte("X-NOTHING.")))
}

type session struct {
	relay    *relay
	in       bool
	from, to string
}

func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string {
	if s.relay.auth {
		return []string{sasl.Plain}
	}
	return nil
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "nidan" || password != relayPassword {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.relay.auth && !s.in {
		return smtp.ErrAuthRequired
	}
	s.from = from
	if s.relay.onMail != nil {
		return s.relay.onMail()
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.to != "" {
		return errors.New("a second recipient")
	}
	s.to = to
	if s.relay.onRcpt != nil {
		return s.relay.onRcpt(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.relay.onData != nil {
		if err := s.relay.onData(string(text)); err != nil {
			return err
		}
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.relay.mails = append(s.relay.mails, delivery{s.from, s.to, string(text)})
	return nil
}

// answer is a relay's refusal.
func answer(code, class, subject, detail int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}

// certificate is self-signed, for this machine, with the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay.test"},
		NotBefore: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
