package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	gosmtp "github.com/wneessen/go-mail/smtp"
)

// Bounds of parts of the dialogue; the whole is bounded by the caller's context.
const (
	dialFor = 30 * time.Second
	quitFor = 2 * time.Second
)

// connection is one dialogue with a relay, past its greeting.
type connection struct {
	conn   net.Conn
	client *gosmtp.Client
	timer  *time.Timer // while it is kept
	broken bool        // a context ended while it was bound to it
}

// bound makes a context's end break what waits on the connection, until release.
func (c *connection) bound(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	return func() { c.broken = c.broken || !stop() }
}

// dial connects, encrypts as it must, and signs in.
func (s *SMTP) dial(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Name())
	if err != nil {
		return nil, failed(stepConnect, err)
	}
	c := &connection{conn: conn}
	release := c.bound(ctx)
	failure := s.greet(ctx, c)
	release()
	if failure == nil && c.broken {
		failure = failed(stepConnect, context.Cause(ctx))
	}
	if failure != nil {
		c.drop()
		return nil, failure
	}
	return c, nil
}

func (s *SMTP) greet(ctx context.Context, c *connection) *Failure {
	conn := c.conn
	if s.secrecy == implicit {
		secure := tls.Client(conn, s.tlsConfig())
		if err := secure.HandshakeContext(ctx); err != nil {
			return failed(stepTLS, err)
		}
		conn = secure
	}
	client, err := gosmtp.NewClient(conn, s.host)
	if err != nil {
		return failed(stepConnect, err)
	}
	c.client = client
	if err := client.Hello(ownName()); err != nil {
		return failed(stepConnect, err)
	}
	if failure := s.encrypt(client); failure != nil {
		return failure
	}
	return s.signIn(client)
}

func (s *SMTP) encrypt(client *gosmtp.Client) *Failure {
	if s.secrecy == implicit || s.secrecy == never {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		if s.secrecy == opportunistic {
			return nil
		}
		return &Failure{Step: stepTLS, Text: "the relay offers no STARTTLS, and without it nothing is sent"}
	}
	if err := client.StartTLS(s.tlsConfig()); err != nil {
		return failed(stepTLS, err)
	}
	return nil
}

// signIn shows the password only through TLS or to this machine; the library
// refuses where TLS was opportunistic and not offered.
func (s *SMTP) signIn(client *gosmtp.Client) *Failure {
	if s.user == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	var auth gosmtp.Auth
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		auth = gosmtp.PlainAuth("", s.user, s.password, s.host, s.local)
	case slices.Contains(mechanisms, "LOGIN"):
		auth = gosmtp.LoginAuth(s.user, s.password, s.host, s.local)
	default:
		return &Failure{Step: stepAuth, Text: "the relay offers neither AUTH PLAIN nor AUTH LOGIN"}
	}
	if err := client.Auth(auth); err != nil {
		return failed(stepAuth, err)
	}
	return nil
}

// send is one mail transaction (RFC 5321 §3.3) with one recipient. It has
// succeeded when the relay has answered the content with 250, and not before. Where
// the relay takes commands together, it costs two round trips, not four.
func (c *connection) send(ctx context.Context, from, to string, wire []byte) *Failure {
	defer c.bound(ctx)()
	beyond := !ascii(from) || !ascii(to)
	if offered, _ := c.client.Extension("SMTPUTF8"); beyond && !offered {
		return &Failure{Step: stepCompose, Text: "the relay takes no addresses beyond ASCII", Permanent: true}
	}
	if strings.ContainsAny(from+to, "\r\n") { // a command of somebody else's
		return &Failure{Step: stepCompose, Text: ErrAddress.Error(), Permanent: true}
	}
	envelope := c.inSteps
	if together, _ := c.client.Extension("PIPELINING"); together {
		envelope = c.together
	}
	if failure := envelope(from, to, beyond); failure != nil {
		return failure
	}
	if err := c.content(wire); err != nil {
		return failed(stepContent, err)
	}
	return nil
}

// inSteps names sender and recipient and asks to send the content, one by one.
func (c *connection) inSteps(from, to string, beyond bool) *Failure {
	c.client.SkipSMTPUTF8(!beyond) // asked for without need, it makes other relays refuse
	if err := c.client.Mail("<" + from + ">"); err != nil {
		return failed(stepMail, err)
	}
	if err := c.client.Rcpt("<" + to + ">"); err != nil {
		return failed(stepRcpt, err)
	}
	// Not the library's Data: what it returns would end the content a second time.
	if err := c.client.Text.PrintfLine("DATA"); err != nil {
		return failed(stepData, err)
	}
	if _, _, err := c.client.Text.ReadResponse(354); err != nil {
		return failed(stepData, err)
	}
	return nil
}

// together does the same at once (RFC 2920).
func (c *connection) together(from, to string, beyond bool) *Failure {
	text, utf8 := c.client.Text, ""
	if beyond {
		utf8 = " SMTPUTF8"
	}
	if err := text.PrintfLine("MAIL FROM:<%s>%s\r\nRCPT TO:<%s>\r\nDATA", from, utf8, to); err != nil {
		return failed(stepMail, err)
	}
	var first *Failure
	for _, one := range []struct {
		step string
		want int
	}{{stepMail, 250}, {stepRcpt, 25}, {stepData, 354}} {
		_, _, err := text.ReadResponse(one.want)
		switch {
		case err == nil && one.step == stepData && first != nil:
			// The relay waits for content all the same: there is none (RFC 2920 §3.1).
			if err := text.PrintfLine("."); err != nil {
				return failed(one.step, err)
			}
			if _, _, err := text.ReadResponse(0); err != nil {
				return failed(one.step, err)
			}
		case err == nil:
		case first == nil:
			first = failed(one.step, err)
		}
		if first != nil && first.Code == 0 {
			return first // no answer comes any more
		}
	}
	return first
}

// content sends what the relay has asked for and waits for its word. A line that
// begins with a dot gets another (RFC 5321 §4.5.2).
func (c *connection) content(wire []byte) error {
	w := c.client.Text.W
	for line := range bytes.Lines(wire) {
		if line[0] == '.' {
			_ = w.WriteByte('.') // an error stays with the writer until Flush
		}
		_, _ = w.Write(line)
	}
	if !bytes.HasSuffix(wire, []byte("\r\n")) {
		_, _ = w.WriteString("\r\n")
	}
	_, _ = w.WriteString(".\r\n")
	if err := w.Flush(); err != nil {
		return err
	}
	_, _, err := c.client.Text.ReadResponse(250)
	return err
}

// reset makes a connection ready after a refusal; false when it is of no more use.
func (c *connection) reset(ctx context.Context) bool {
	defer c.bound(ctx)()
	return !c.broken && c.client.Reset() == nil
}

func (c *connection) noop(ctx context.Context) error {
	defer c.bound(ctx)()
	if err := c.client.Noop(); err != nil {
		return failed("noop", err)
	}
	return nil
}

// quit takes leave; drop does not.
func (c *connection) quit() {
	if c.client.UpdateDeadline(quitFor) == nil {
		_ = c.client.Quit()
	}
	c.drop()
}

func (c *connection) drop() { _ = c.conn.Close() }

// ownName is what the portal calls itself to a relay.
func ownName() string {
	if name, err := os.Hostname(); err == nil && name != "" && ascii(name) {
		return name
	}
	return "localhost"
}
