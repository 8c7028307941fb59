package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Serve answers on the listener until ctx ends. Then it says so at /readyz for as long as
// the settings tell, and serves whoever still comes; only then it takes no connection any
// more, and answers every request that reached it. Each answer is the last on its
// connection. The system takes connections before this program does, and breaks off those
// that wait in the instant a listener closes: that nobody comes then is what the time at
// /readyz is for.
func (p *Portal) Serve(ctx context.Context, listener net.Listener) error {
	return p.serve(ctx, listener, p.Handler())
}

func (p *Portal) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	s, closed := p.newServer(handler), &once{Listener: listener}
	failed := make(chan error, 1)
	go func() { failed <- s.server.Serve(closed) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	p.stops.Store(true)
	select {
	case err := <-failed:
		return err
	case <-time.After(p.Config.Drain):
	}
	_ = closed.Close() // what was taken of it is served on
	<-failed           // it says that its listener was closed
	p.linger(s)
	return s.end(ctx)
}

// ServeMetrics answers machines on a listener of their own.
func (p *Portal) ServeMetrics(ctx context.Context, listener net.Listener) error {
	s := p.newServer(p.metrics.handler())
	failed := make(chan error, 1)
	go func() { failed <- s.server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return s.end(ctx)
	}
}

// once is a listener that is closed once: by the stop, and not by the server again.
type once struct {
	net.Listener
	close sync.Once
}

// Close closes it the first time.
func (o *once) Close() (err error) {
	o.close.Do(func() { err = o.Listener.Close() })
	return err
}

// pollTime is how often is looked whether connections have ended.
const pollTime = 10 * time.Millisecond

// listening is a server that knows how many connections are open.
type listening struct {
	server *http.Server
	open   atomic.Int64
}

func (p *Portal) newServer(handler http.Handler) *listening {
	c := &listening{}
	c.server = &http.Server{
		Handler: handler, MaxHeaderBytes: headerBytes, ReadHeaderTimeout: headerTime,
		ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug), ConnState: c.note,
	}
	return c
}

func (c *listening) note(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	}
}

// linger waits for the connections to end. One at rest, which nobody can close without
// the risk that a request is on its way on it, has a while to bring that, listening from
// when the last request was answered: it may have been answered before the stop was known.
func (p *Portal) linger(s *listening) {
	waited := time.Duration(0)
	for total := time.Duration(0); s.open.Load() > 0 && waited < lingerTime && total < shutdownTime; total += pollTime {
		time.Sleep(pollTime)
		if waited += pollTime; p.serving.Load() > 0 {
			waited = 0
		}
	}
}

// end ends a server that takes no connections any more, with what it is still answering.
func (c *listening) end(ctx context.Context) error {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return c.server.Shutdown(end)
}

// stopping makes each answer of a node that stops the last on its connection.
func (p *Portal) stopping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.serving.Add(1)
		defer p.serving.Add(-1)
		if p.stops.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
