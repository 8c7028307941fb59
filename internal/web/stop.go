package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Serve answers on the listener until ctx ends. Then it says so at /readyz for as long as
// the settings tell, takes no new connection, and answers every request that reached it;
// each answer is the last on its connection.
func (p *Portal) Serve(ctx context.Context, listener net.Listener) error {
	return p.serve(ctx, listener, p.Handler())
}

func (p *Portal) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	s := p.newServer(handler)
	failed := make(chan error, 1)
	go func() { failed <- s.server.Serve(listener) }()
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
	p.closeQuietly(listener)
	<-failed // it says that its listener was closed
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

// counted is a server that knows how many connections are open.
type counted struct {
	server *http.Server
	open   atomic.Int64
}

func (p *Portal) newServer(handler http.Handler) *counted {
	c := &counted{}
	c.server = &http.Server{
		Handler: handler, MaxHeaderBytes: headerBytes, ReadHeaderTimeout: headerTime,
		ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug), ConnState: c.note,
	}
	return c
}

func (c *counted) note(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	}
}

// linger waits for the connections to end. One at rest, which nobody can close without
// the risk that a request is on its way on it, has a while to bring that, counted from
// when the last request was answered: it may have been answered before the stop was known.
func (p *Portal) linger(s *counted) {
	waited := time.Duration(0)
	for total := time.Duration(0); s.open.Load() > 0 && waited < lingerTime && total < shutdownTime; total += pollTime {
		time.Sleep(pollTime)
		if waited += pollTime; p.serving.Load() > 0 {
			waited = 0
		}
	}
}

// end ends a server that takes no connections any more, with what it is still answering.
func (c *counted) end(ctx context.Context) error {
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

// Times of a listener's end.
const (
	pollTime  = 10 * time.Millisecond
	quietTime = 50 * time.Millisecond // what a connection that is being made may still take
	queueTime = 2 * time.Second       // for those that the system has taken and this program has not
)

// closeQuietly closes a listener so that nobody whose connection was taken is cut off: the
// system takes connections before this program does, and would break those off that wait.
func (p *Portal) closeQuietly(listener net.Listener) {
	if quiet, err := hush(listener); err != nil || !quiet {
		p.Log.Debug("connections that come at this moment may break", slog.Any("error", err))
	} else {
		time.Sleep(quietTime)
		for waited := time.Duration(0); queued(listener) > 0 && waited < queueTime; waited += pollTime {
			time.Sleep(pollTime)
		}
	}
	_ = listener.Close() // what is served goes on
}
