package cli

import (
	"io"
	"log"
	"net"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/rogpeppe/go-internal/testscript"
)

// relayKey finds the recipients of a story's relay.
type relayKey struct{}

// relay is an SMTP server that takes every mail and tells for whom it was.
type relay struct{ recipients chan string }

func (r relay) Mail(string, *smtp.MailOptions) error        { return nil }
func (r relay) Rcpt(to string, _ *smtp.RcptOptions) error   { r.recipients <- to; return nil }
func (r relay) Data(text io.Reader) error                   { _, err := io.Copy(io.Discard, text); return err }
func (r relay) Reset()                                      {}
func (r relay) Logout() error                               { return nil }
func (r relay) NewSession(*smtp.Conn) (smtp.Session, error) { return r, nil }

// openRelay starts a relay, whose address becomes the variable RELAY.
func openRelay(ts *testscript.TestScript, _ bool, _ []string) {
	r := ts.Value(relayKey{}).(relay)
	server := smtp.NewServer(r)
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	done := make(chan struct{})
	go func() { _ = server.Serve(listener); close(done) }()
	ts.Defer(func() { _ = server.Close(); <-done })
	ts.Setenv("RELAY", "smtp://"+listener.Addr().String())
}

// mailed ADDRESS waits until the relay was given a mail for an address.
func mailed(ts *testscript.TestScript, _ bool, args []string) {
	long := time.After(20 * time.Second)
	for {
		select {
		case to := <-ts.Value(relayKey{}).(relay).recipients:
			if to == args[0] {
				return
			}
		case <-long:
			ts.Fatalf("no mail for %s", args[0])
		}
	}
}
