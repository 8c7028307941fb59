package mail

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What a broken or malicious sender writes: no mail of it is taken but a whole one
// to an address of ours, and others are served before, meanwhile and after.
func TestBrokenDialoguesHandOverNothingAndHoldUpNobody(t *testing.T) {
	var taken atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	box := Box{Takes: func(to string) bool { return to == "ours@example.com" },
		Take: func(context.Context, Arrived) error { taken.Add(1); return nil }}
	go func() {
		ended <- (&Intake{Boxes: []Box{box}, Log: slog.New(slog.DiscardHandler)}).Serve(ctx, listener)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the intake ended with %v", err)
		}
	})
	dial := func() net.Conn {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 10*time.Second)
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		return conn
	}
	// raw writes all at once and hangs up its half; it answers what came back.
	raw := func(text string) string {
		conn := dial()
		defer conn.Close()
		go func() {
			_, _ = io.WriteString(conn, text) // the other side may have ended it
			_ = conn.(*net.TCPConn).CloseWrite()
		}()
		back, _ := io.ReadAll(conn)
		return string(back)
	}
	whole := func() {
		t.Helper()
		before := taken.Load()
		raw("LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ours@example.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
		if taken.Load() != before+1 {
			t.Fatal("a whole mail, pipelined, was not taken")
		}
	}
	for range 200 { // who says nothing, and stays
		silent := dial()
		t.Cleanup(func() { _ = silent.Close() })
	}
	whole()
	const begin = "LHLO x\r\nMAIL FROM:<a@b.example>\r\n"
	for name, text := range map[string]string{
		"nobody of ours, all at once":  begin + "RCPT TO:<bounce+aaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbb@example.com>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
		"an address in an address":     begin + "RCPT TO:<ours@example.com\x00@evil.example>\r\nDATA\r\nx\r\n.\r\n",
		"a route":                      begin + "RCPT TO:<@evil.example:nobody@example.com>\r\nDATA\r\nx\r\n.\r\n",
		"no recipient":                 begin + "DATA\r\nx\r\n.\r\n",
		"the order of things":          "LHLO x\r\nRCPT TO:<ours@example.com>\r\nDATA\r\nx\r\n.\r\n",
		"another protocol":             "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ours@example.com>\r\nDATA\r\nx\r\n.\r\n",
		"a page of the web":            "POST / HTTP/1.1\r\nHost: x\r\n\r\nLHLO x\r\n",
		"hung up within the mail":      begin + "RCPT TO:<ours@example.com>\r\nDATA\r\nSubject: half",
		"hung up at a dot":             begin + "RCPT TO:<ours@example.com>\r\nDATA\r\nSubject: half\r\n.",
		"one command without an end":   "LHLO " + strings.Repeat("x", 3<<20),
		"one line without an end":      begin + "RCPT TO:<ours@example.com>\r\nDATA\r\n" + strings.Repeat("x", 3<<20),
		"too long, in lines":           begin + "RCPT TO:<ours@example.com>\r\nDATA\r\n" + strings.Repeat(strings.Repeat("x", 900)+"\r\n", 2000) + ".\r\n",
		"a chunk that is never sent":   begin + "RCPT TO:<ours@example.com>\r\nBDAT 99999999999 LAST\r\nx",
		"a chunk of less than nothing": begin + "RCPT TO:<ours@example.com>\r\nBDAT -1 LAST\r\nx",
		"a size that is too large":     "LHLO x\r\nMAIL FROM:<> SIZE=99999999999\r\nRCPT TO:<ours@example.com>\r\nDATA\r\n",
		"nothing but noise":            strings.Repeat("\x00\xff\r\n", 5000),
		"many who are not ours":        begin + strings.Repeat("RCPT TO:<nobody@example.com>\r\n", 5000) + "DATA\r\nx\r\n.\r\n",
	} {
		before := taken.Load()
		back := raw(text)
		if n := taken.Load() - before; n != 0 {
			t.Errorf("%s: %d mails were taken; it was answered %.300q", name, n, back)
		}
		whole()
	}
	// A dot between bare line feeds ends nothing (SMTP smuggling): it is one mail.
	before := taken.Load()
	raw(begin + "RCPT TO:<ours@example.com>\r\nDATA\r\nSubject: one\r\n\r\nx\n.\nMAIL FROM:<>\nRCPT TO:<ours@example.com>\nDATA\nSubject: two\n\nx\n.\r\n.\r\nQUIT\r\n")
	if n := taken.Load() - before; n != 1 {
		t.Errorf("a mail within a mail: %d were taken", n)
	}
}
