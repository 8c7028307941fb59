package figure

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Sizes of the people bench: the small crowd, and one organization that is large.
const (
	smallCrowd = 10_000
	largeOne   = 50_000
	lookUps    = 120
)

// people: what a sign-in asks the database, and a Portal Admin's search by name, in a
// large crowd against a small one, with organizations of one size in both; and the same
// in one organization that is large by itself.
func (r *Run) people(ctx context.Context) error {
	large := max(smallCrowd, r.Accounts)
	var small, many, one crowded
	for _, c := range []struct {
		of    *crowded
		crowd Crowd
	}{{&small, crowdOf(smallCrowd)}, {&many, crowdOf(large)}, {&one, Crowd{Accounts: largeOne, Organizations: 1, Open: largeOne / 10}}} {
		w, err := r.build(ctx)
		defer w.close()
		if err != nil {
			return err
		}
		r.tell("%s people in %s organizations are being written …", phrase.Number(int64(c.crowd.Accounts)), phrase.Number(int64(c.crowd.Organizations)))
		if _, _, err := w.fill(ctx, w.portal.Keys, c.crowd, func(int) {}); err != nil {
			return err
		}
		*c.of = crowded{world: w, crowd: c.crowd, handler: w.portal.Handler(), dice: rand.New(rand.NewPCG(1, uint64(c.crowd.Accounts)))}
	}
	r.tell("asked by turns …")
	for i := range lookUps {
		for _, c := range []*crowded{&small, &many, &one} {
			if c == &one && i%6 != 0 { // it is only told
				continue
			}
			if err := c.ask(ctx, i, r.warm(i)); err != nil {
				return err
			}
		}
	}
	said := "among " + phrase.Number(int64(large)) + " accounts ÷ among " + phrase.Number(smallCrowd)
	r.told("sign-in's question for a password among "+phrase.Number(smallCrowd)+" accounts", millis(median(small.passwords)), "ms")
	r.atMost("sign-in's question for a password "+said, ratio(median(many.passwords), median(small.passwords)), 1.3, "")
	r.told("a signed-in page, the gate's question in it", millis(median(small.pages)), "ms")
	r.atMost("a signed-in page, the gate's question in it, "+said, ratio(median(many.pages), median(small.pages)), 1.3, "")
	r.told("search by name in an organization of 200", millis(median(small.searches)), "ms")
	r.atMost("search by name in an organization of 200 "+said, ratio(median(many.searches), median(small.searches)), 1.3, "")
	r.told("search by name in one organization of "+phrase.Number(largeOne), millis(median(one.searches)), "ms")
	return nil
}

func median(times []time.Duration) time.Duration { return quantile(times, 0.5) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(1, b)) }

// warm says that a question only warms up what is asked.
func (*Run) warm(i int) bool { return i < lookUps/10 }

// crowded is a world with a crowd in it, and how long its answers took.
type crowded struct {
	*world
	crowd                      Crowd
	handler                    http.Handler
	dice                       *rand.Rand
	passwords, pages, searches []time.Duration
}

// ask asks everything once, about anybody.
func (c *crowded) ask(ctx context.Context, i int, warm bool) error {
	password, err := c.lookUp(ctx, c.dice.IntN(c.crowd.Accounts))
	if err != nil {
		return err
	}
	cookie, err := c.enter(ctx, c.crowd, c.dice.IntN(c.crowd.Organizations), i)
	if err != nil {
		return err
	}
	page, err := ask(ctx, c.handler, "/profile", cookie)
	if err != nil {
		return err
	}
	search, err := ask(ctx, c.handler, "/accounts?q="+url.QueryEscape(fmt.Sprintf("hanako %d", c.dice.IntN(100))), cookie)
	if err != nil || warm {
		return err
	}
	c.passwords, c.pages, c.searches = append(c.passwords, password), append(c.pages, page), append(c.searches, search)
	return nil
}

// lookUp asks for the password of one of the crowd, as a sign-in does.
func (w *world) lookUp(ctx context.Context, i int) (time.Duration, error) {
	began := clk.Machine()
	ref, _, _, err := password.Lookup(ctx, w.db, w.portal.Keys, fmt.Sprintf("p%d@crowd.example", i), w.portal.Clock.Now(), [4]limit.Key{})
	if err == nil && ref.ID == "" {
		err = fmt.Errorf("nobody signs in as number %d of the crowd", i)
	}
	return clk.Machine().Sub(began), err
}

// enter begins a session of an enrolled Portal Admin of an organization, with both steps.
func (w *world) enter(ctx context.Context, crowd Crowd, organization, n int) (*http.Cookie, error) {
	size := crowd.Accounts / crowd.Organizations
	i := organization * size
	if i*crowd.Open%crowd.Accounts < crowd.Open {
		i++ // the first is not enrolled, the second is
	}
	ref := account.Ref{Organization: fmt.Sprintf("o%06d", organization), ID: fmt.Sprintf("a%08d", i)}
	var token string
	err := w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, s, err := session.Start(ctx, tx, ref, "127.0.0.1", fmt.Sprintf("bench %d", n), "")
		if err == nil {
			token, err = session.Rise(ctx, tx, s, account.TOTP)
		}
		return err
	})
	kept := &answer{header: http.Header{}}
	session.Give(kept, w.portal.Site, token)
	cookies := (&http.Response{Header: kept.header}).Cookies()
	if err != nil || len(cookies) != 1 {
		return nil, fmt.Errorf("a session of %s: %w", ref.ID, err)
	}
	return cookies[0], nil
}

// ask asks for a page without a network in between, twice: what counts is the second.
func ask(ctx context.Context, handler http.Handler, path string, cookie *http.Cookie) (took time.Duration, err error) {
	for range 2 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1"+path, nil)
		if err != nil {
			return 0, err
		}
		r.RemoteAddr = "127.0.0.1:1"
		r.AddCookie(cookie)
		w := &answer{header: http.Header{}}
		began := clk.Machine()
		handler.ServeHTTP(w, r)
		took = clk.Machine().Sub(began)
		if w.status != http.StatusOK {
			return 0, fmt.Errorf("%s answered %d", strings.SplitN(path, "?", 2)[0], w.status)
		}
	}
	return took, nil
}

// answer is an answer that nobody reads.
type answer struct {
	header http.Header
	status int
}

// Header is the answer's header.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader keeps the first status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return io.Discard.Write(p)
}
