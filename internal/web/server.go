package web

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/signin"
	"nidan/internal/store"
)

// Limits of a connection (security.md, Web).
const (
	headerBytes  = 16 << 10
	headerTime   = 5 * time.Second
	readTime     = 15 * time.Second
	writeTime    = 30 * time.Second
	idleTime     = 2 * time.Minute
	answerTime   = 12 * time.Second // longer than a transaction is tried again
	shutdownTime = 20 * time.Second
	lingerTime   = time.Second // for connections at rest, once none is taken any more
)

// Handler serves the portal: headers, then cross-origin protection, then the route
// with its gate.
func (p *Portal) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range p.routes {
		mux.HandleFunc(rt.Pattern, p.watch(rt.Pattern, p.gate.Guard(rt)))
	}
	missing := p.gate.Guard(route.Route{Pattern: "/", Gate: route.Door, Serve: p.Site.Missing})
	mux.HandleFunc("/", p.watch("other", missing))
	return p.stopping(p.numbered(p.headers(p.recovered(p.patient(p.sameOrigin(written(mux, missing)))))))
}

// patient bounds how long a request waits for the database, so that it is answered
// before it is cut off, and whoever reads the answer knows what became of it.
func (p *Portal) patient(next http.Handler) http.Handler {
	span := p.Patience
	if span == 0 {
		span = answerTime
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(store.Within(r.Context(), span)))
	})
}

// written serves addresses that are text. No id and no token of ours holds anything
// else, and PostgreSQL fails on it: it is answered like one that never was.
func written(next, missing http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !utf8.ValidString(r.URL.Path) || strings.ContainsFunc(r.URL.Path, unicode.IsControl) {
			missing.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Guarded is one more route behind the gate, for the project's own figures.
func (p *Portal) Guarded(rt route.Route) http.HandlerFunc { return p.gate.Guard(rt) }

// Cold is Guarded by a gate that remembers nothing.
func (p *Portal) Cold(rt route.Route) http.HandlerFunc {
	cold := signin.Gate{DB: p.gate.DB, Site: p.gate.Site, Clock: p.gate.Clock, Log: p.gate.Log, Client: p.gate.Client}
	return cold.Guard(rt)
}

// sameOrigin refuses a POST that another site made. What sends neither
// Sec-Fetch-Site nor Origin is no browser that could be tricked into it; a
// Referer, where there is one, must be ours all the same (docs/decisions).
func (p *Portal) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	if origin := p.Config.BaseURL.Scheme + "://" + p.Config.BaseURL.Host; p.Config.BaseURL.Host != "" {
		// Behind a proxy that rewrites Host, the origin people see is the configured one.
		if err := protection.AddTrustedOrigin(origin); err != nil {
			p.Log.Error("the base URL is no origin", slog.String("error", err.Error()))
		}
	}
	foreign := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.Site.Fail(w, r, page.ErrForeign) })
	protection.SetDenyHandler(foreign)
	return protection.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" && p.foreignReferer(r) {
			foreign(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

func (p *Portal) foreignReferer(r *http.Request) bool {
	referer := r.Header.Get("Referer")
	if referer == "" {
		return false
	}
	u, err := url.Parse(referer)
	return err != nil || (u.Host != r.Host && u.Host != p.Config.BaseURL.Host)
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (p *Portal) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if p.Config.Secure() {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// recovered answers a panic with the plain page; the log gets the stack and the
// route, never what was sent.
func (p *Portal) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			p.Log.Error("a handler panicked", slog.String("request", page.Number(w)), slog.String("route", r.Pattern), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			p.Site.Fail(w, r, errors.New("panic"))
		}()
		next.ServeHTTP(w, r)
	})
}

// Origin is the address a listener is reached by on this machine.
func Origin(listener net.Listener) string {
	return "http://" + strings.Replace(listener.Addr().String(), "[::]", "127.0.0.1", 1)
}
