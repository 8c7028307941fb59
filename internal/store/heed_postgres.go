package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Numbers of the listening connection.
const (
	channel    = "nidan_watched" // what was changed, said with each commit
	beatEvery  = 500 * time.Millisecond
	sureFor    = 2 * time.Second // after a beat that was heard
	deafFor    = 6 * time.Second // a connection on which no beat is heard for so long is given up
	firstPause = 100 * time.Millisecond
	longPause  = 2 * time.Second
	noticeMost = 7000 // bytes of one notice; PostgreSQL takes 8,000
	sentMost   = 4096
)

// wire is how a node on PostgreSQL hears what others change: each transaction that
// wrote watched tables says so in its commit (NOTIFY). The node also sends itself a beat
// on the very connection it listens on. The server hands out notices in the order of
// commits, so who hears a beat has heard all that was committed before it was sent: a
// listener that is down, late, stopped, or behind a pooler that swallows notices hears
// none, and nothing in memory is used.
type wire struct {
	node string
	tell func(Change)

	beat atomic.Pointer[time.Time] // when the latest beat that was heard was sent; nil: not listening
	last atomic.Uint64             // number of the latest notice

	mu   sync.Mutex
	sent map[string]bool // own notices that need not come back; nil: not listening
}

// sure asks both the monotonic clock, which a machine that slept may have stopped, and
// the wall's, which may have been set.
func (w *wire) sure(now time.Time) bool {
	beat := w.beat.Load()
	return beat != nil && now.Sub(*beat).Abs() < sureFor && now.Round(0).Sub(beat.Round(0)).Abs() < sureFor
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

// notice is what the other nodes are told of a change, or nothing, and the number it
// goes by.
func (w *wire) notice(c Change) (text, number string) {
	if c.none() {
		return "", ""
	}
	number = strconv.FormatUint(w.last.Add(1), 36)
	return w.node + " " + number + " " + c.written(), number
}

// written is a change as a notice says it: "*", or "organization/holder" with blanks
// between. What does not fit, or could not be read back, is everything.
func (c Change) written() string {
	var b strings.Builder
	for i, whose := range c.Whose {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(whose.Organization + "/" + whose.ID)
		if !plain.MatchString(whose.Organization+whose.ID) || b.Len() > noticeMost {
			return "*"
		}
	}
	if c.All {
		return "*"
	}
	return b.String()
}

// readNotice is the other way round; what cannot be read is everything.
func readNotice(text string) (node, number string, c Change) {
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return "", "", Change{All: true}
	}
	for _, field := range fields[2:] {
		organization, id, ok := strings.Cut(field, "/")
		if !ok || organization == "" {
			return fields[0], fields[1], Change{All: true}
		}
		c.Whose = append(c.Whose, Holder{organization, id})
	}
	return fields[0], fields[1], c
}

// say notes an own notice before it is committed: Write tells of it here whatever
// becomes of it, so that it need not come back by the server.
func (w *wire) say(number string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if number == "" || w.sent == nil {
		return
	}
	if len(w.sent) >= sentMost {
		clear(w.sent)
	}
	w.sent[number] = true
}

// unsay forgets one whose commit failed or was not answered: should the server have
// done it all the same, it is heeded when the server brings it.
func (w *wire) unsay(number string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sent, number)
}

// hear takes what the server brings.
func (w *wire) hear(text string) {
	node, number, c := readNotice(text)
	if node == w.node {
		w.mu.Lock()
		own := w.sent[number]
		delete(w.sent, number)
		w.mu.Unlock()
		if own {
			return
		}
	}
	w.tell(c)
}

// listen hears until ctx ends, with a new connection whenever one is lost.
func (w *wire) listen(ctx context.Context, source string, machine func() time.Time, lost func(error)) {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		heard, err := w.hearOn(ctx, source, machine)
		w.deaf()
		if ctx.Err() != nil {
			return
		}
		lost(err)
		if heard {
			pause = firstPause
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
	}
}

// deaf says that nothing is heard from here on, and forgets.
func (w *wire) deaf() {
	w.beat.Store(nil)
	w.mu.Lock()
	w.sent = nil
	w.mu.Unlock()
	w.tell(Change{All: true})
}

// hearOn hears on one connection until it is lost; heard says whether a beat was.
func (w *wire) hearOn(ctx context.Context, source string, machine func() time.Time) (heard bool, err error) {
	config, err := dial(source)
	if err != nil {
		return false, err
	}
	config.RuntimeParams["application_name"] = "nidan listening" // for who looks at the server's connections
	var beats struct {
		channel string
		sent    map[string]time.Time
	}
	beats.channel, beats.sent = channel+"_"+strings.ToLower(w.node), map[string]time.Time{}
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
		if n.Channel != beats.channel {
			w.hear(n.Payload)
			return
		}
		if at, ok := beats.sent[n.Payload]; ok {
			clear(beats.sent)
			w.beat.Store(&at)
			heard = true
		}
	}
	connecting, cancel := context.WithTimeout(ctx, connectTime*time.Duration(1+len(config.Fallbacks)))
	defer cancel()
	conn, err := pgx.ConnectConfig(connecting, config)
	if err != nil {
		return false, err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(end) // it may be gone already
	}()
	// A beat need not wait for the disk: it is nothing that has to be there after a crash.
	if err := say(connecting, conn, "set synchronous_commit = off; listen "+channel+"; listen "+beats.channel); err != nil {
		return false, err
	}
	w.mu.Lock()
	w.sent = map[string]bool{}
	w.mu.Unlock()
	w.tell(Change{All: true}) // what was changed before was not heard
	for n, silent := 0, time.Duration(0); silent < deafFor; n++ {
		sent := machine()
		number := strconv.Itoa(n)
		beats.sent[number] = sent
		if err := say(ctx, conn, "select pg_notify('"+beats.channel+"', '"+number+"')"); err != nil {
			return heard, err
		}
		if err := waitFor(ctx, conn, beatEvery); err != nil {
			return heard, err
		}
		if silent += beatEvery; len(beats.sent) == 0 {
			silent = 0
		}
	}
	return heard, errDeaf
}

var errDeaf = errors.New("no notice comes through: is there a pooler in front of the server that shares connections between transactions?")

// say runs statements on the listening connection; a server that does not answer in
// time is given up.
func say(ctx context.Context, conn *pgx.Conn, text string) error {
	ctx, cancel := context.WithTimeout(ctx, sureFor)
	defer cancel()
	if _, err := conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// waitFor takes what comes for a while.
func waitFor(ctx context.Context, conn *pgx.Conn, span time.Duration) error {
	within, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	for {
		if err := conn.PgConn().WaitForNotification(within); err != nil {
			if ctx.Err() == nil && within.Err() != nil {
				return nil // the time is over, and the connection as it was
			}
			return fmt.Errorf("listen: %w", err)
		}
	}
}
