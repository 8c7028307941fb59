package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Bounds of a connection to PostgreSQL. An address may name another connect_timeout.
const (
	hostTime = 3 * time.Second // for each host
	// A server whose machine is gone says nothing at all. Half a dozen seconds after
	// something was sent that it did not take, or after it was last heard of on a
	// connection at rest, the system ends the connection.
	deadTime  = 6 * time.Second
	probeTime = 2 * time.Second
)

// link is what is known of the server at the other end of a connection.
type link struct {
	run    string // the server's run, see Tx.Past
	pooled bool   // something between shares out its connections: each transaction may meet another server
	warned atomic.Bool
}

const linkKey = "nidan"

// Which run of the server this is: the instant its main process began. It changes with
// each restart, and when another server takes over, restored ones included; everybody
// may ask it, and services that show nothing of their log answer it too.
const whichRun = `cast(cast(extract(epoch from pg_postmaster_start_time()) * 1000000 as bigint) as text)`

// dial is how connections to a server, or to the one of several that takes writes, are made.
func dial(source string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(source)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = hostTime
	}
	dialer := net.Dialer{Timeout: config.ConnectTimeout, Control: control,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: probeTime, Interval: probeTime, Count: int(deadTime/probeTime) - 1}}
	config.DialFunc = dialer.DialContext
	config.OnNotice = func(conn *pgconn.PgConn, notice *pgconn.Notice) {
		if l, ok := conn.CustomData()[linkKey].(*link); ok && notice.SeverityUnlocalized == "WARNING" {
			l.warned.Store(true)
		}
	}
	waits := map[string]string{}
	for name, usual := range patience {
		waits[name] = usual
		if said, set := config.RuntimeParams[name]; set {
			waits[name] = said
			delete(config.RuntimeParams, name) // a pooler refuses settings that it does not know
		}
	}
	// The portal has no use for a server that cannot write, whatever target_session_attrs
	// says: with several hosts the next is tried.
	config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error { return meet(ctx, conn, waits) }
	return config, nil
}

// meet asks a server who it is, refuses one that only reads, and says how long it is to
// wait for others on our behalf. A pooler gives out keys of its own to cancel by, so that
// another process answers than the one it named; what is set there would be set for others.
func meet(ctx context.Context, conn *pgconn.PgConn, waits map[string]string) error {
	met := conn.ExecParams(ctx, `select pg_backend_pid() <> cast($1 as bigint), current_setting('transaction_read_only'), `+whichRun+`,
		case when pg_backend_pid() = cast($1 as bigint) then set_config('lock_timeout', $2, false)
			|| set_config('idle_in_transaction_session_timeout', $3, false) end`,
		[][]byte{[]byte(strconv.FormatUint(uint64(conn.PID()), 10)), []byte(waits["lock_timeout"]), []byte(waits["idle_in_transaction_session_timeout"])},
		nil, nil, nil).Read()
	if met.Err != nil {
		return met.Err
	}
	row := met.Rows[0]
	if string(row[1]) != "off" {
		return pgconn.ErrReadOnlyConnection
	}
	conn.CustomData()[linkKey] = &link{pooled: string(row[0]) == "t", run: string(row[2])}
	return nil
}

// linkOf is what is known of a connection of the pool.
func linkOf(conn *sql.Conn) (l *link) {
	err := conn.Raw(func(given any) error {
		l, _ = given.(*stdlib.Conn).Conn().PgConn().CustomData()[linkKey].(*link)
		return nil
	})
	if err != nil || l == nil {
		return &link{pooled: true} // nothing is known: each is asked
	}
	return l
}

// past is Tx.Past on this connection.
func (l *link) past(ctx context.Context, tx *Tx) (run string, err error) {
	if !l.pooled {
		return l.run, nil
	}
	return run, tx.QueryRow(ctx, `select `+whichRun).Scan(&run)
}

// errAlone is a commit that is done here, and may be known to no standby: somebody ended
// the wait for it. The server calls that done, with a warning in whatever language.
var errAlone = errors.New("the server stopped waiting for its standby")

// Past names the run of the server that this transaction writes to: another name than
// before means that the server was started anew, that another took over or that the
// database came from elsewhere, so that what was answered as done may be forgotten. It
// is empty on SQLite. It costs a round trip behind a pooler only.
func (tx *Tx) Past(ctx context.Context) (string, error) {
	if tx.past == nil {
		return "", nil
	}
	return tx.past(ctx, tx)
}

// hosts keeps which of several hosts took the last connection, to begin with it the next
// time: the first of them may be gone, and take long to say nothing.
type hosts struct {
	names sync.Map // IP address → host as it was named
	last  atomic.Value
}

func (h *hosts) watch(config *pgx.ConnConfig) {
	if len(config.Fallbacks) == 0 {
		return
	}
	lookup, validate := config.LookupFunc, config.ValidateConnect
	config.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		found, err := lookup(ctx, host)
		for _, address := range found {
			h.names.Store(address, host)
		}
		return found, err
	}
	config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := validate(ctx, conn); err != nil {
			return err
		}
		address, port, err := net.SplitHostPort(conn.Conn().RemoteAddr().String())
		if host, known := h.names.Load(address); err == nil && known {
			h.last.Store(net.JoinHostPort(host.(string), port))
		}
		return nil
	}
}

// first puts the host that took the last connection before the others.
func (h *hosts) first(_ context.Context, config *pgx.ConnConfig) error {
	last, _ := h.last.Load().(string)
	all := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	var front, rest []*pgconn.FallbackConfig
	for _, c := range all {
		if net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))) == last {
			front = append(front, c)
		} else {
			rest = append(rest, c)
		}
	}
	all = append(front, rest...)
	config.Host, config.Port, config.TLSConfig, config.Fallbacks = all[0].Host, all[0].Port, all[0].TLSConfig, all[1:]
	return nil
}

// nameOf is a database of PostgreSQL for people, with all its hosts and no password.
func nameOf(config *pgx.ConnConfig) string {
	var at []string
	for _, c := range append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}, config.Fallbacks...) {
		host := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
		if len(at) == 0 || at[len(at)-1] != host { // each is there twice when TLS is tried first
			at = append(at, host)
		}
	}
	return "postgres://" + url.User(config.User).String() + "@" + strings.Join(at, ",") + "/" + url.PathEscape(config.Database)
}
