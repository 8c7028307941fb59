package web

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nidan/internal/route"
	"nidan/internal/signin"
)

// metrics are labelled by route pattern and status alone: never by a person, an
// address or a path as it was sent.
type metrics struct {
	registry *prometheus.Registry
	seconds  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "nidan_http_request_duration_seconds", Help: "Time to answer, by route and status.",
		Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3},
	}, []string{"route", "status"})}
	m.registry.MustRegister(m.seconds, collectors.NewGoCollector(), collectors.NewBuildInfoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// remembers counts how often the gate could answer by what it remembers. The share of
// "unsure" says how often other nodes were not heard.
func (m *metrics) remembers(memory *signin.Memory) {
	for result, count := range map[string]*atomic.Uint64{"hit": &memory.Hits, "miss": &memory.Misses, "unsure": &memory.Unsure} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "nidan_gate_memory_total", Help: "Requests of signed-in people, by whether their session was remembered.",
			ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(count.Load()) }))
	}
}

// route is the one line of the map that is served on a listener of its own.
func (m *metrics) route() route.Route {
	serve := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return route.Route{Pattern: "GET /metrics", Gate: route.Machine, Serve: serve.ServeHTTP}
}

func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	rt := m.route()
	mux.HandleFunc(rt.Pattern, rt.Serve)
	return mux
}

// of is how answers of a route are counted. The ten statuses that routes answer with
// are looked up once.
func (m *metrics) of(pattern string) func(status int, took time.Duration) {
	var known sync.Map // status → prometheus.Observer
	return func(status int, took time.Duration) {
		observer, ok := known.Load(status)
		if !ok {
			observer, _ = known.LoadOrStore(status, m.seconds.WithLabelValues(pattern, strconv.Itoa(status)))
		}
		observer.(prometheus.Observer).Observe(took.Seconds())
	}
}
