package figure

import (
	"context"
	"encoding/base32"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/web"
)

// What everybody of a bench is called and types.
const (
	typed = "lantern over harbor"
	named = "Hanako Sato"
	phone = "0312345678"
)

// world is a portal with many enrolled accounts, served over loopback as `serve` does.
type world struct {
	portal  *web.Portal
	db      *store.DB
	source  string // of db
	url     string
	people  []Person
	trips   atomic.Int64
	gated   atomic.Int64
	closers []func()
}

// Person is somebody who can sign in by an app's code.
type Person struct {
	Email, Password, Key string
	Operator             bool
}

type nowhere struct{}

func (nowhere) Send(context.Context, mail.Message) error { return nil }

// open builds and serves a portal with n people in a few organizations.
func (r *Run) open(ctx context.Context, n int) (*world, error) {
	w, err := r.build(ctx)
	if err != nil {
		return w, err
	}
	r.tell("%d people are being written …", n)
	if err := w.seed(ctx, w.portal.Keys, n); err != nil {
		return w, err
	}
	return w, w.serve(ctx, true)
}

// build is a portal with nobody in it, which serves nothing and does nothing yet.
func (r *Run) build(ctx context.Context) (*world, error) {
	w := &world{}
	keys, clk, err := r.openStore(ctx, w)
	if err != nil {
		return w, err
	}
	c, err := config.Load("", []string{"NIDAN_TRUSTED_PROXIES=127.0.0.1"})
	if err != nil {
		return w, err
	}
	w.portal, err = web.New(web.Needs{Config: c, DB: w.db, Keys: keys, Clock: clk, Log: slog.New(slog.DiscardHandler), Sender: nowhere{}})
	if err != nil {
		return w, err
	}
	w.portal.Pool.Apart(slog.New(slog.NewTextHandler(os.Stderr, nil))) // as `serve` does
	w.closers = append(w.closers, w.portal.Pool.Close)
	return w, nil
}

// openStore makes a database for a world, with its key and clock.
func (r *Run) openStore(ctx context.Context, w *world) (*secret.Keys, *clock.Clock, error) {
	folder, err := os.MkdirTemp("", "nidan-bench-*")
	if err != nil {
		return nil, nil, err
	}
	w.closers = append(w.closers, func() { _ = os.RemoveAll(folder) })
	r.worlds++
	source, err := r.place(ctx, folder, "world_"+strconv.Itoa(r.worlds))
	if err != nil {
		return nil, nil, err
	}
	clk := clock.New()
	db, err := store.Open(ctx, source, clk.Now)
	if err != nil {
		return nil, nil, err
	}
	w.db, w.source = db, source
	w.closers = append(w.closers, func() { _ = db.Close() })
	if _, err := db.Migrate(ctx); err != nil {
		return nil, nil, err
	}
	if _, err := clock.Start(ctx, db, clk, "bench"); err != nil {
		return nil, nil, err
	}
	keys, err := secret.NewKeys(secret.Bytes(32))
	return keys, clk, err
}

func (w *world) close() {
	for i := len(w.closers) - 1; i >= 0; i-- {
		w.closers[i]()
	}
}

func (w *world) seed(ctx context.Context, keys *secret.Keys, n int) error {
	hash, err := w.portal.Pool.Hash(ctx, typed)
	if err != nil {
		return err
	}
	return w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		w.people = w.people[:0]
		var o organization.Organization
		for i := range n {
			var err error
			if i%20 == 0 {
				if o, err = organization.Add(ctx, tx, "Organization "+secret.ID()); err != nil {
					return err
				}
			}
			person, err := w.person(ctx, tx, keys, o, hash)
			if err != nil {
				return err
			}
			w.people = append(w.people, person)
		}
		return nil
	})
}

func (w *world) person(ctx context.Context, tx *store.Tx, keys *secret.Keys, o organization.Organization, hash string) (Person, error) {
	a, err := account.Add(ctx, tx, keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: secret.ID() + "@bench.example",
		Name: named, Phone: phone, Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "bench")
	if err != nil {
		return Person{}, err
	}
	if err := password.Set(ctx, tx, a.Ref, hash, password.Changed); err != nil {
		return Person{}, err
	}
	key := totp.NewSecret()
	if err := totp.Enroll(ctx, tx, keys, a.Ref, key, 0, 0); err != nil {
		return Person{}, err
	}
	return Person{Email: a.Email, Password: typed, Key: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)}, nil
}

// serve listens on loopback; beside the portal it answers /bench/empty with an
// empty handler, /bench/gate behind the gate for signed-in people, and /bench/cold behind
// one that remembers nothing. beside says
// whether what is done beside requests is done too.
func (w *world) serve(ctx context.Context, beside bool) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	portal := w.portal.Handler()
	empty := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) })
	gate := w.portal.Guarded(route.Route{Pattern: "/bench/gate", Gate: route.SignedIn, Serve: empty})
	mux := http.NewServeMux()
	mux.Handle("/", portal)
	mux.Handle("/bench/empty", empty)
	mux.Handle("/bench/gate", gate)
	mux.Handle("/bench/cold", w.portal.Cold(route.Route{Pattern: "/bench/cold", Gate: route.SignedIn, Serve: empty}))
	mux.HandleFunc("/bench/counted", func(rw http.ResponseWriter, r *http.Request) {
		ctx, trips := store.Counting(r.Context())
		gate(rw, r.WithContext(ctx))
		w.trips.Add(trips.N())
		w.gated.Add(1)
	})
	serving, stop := context.WithCancel(ctx)
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }() // ends with Close
	if beside {
		go w.portal.Background(serving)
	}
	w.closers = append(w.closers, func() { stop(); _ = server.Close() })
	w.url = "http://" + listener.Addr().String()
	return nil
}
