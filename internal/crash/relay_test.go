package crash

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// letter is one mail that the relay took.
type letter struct {
	to, id, subject, text string
	at                    time.Time
}

// relay is an SMTP server that keeps every mail. It outlives the portal.
type relay struct {
	url  string
	stop func()

	mu      sync.Mutex
	letters []letter
	news    chan struct{} // closed and made anew with each letter
	// moody may refuse a mail after its final dot, or take it and hang up before its yes.
	moody func(n int) mood
	taken int
}

type mood int

const (
	takes  mood = iota
	defers      // 451 after the final dot
	hangs       // takes it, and is gone before its 250
)

func openRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{news: make(chan struct{}), moody: func(int) mood { return takes }}
	r.listen(t, "127.0.0.1:0")
	t.Cleanup(func() { r.stop() })
	return r
}

// listen opens the relay, for the first time or again.
func (r *relay) listen(t *testing.T, address string) {
	t.Helper()
	server := smtp.NewServer(r)
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = server.Serve(listener); close(done) }()
	r.url, r.stop = "smtp://"+listener.Addr().String(), sync.OnceFunc(func() { _ = server.Close(); <-done })
}

func (r *relay) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &dialogue{relay: r, conn: c}, nil
}

type dialogue struct {
	relay *relay
	conn  *smtp.Conn
	to    string
}

func (d *dialogue) Mail(string, *smtp.MailOptions) error      { return nil }
func (d *dialogue) Rcpt(to string, _ *smtp.RcptOptions) error { d.to = to; return nil }
func (d *dialogue) Reset()                                    {}
func (d *dialogue) Logout() error                             { return nil }

func (d *dialogue) Data(content io.Reader) error {
	raw, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	l, err := open(raw)
	if err != nil {
		return err
	}
	l.to = d.to
	switch d.relay.keep(l) {
	case defers:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "come back later"}
	case hangs:
		_ = d.conn.Conn().Close()
		return errors.New("gone")
	}
	return nil
}

// keep keeps a letter, unless it is not in the mood.
func (r *relay) keep(l letter) mood {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken++
	how := r.moody(r.taken)
	if how == defers {
		return how
	}
	l.at = time.Now()
	r.letters = append(r.letters, l)
	close(r.news)
	r.news = make(chan struct{})
	return how
}

// open reads a mail's id, subject and text.
func open(raw []byte) (l letter, err error) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return l, err
	}
	l.id = strings.Trim(m.Header.Get("Message-Id"), "<>")
	l.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return l, err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return l, err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		l.text, err = decoded(m.Body, m.Header.Get("Content-Transfer-Encoding"))
		return l, err
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		text, err := decoded(part, part.Header.Get("Content-Transfer-Encoding"))
		if err != nil {
			return l, err
		}
		l.text += text + "\n"
	}
}

func decoded(r io.Reader, encoding string) (string, error) {
	if strings.EqualFold(encoding, "quoted-printable") {
		r = quotedprintable.NewReader(r)
	} else if strings.EqualFold(encoding, "base64") {
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// all are the letters so far.
func (r *relay) all() []letter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]letter(nil), r.letters...)
}

// since finds what a letter to an address says, of those that came after the first
// seen; it waits for it, but not for ever: a letter that a killed process had in hand
// comes when its lease has ended.
func (r *relay) since(seen int, to string, what *regexp.Regexp, patience time.Duration) (string, bool) {
	late := time.After(patience)
	for {
		r.mu.Lock()
		news, newest := r.news, ""
		for _, l := range r.letters[min(seen, len(r.letters)):] {
			if found := what.FindStringSubmatch(l.text); found != nil && l.to == to {
				newest = found[1]
			}
		}
		r.mu.Unlock()
		if newest != "" {
			return newest, true
		}
		select {
		case <-news:
		case <-late:
			return "", false
		}
	}
}

func (r *relay) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.letters)
}
