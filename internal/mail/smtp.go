package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// secrecy is how a connection to the relay is encrypted.
type secrecy int

const (
	required      secrecy = iota // STARTTLS, or no mail
	opportunistic                // STARTTLS where it is offered
	never
	implicit // TLS from the first byte (RFC 8314)
)

// idleFor is how long a connection without work is kept; relays close theirs
// after some minutes.
const idleFor = 20 * time.Second

// SMTP sends through a relay. Its connections are kept and used again, one for
// each worker that sends at the same time. Make it with NewSMTP.
type SMTP struct {
	host, port     string
	user, password string
	secrecy        secrecy
	local          bool   // the relay is this machine
	sender         string // envelope sender: where bounces go
	roots          *x509.CertPool

	mu   sync.Mutex
	idle []*connection
}

// Option changes how an SMTP sender works.
type Option func(*SMTP)

// Trusting makes a sender believe certificates of these roots, not the machine's.
func Trusting(roots *x509.CertPool) Option { return func(s *SMTP) { s.roots = roots } }

// What is wrong with an SMTP address. The address itself holds a password and is
// never repeated.
var (
	errURL = errors.New("the SMTP address reads smtp://[USER:PASSWORD@]HOST[:PORT][?starttls=required|opportunistic|never] or smtps://…")
	errTLS = errors.New("the SMTP address has a password that starttls=never would send readable over the network")
)

// NewSMTP reads the address of a relay. smtp:// demands STARTTLS, but to this
// machine itself, where it uses none; `?starttls=` says otherwise. smtps:// is TLS
// from the start. Without a port: 465 for smtps, 587 with a user, 25 without.
// from is the From of the mails; its address is the envelope sender.
func NewSMTP(address, from string, options ...Option) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, errURL
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil || Addressable(sender.Address) != nil {
		return nil, errors.New("the From of mails is not one mail address, such as `Nidan <portal@example.com>`")
	}
	s := &SMTP{host: u.Hostname(), port: u.Port(), local: loopback(u.Hostname()), sender: sender.Address}
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
	}
	if s.secrecy, err = readSecrecy(u, s.local); err != nil {
		return nil, err
	}
	if s.secrecy == never && s.user != "" && !s.local {
		return nil, errTLS
	}
	if s.port == "" {
		s.port = s.usualPort()
	}
	for _, option := range options {
		option(s)
	}
	return s, nil
}

func (s *SMTP) usualPort() string {
	switch {
	case s.secrecy == implicit:
		return "465"
	case s.user != "":
		return "587"
	}
	return "25"
}

func readSecrecy(u *url.URL, local bool) (secrecy, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return required, errURL
	}
	wish := query.Get("starttls")
	query.Del("starttls")
	switch {
	case len(query) > 0:
		return required, errURL
	case u.Scheme == "smtps" && wish == "":
		return implicit, nil
	case u.Scheme != "smtp":
		return required, errURL
	}
	switch wish {
	case "":
		if local {
			return never, nil
		}
		return required, nil
	case "required":
		return required, nil
	case "opportunistic":
		return opportunistic, nil
	case "never":
		return never, nil
	}
	return required, errURL
}

// loopback says whether a host is this machine. Only the name "localhost" is
// believed; any other is for the resolver to say, which others may control.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (s *SMTP) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// Name is the relay for people, without the password.
func (s *SMTP) Name() string { return net.JoinHostPort(s.host, s.port) }

// Send gives a message to the relay. A kept connection that the relay has closed
// meanwhile is replaced; nothing was said on it yet, so nothing is sent twice.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	wire, err := compose(m)
	if err != nil {
		return &Failure{Step: stepCompose, Text: cut(line(err.Error())), Permanent: true}
	}
	for {
		c, kept, err := s.connection(ctx)
		if err != nil {
			return err
		}
		failure := c.send(ctx, cmp.Or(m.Return, s.sender), m.To, wire)
		if failure == nil {
			s.keep(c)
			return nil
		}
		if failure.Code == 0 || failure.Code == 421 || !c.reset(ctx) {
			c.drop()
			if kept && failure.Step == stepMail && ctx.Err() == nil {
				continue
			}
		} else {
			s.keep(c)
		}
		if failure.Step == stepContent {
			failure.Text = without(m.Text+m.HTML, failure.Text)
		}
		return failure
	}
}

// Check connects, encrypts and signs in to the relay, and sends nothing.
func (s *SMTP) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.quit()
	return c.noop(ctx)
}

// Close ends the connections that are kept.
func (s *SMTP) Close() error {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		c.timer.Stop()
		c.quit()
	}
	return nil
}

// connection is one that was kept, or a new one.
func (s *SMTP) connection(ctx context.Context) (c *connection, kept bool, err error) {
	s.mu.Lock()
	if n := len(s.idle); n > 0 {
		c = s.idle[n-1]
		s.idle = s.idle[:n-1]
		c.timer.Stop()
	}
	s.mu.Unlock()
	if c != nil {
		return c, true, nil
	}
	c, err = s.dial(ctx)
	return c, false, err
}

// keep keeps a connection for the next message, for a while.
func (s *SMTP) keep(c *connection) {
	if c.broken {
		c.drop()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, c)
	c.timer = time.AfterFunc(idleFor, func() { s.retire(c) })
}

// retire ends a connection that nobody has taken meanwhile.
func (s *SMTP) retire(c *connection) {
	s.mu.Lock()
	found := false
	for i, other := range s.idle {
		if other == c {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			found = true
			break
		}
	}
	s.mu.Unlock()
	if found {
		c.quit()
	}
}
