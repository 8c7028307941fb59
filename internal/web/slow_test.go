package web

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nidan/internal/store/storetest"
)

// pipes is a listener whose connections hold nothing: what one side writes waits
// until the other reads it.
type pipes struct{ come chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	conn, open := <-p.come
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (p pipes) Close() error   { close(p.come); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.come <- there
	return here
}

// Each line is a client that holds on to its connection, and how long it is waited for.
func TestNobodyHoldsAConnectionLongerThanSaid(t *testing.T) {
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	large := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 1<<20)) })
	for _, c := range []struct {
		name, sends string
		handler     http.Handler
		after       time.Duration
	}{
		{"says nothing", "", read, headerTime},
		{"half a header", "GET / HTTP/1.1\r\nHost: portal", read, headerTime},
		{"half a form", "POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: 1000\r\n\r\nemail=", read, readTime},
		{"reads nothing of the answer", "GET / HTTP/1.1\r\nHost: portal\r\n\r\n", large, writeTime},
	} {
		synctest.Test(t, func(t *testing.T) {
			listener := pipes{make(chan net.Conn)}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			p := &Portal{Needs: Needs{Log: slog.New(slog.DiscardHandler)}}
			go func() { ended <- p.serve(ctx, listener, c.handler) }()
			conn := listener.dial()
			began := time.Now()
			if _, err := io.WriteString(conn, c.sends); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.after + time.Second)
			synctest.Wait()
			// Whatever stood in the server's buffers may still come; then it is over.
			text, err := io.ReadAll(conn)
			if over := time.Since(began); err != nil || over > c.after+2*time.Second || len(text) > 1<<19 {
				t.Errorf("%s: held for %s, %d bytes, %v", c.name, over, len(text), err)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsTooLargeIsRefusedUnread(t *testing.T) {
	p := portal(t, storetest.Open(t, storetest.SQLite(t)), false)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Serve(t.Context(), listener) }() // ends with the test
	address := listener.Addr().String()
	for _, c := range []struct{ name, sends, status string }{
		{"a header", "GET /signin HTTP/1.1\r\nHost: " + address + "\r\nCookie: a=" + strings.Repeat("x", 1<<20) + "\r\n\r\n", "431"},
		{"many headers", "GET /signin HTTP/1.1\r\nHost: " + address + "\r\n" + strings.Repeat("A: b\r\n", 1<<18) + "\r\n", "431"},
		{"a form", "POST /signin HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 104857600\r\n\r\nemail=" +
			strings.Repeat("x", 1<<20), "413"},
		{"the address", "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n", "431"},
		// Whoever stands in front speaks HTTP/2 with browsers, and its resets end there.
		{"HTTP/2 without being asked", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, c.sends) }() // it may be cut off
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, c.status) {
			t.Errorf("%s: %q, %v", c.name, line, err)
		}
		_ = conn.Close()
	}
	answer, err := http.Get("http://" + address + "/signin")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("afterwards: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
}
