package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nidan/internal/route"
)

// metrics are labelled by route pattern and status alone: never by a person, an
// address or a path as it was sent.
type metrics struct {
	registry *prometheus.Registry
	seconds  *prometheus.HistogramVec
	now      func() time.Time
}

func newMetrics(now func() time.Time) *metrics {
	m := &metrics{now: now, registry: prometheus.NewRegistry(), seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "nidan_http_request_duration_seconds", Help: "Time to answer, by route and status.",
		Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3},
	}, []string{"route", "status"})}
	m.registry.MustRegister(m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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

type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status that goes out.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is beneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (m *metrics) measure(pattern string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := m.now()
		sw := &statusWriter{ResponseWriter: w}
		next(sw, r)
		if sw.status == 0 {
			sw.status = http.StatusOK
		}
		m.seconds.WithLabelValues(pattern, strconv.Itoa(sw.status)).Observe(m.now().Sub(began).Seconds())
	}
}
