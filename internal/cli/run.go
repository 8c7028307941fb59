package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/store"
	"nidan/internal/trace"
	"nidan/internal/web"
)

// endTime bounds what is still written after the last request.
const endTime = 5 * time.Second

// node is a served portal: what listens, and under which name it runs.
type node struct {
	*web.Portal
	name    string
	main    net.Listener
	metrics net.Listener // nil: none
	lmtp    net.Listener // nil: none
}

// serve answers requests until ctx ends, then finishes what is in hand: requests
// first, then the outbox they may have written to, then the clock's note that this
// node ended cleanly.
func (n *node) serve(ctx context.Context) error {
	if _, err := clock.Start(ctx, n.DB, n.Clock, n.name); err != nil {
		return err
	}
	n.Node = n.name
	if err := n.FollowKeys(ctx); err != nil {
		return errors.Join(fmt.Errorf("NIDAN_KEY_FILE: %w", err), n.end(ctx))
	}
	if n.Config.Traces != nil {
		ended := trace.Start(n.Config.Traces, built().Version, n.name, n.Log)
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
			defer cancel()
			if err := ended(ctx); err != nil {
				n.Log.Warn("the last traces were not taken", slog.String("error", err.Error()))
			}
		}()
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	n.Held = func(err error) { giveUp(err) }
	n.Pool.Apart(n.Log)
	debug.FreeOSMemory() // what the start took is not needed again; what runs from here on would hold it
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside sync.WaitGroup
	beside.Go(func() { n.Background(work) })
	if n.metrics != nil {
		beside.Go(func() {
			if err := n.ServeMetrics(work, n.metrics); err != nil {
				n.Log.Error("metrics are no longer served", slog.String("error", err.Error()))
			}
		})
	}
	if n.lmtp != nil && n.Intake != nil {
		beside.Go(func() {
			if err := n.Intake.Serve(work, n.lmtp); err != nil {
				n.Log.Error("bounces are no longer taken", slog.String("error", err.Error()))
			}
		})
	}
	err := n.Serve(ctx, n.main)
	stop()
	beside.Wait()
	n.Pool.Close()
	if held := context.Cause(ctx); errors.Is(held, store.ErrHeld) {
		err = errors.Join(held, err)
	}
	return errors.Join(err, n.end(ctx))
}

// end notes the latest instant, and that everything this node accepted is stored.
func (n *node) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	return errors.Join(clock.Remember(ctx, n.DB, n.Clock), clock.Stop(ctx, n.DB, n.name))
}

// nodeName is how this node is known to the others: by machine and address, the same
// at each start. An SQLite file is served by one node, so that its address is enough: a
// container has another machine's name each time, and what the one before left unended
// is its own.
func nodeName(engine store.Engine, listen config.Address) string {
	if engine == store.SQLite {
		return listen.String()
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + " " + listen.String()
}

// listen takes the address the portal is served on. A port that the system chose
// becomes part of the base URL, unless that was set.
func (p *portal) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", p.Listen.String())
	if err != nil {
		return nil, fmt.Errorf("NIDAN_LISTEN: %w", err)
	}
	if port := listener.Addr().(*net.TCPAddr).Port; p.Listen.Port == 0 && p.BaseURL.Port() == "0" {
		p.BaseURL.Host = net.JoinHostPort(p.BaseURL.Hostname(), strconv.Itoa(port))
	}
	return listener, nil
}

// listenMetrics takes the address for metrics, if any. A portal goes on without
// them: a second node on one machine finds the usual port taken.
func (p *portal) listenMetrics(log *slog.Logger) net.Listener {
	address := p.MetricsListen.String()
	if address == "" {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Warn("no metrics from this node", slog.String("setting", "NIDAN_METRICS_LISTEN"), slog.String("error", err.Error()))
		return nil
	}
	return listener
}

// listenLMTP takes the address at which the mail server brings bounces, if any. A
// portal goes on without it: another node on this machine may have it.
func (p *portal) listenLMTP(log *slog.Logger) net.Listener {
	if p.LMTP == (config.Socket{}) {
		return nil
	}
	listener, err := openSocket(p.LMTP)
	if err != nil {
		log.Warn("no bounces are read by this node", slog.String("setting", "NIDAN_LMTP"), slog.String("error", err.Error()))
		return nil
	}
	return listener
}

// openSocket listens. A Unix socket that an ended process left behind is replaced,
// one that somebody answers at is not; the group may use it, so that the mail server
// can be let in.
func openSocket(s config.Socket) (net.Listener, error) {
	listener, err := net.Listen(s.Network(), s.String())
	if err == nil || s.Path == "" {
		return opened(listener, err, s.Path)
	}
	about, stated := os.Lstat(s.Path)
	if stated != nil || about.Mode().Type() != os.ModeSocket {
		return nil, err
	}
	if conn, answered := net.DialTimeout("unix", s.Path, time.Second); answered == nil {
		_ = conn.Close()
		return nil, err
	}
	if err := os.Remove(s.Path); err != nil {
		return nil, err
	}
	listener, err = net.Listen(s.Network(), s.String())
	return opened(listener, err, s.Path)
}

func opened(listener net.Listener, err error, path string) (net.Listener, error) {
	if err != nil || path == "" {
		return listener, err
	}
	if err := os.Chmod(path, 0o660); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}
