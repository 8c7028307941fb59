package web

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nidan/internal/mail"
)

// state are the figures that are asked for when somebody scrapes them. What the
// database is asked is kept for a moment, so that many scrapers are no load.
type state struct {
	p     *Portal
	mu    sync.Mutex
	at    time.Time
	loads []mail.Load
}

// loadsFor is how long the outbox's figures are kept, loadsWithin how long they are waited for.
const (
	loadsFor    = 10 * time.Second
	loadsWithin = 2 * time.Second
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	hashPermits = gauge("nidan_hash_permits", "Passwords that may be hashed at once.")
	hashUsed    = gauge("nidan_hash_running", "Passwords that are being hashed.")
	hashWaiting = gauge("nidan_hash_waiting", "Sign-ins that wait for a permit to hash.")
	hashes      = gauge("nidan_hashes_total", "Passwords hashed since the start.")
	mailWaiting = gauge("nidan_mail_waiting", "Letters of the whole portal that wait, by lane.", "lane")
	mailOldest  = gauge("nidan_mail_oldest_due_seconds", "How long the oldest letter that is due has waited, by lane.", "lane")
	mailParked  = gauge("nidan_mail_parked", "Letters of the whole portal that are not tried any more, by lane.", "lane")
	mailFailing = gauge("nidan_mail_failing_seconds", "For how long this node has handed over nothing though it tried.")
	clockBehind = gauge("nidan_clock_behind_seconds", "How far this machine's time is behind the latest instant seen.")
	nodeReady   = gauge("nidan_ready", "1 when /readyz answers 200.")
)

// Describe leaves the names to Collect (an "unchecked" collector): what the database
// does not answer is not there.
func (s *state) Describe(chan<- *prometheus.Desc) {}

// Collect reads every figure.
func (s *state) Collect(to chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	used, waiting := s.p.Pool.State()
	tell(hashPermits, prometheus.GaugeValue, float64(s.p.Pool.Permits()))
	tell(hashUsed, prometheus.GaugeValue, float64(used))
	tell(hashWaiting, prometheus.GaugeValue, float64(waiting))
	tell(hashes, prometheus.CounterValue, float64(s.p.Pool.Hashes()))
	tell(clockBehind, prometheus.GaugeValue, s.p.Clock.Behind().Seconds())
	failing := 0.0
	if since, _ := s.p.Post.Failing(); !since.IsZero() {
		failing = s.p.Clock.Now().Sub(since).Seconds()
	}
	tell(mailFailing, prometheus.GaugeValue, failing)
	ready := 0.0
	if s.p.fault(context.Background()) == "" {
		ready = 1
	}
	tell(nodeReady, prometheus.GaugeValue, ready)
	now := s.p.Clock.Now()
	for _, l := range s.outbox(now) {
		oldest := 0.0
		if !l.Since.IsZero() {
			oldest = now.Sub(l.Since).Seconds()
		}
		tell(mailWaiting, prometheus.GaugeValue, float64(l.Waiting), string(l.Lane))
		tell(mailOldest, prometheus.GaugeValue, oldest, string(l.Lane))
		tell(mailParked, prometheus.GaugeValue, float64(l.Parked), string(l.Lane))
	}
}

func (s *state) outbox(now time.Time) []mail.Load {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.p.Clock.Machine(); at.Sub(s.at).Abs() > loadsFor {
		ctx, cancel := context.WithTimeout(context.Background(), loadsWithin)
		defer cancel()
		loads, _, err := mail.Loads(ctx, s.p.DB, now, now)
		if err != nil {
			return nil // /readyz and nidan_ready tell of a database that does not answer
		}
		s.at, s.loads = at, loads
	}
	return s.loads
}
