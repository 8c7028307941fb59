package browsertest

import (
	"encoding/base64"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// sink is a mail server that keeps what it is given.
type sink struct {
	t       *testing.T
	address string

	mu    sync.Mutex
	more  chan struct{} // closed and replaced when a mail comes
	mails []letter
}

type letter struct{ to, subject, text string }

// newSink starts a mail server; the test's end stops it.
func newSink(t *testing.T) *sink {
	t.Helper()
	k := &sink{t: t, more: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{sink: k}, nil }))
	server.Domain, server.ErrorLog = "sink.example", log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k.address = listener.Addr().String()
	done := make(chan struct{})
	go func() { _ = server.Serve(listener); close(done) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return k
}

// delivery is one connection to the sink.
type delivery struct {
	sink *sink
	to   string
}

func (d *delivery) Reset()                                    { d.to = "" }
func (d *delivery) Logout() error                             { return nil }
func (d *delivery) Mail(string, *smtp.MailOptions) error      { return nil }
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error { d.to = to; return nil }

func (d *delivery) Data(r io.Reader) error {
	message, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return err
	}
	text, err := plainText(message)
	if err != nil {
		return err
	}
	k := d.sink
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mails = append(k.mails, letter{d.to, subject, text})
	close(k.more)
	k.more = make(chan struct{})
	return nil
}

// plainText is the first part of a mail, decoded.
func plainText(m *netmail.Message) (string, error) {
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
	if err != nil {
		return "", err
	}
	body := io.Reader(part)
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}

// count is how many mails an address got so far.
func (k *sink) count(to string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.of(to))
}

func (k *sink) of(to string) (mails []letter) {
	for _, one := range k.mails {
		if strings.EqualFold(one.to, to) {
			mails = append(mails, one)
		}
	}
	return mails
}

// find waits for a mail to an address, behind the first so many, in which the
// pattern is found, and answers what its group holds.
func (k *sink) find(to string, behind int, pattern *regexp.Regexp) string {
	k.t.Helper()
	late := time.After(patience)
	for {
		k.mu.Lock()
		mails, more := k.of(to), k.more
		k.mu.Unlock()
		for _, one := range mails[min(behind, len(mails)):] {
			if found := pattern.FindStringSubmatch(one.text); found != nil {
				return found[1]
			}
		}
		select {
		case <-more:
		case <-late:
			k.t.Fatalf("no mail to %s behind the first %d has %s: %q", to, behind, pattern, mails)
		}
	}
}

var (
	codeText = regexp.MustCompile(`(?m)^\s+(\d{4} \d{4})\s*$`)
	linkText = regexp.MustCompile(`(http://\S+)`)
)

// code is the verification code in the first mail that came behind the first so many.
func (k *sink) code(to string, behind int) string { k.t.Helper(); return k.find(to, behind, codeText) }

// link is the path of a mailed link.
func (k *sink) link(to string, behind int) string {
	k.t.Helper()
	u, err := url.Parse(k.find(to, behind, linkText))
	if err != nil {
		k.t.Fatal(err)
	}
	return u.Path
}
