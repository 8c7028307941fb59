package web

import (
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nidan/internal/page"
	"nidan/internal/trace"
)

// numbered gives each request a number, by which its answer, its lines in the log and
// its trace are found. A trusted proxy's own is kept.
func (p *Portal) numbered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := r.Header.Get(page.RequestNumber)
		if number == "" || !numberOK(number) || !p.Config.TrustedProxies.Named(r.RemoteAddr) {
			number = newNumber()
		}
		w.Header()[page.RequestNumber] = []string{number}
		next.ServeHTTP(w, r)
	})
}

// newNumber need not be secret, only new.
func newNumber() string {
	var b [8]byte
	n := rand.Uint64()
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	return hex.EncodeToString(b[:])
}

func numberOK(number string) bool {
	return len(number) >= 8 && len(number) <= 64 && strings.Trim(number, "0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-_") == ""
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

// watch measures a route: its time and status in the metrics, in the log at level
// debug, and in a trace. None of them holds the path as it was asked, which may be a
// link that opens something, or who asked.
func (p *Portal) watch(pattern string, next http.HandlerFunc) http.HandlerFunc {
	observe := p.metrics.of(pattern)
	return func(w http.ResponseWriter, r *http.Request) {
		began := p.Clock.Machine()
		sw := &statusWriter{ResponseWriter: w}
		answered := func(int) {}
		if trace.On() {
			r, answered = trace.Request(r, pattern, page.Number(w), p.Config.TrustedProxies.Named(r.RemoteAddr))
		}
		next(sw, r)
		if sw.status == 0 {
			sw.status = http.StatusOK
		}
		took := p.Clock.Machine().Sub(began)
		observe(sw.status, took)
		answered(sw.status)
		if p.Log.Enabled(r.Context(), slog.LevelDebug) {
			p.logAnswer(r, w, pattern, sw.status, took)
		}
	}
}

func (p *Portal) logAnswer(r *http.Request, w http.ResponseWriter, pattern string, status int, took time.Duration) {
	p.Log.LogAttrs(r.Context(), slog.LevelDebug, "answered", slog.String("request", page.Number(w)),
		slog.String("route", pattern), slog.String("status", strconv.Itoa(status)), slog.Float64("ms", float64(took.Microseconds())/1000))
}
