package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/clock"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// actor is somebody who acts, as he is made, and target somebody it is done to.
type (
	actor struct {
		name      string
		who       act.Who // without the Ref
		elsewhere bool
		operator  bool
	}
	target struct {
		name      string
		whom      act.Whom // without the Ref
		elsewhere bool
	}
)

var (
	actors = []actor{
		{name: "stranger"},
		{name: "pending", who: act.Who{Authority: account.PortalAdmin, Standing: act.Pending}},
		{name: "general user", who: act.Who{Authority: account.GeneralUser, Standing: act.TwoSteps, FreshCode: true}},
		{name: "foreign admin", who: act.Who{Authority: account.PortalAdmin, Standing: act.TwoSteps, FreshCode: true}, elsewhere: true},
		{name: "admin, 1 step", who: act.Who{Authority: account.PortalAdmin, Standing: act.OneStep}},
		{name: "admin, 1 step, fresh password", who: act.Who{Authority: account.PortalAdmin, Standing: act.OneStep, FreshPassword: true}},
		{name: "admin", who: act.Who{Authority: account.PortalAdmin, Standing: act.TwoSteps}},
		{name: "admin, fresh code", who: act.Who{Authority: account.PortalAdmin, Standing: act.TwoSteps, FreshCode: true}},
		{name: "operator", who: act.Who{Standing: act.TwoSteps}, operator: true},
		{name: "operator, fresh code", who: act.Who{Standing: act.TwoSteps, FreshCode: true}, operator: true},
	}
	targets = []target{
		{name: "nobody"},
		{name: "oneself"},
		{name: "somebody of another organization", whom: act.Whom{Authority: account.GeneralUser}, elsewhere: true},
		{name: "a new general user", whom: act.Whom{Authority: account.GeneralUser}},
		{name: "an enrolled general user", whom: act.Whom{Authority: account.GeneralUser, Enrolled: true, EverEnrolled: true}},
		{name: "a suspended general user", whom: act.Whom{Authority: account.GeneralUser, Suspended: true}},
		{name: "an enrolled admin", whom: act.Whom{Authority: account.PortalAdmin, Enrolled: true, EverEnrolled: true, OthersAble: true}},
		{name: "the last able admin", whom: act.Whom{Authority: account.PortalAdmin, Enrolled: true, EverEnrolled: true, LastAble: true}},
		{name: "an admin beside able ones", whom: act.Whom{Authority: account.PortalAdmin, OthersAble: true}},
	}
)

// cast is the world of the table: whoever an act may have changed is made anew.
type cast struct {
	storetest.World
	t          *testing.T
	handler    http.Handler
	own, other string // organizations
	third      string // nobody of the cast is in it
	n          int
	whos       map[string]act.Who
	tokens     map[string]string
	whoms      map[string]act.Whom
}

func openCast(t *testing.T, w storetest.World) *cast {
	t.Helper()
	if _, err := clock.Start(t.Context(), w.DB, w.Clock, "test"); err != nil {
		t.Fatal(err)
	}
	c := &cast{World: w, t: t, handler: portal(t, w, false).Handler()}
	c.in(func(ctx context.Context, tx *store.Tx) error {
		own, err := organization.Add(ctx, tx, "Aozora")
		if err != nil {
			return err
		}
		other, err := organization.Add(ctx, tx, "Brennhof")
		c.own, c.other = own.ID, other.ID
		if err != nil {
			return err
		}
		third, err := organization.Add(ctx, tx, "Cormoran")
		c.third = third.ID
		if err != nil {
			return err
		}
		if _, err = rollout.Save(ctx, tx, rollout.Plan{Opens: tx.Now().AddDate(0, 0, -7), Ends: tx.Now().AddDate(0, 1, 0)}, "test"); err != nil {
			return err
		}
		_, err = c.person(ctx, tx, c.own, account.PortalAdmin, true) // always able beside others
		return err
	})
	c.anew()
	return c
}

func (c *cast) in(do func(ctx context.Context, tx *store.Tx) error) {
	c.t.Helper()
	if err := c.DB.Write(c.t.Context(), do); err != nil {
		c.t.Fatal(err)
	}
}

// anew forgets everybody who was made.
func (c *cast) anew() {
	c.whos, c.tokens, c.whoms = map[string]act.Who{}, map[string]string{}, map[string]act.Whom{}
}

// person adds somebody, with a password of before the period.
func (c *cast) person(ctx context.Context, tx *store.Tx, org string, authority account.Authority, enrolled bool) (account.Account, error) {
	c.n++
	name := fmt.Sprintf("p%d", c.n)
	a, err := account.Add(ctx, tx, c.Keys, account.Account{Ref: account.Ref{Organization: org}, Email: name + "@cast.example", Name: name,
		Phone: "0312345678", Authority: authority, Language: "en", Zone: "UTC"}, "test")
	if err != nil {
		return a, err
	}
	if err := password.Set(ctx, tx, a.Ref, "x", password.Changed); err != nil {
		return a, err
	}
	if _, err := tx.Exec(ctx, `update password set first_at = $1 where organization_id = $2 and holder_id = $3`,
		store.Micros(tx.Now().AddDate(0, -1, 0)), a.Organization, a.ID); err != nil || !enrolled {
		return a, err
	}
	return a, totp.Enroll(ctx, tx, c.Keys, a.Ref, make([]byte, 20), 1, 1)
}

// actor is somebody of that name, with a cookie.
func (c *cast) actor(i int) (act.Who, string) {
	a := actors[i]
	if who, ok := c.whos[a.name]; ok || a.who.Standing == act.Stranger {
		return who, c.tokens[a.name]
	}
	who, org := a.who, c.own
	if a.elsewhere {
		org = c.other
	}
	c.in(func(ctx context.Context, tx *store.Tx) error {
		if a.operator {
			c.n++
			o, err := operator.Add(ctx, tx, operator.Operator{Email: fmt.Sprintf("o%d@portal.example", c.n), Name: "O", Language: "en", Zone: "UTC"}, "test")
			if err != nil {
				return err
			}
			who.Ref = o.Ref()
			if err := totp.Enroll(ctx, tx, c.Keys, who.Ref, make([]byte, 20), 1, 1); err != nil {
				return err
			}
		} else {
			p, err := c.person(ctx, tx, org, who.Authority, who.Standing != act.OneStep)
			if err != nil {
				return err
			}
			who.Ref = p.Ref
		}
		token, s, err := session.Start(ctx, tx, who.Ref, "203.0.113.7/32", "a browser", "")
		if err == nil && who.Standing == act.TwoSteps {
			token, err = session.Rise(ctx, tx, s, account.TOTP)
		}
		if err != nil {
			return err
		}
		stale := store.Micros(tx.Now().Add(-session.FreshFor))
		if who.Standing == act.TwoSteps && !who.FreshCode {
			_, err = tx.Exec(ctx, `update session set fresh_code_at = $1 where id = $2`, stale, s.ID)
		}
		if err == nil && !who.FreshPassword {
			_, err = tx.Exec(ctx, `update session set fresh_password_at = $1 where id = $2`, stale, s.ID)
		}
		c.whos[a.name], c.tokens[a.name] = who, token
		return err
	})
	return who, c.tokens[a.name]
}

// target is the person of that name, whom somebody acts on.
func (c *cast) target(i int, who act.Who) act.Whom {
	g := targets[i]
	if g.name == "nobody" {
		return act.Whom{}
	}
	if g.name == "oneself" {
		enrolled := who.Standing == act.TwoSteps || who.Standing == act.Pending
		return act.Whom{Ref: who.Ref, Authority: who.Authority, Enrolled: enrolled, EverEnrolled: enrolled, OthersAble: true}
	}
	if whom, ok := c.whoms[g.name]; ok {
		return whom
	}
	whom, org := g.whom, c.own
	if g.elsewhere {
		org = c.other
	}
	c.in(func(ctx context.Context, tx *store.Tx) error {
		p, err := c.person(ctx, tx, org, whom.Authority, whom.Enrolled)
		whom.Ref = p.Ref
		if err == nil && whom.Suspended {
			err = account.Suspend(ctx, tx, p.Ref, "test")
		}
		return err
	})
	c.whoms[g.name] = whom
	return whom
}

// alone stops the second verification of every Portal Admin but one. Whoever acts is
// stopped after his code, or has no second verification that he could act with.
func (c *cast) alone(whom act.Whom, who act.Who) {
	c.together()
	c.in(func(ctx context.Context, tx *store.Tx) error {
		but := ""
		if who.Standing != act.TwoSteps {
			but = who.ID
		}
		_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at)
			select organization_id, id, $1 from account where authority = 'portal_admin' and id <> $2 and id <> $3`, store.Micros(tx.Now()), whom.ID, but)
		return err
	})
}

// together has nobody stopped.
func (c *cast) together() {
	c.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `delete from second_step_state`)
		return err
	})
}

// done counts the records and letters so far: each deed leaves one of each.
func (c *cast) done() (n int) {
	c.t.Helper()
	if err := c.DB.QueryRow(c.t.Context(), `select (select count(*) from audit) + (select count(*) from mail)`).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *cast) ask(token, method, path string, fields []string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	kind := ""
	if method == http.MethodPost {
		kind = "application/x-www-form-urlencoded"
	}
	return c.request(token, method, path, kind, strings.NewReader(form.Encode()))
}

func (c *cast) request(token, method, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, body)
	r.RemoteAddr = "203.0.113.7:4711"
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "nidan", Value: token})
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// waits has a new password of somebody wait to be answered, and says its id.
func (c *cast) waits(ref account.Ref) (id string) {
	if ref.ID == "" {
		return secret.ID()
	}
	c.in(func(ctx context.Context, tx *store.Tx) error {
		err := tx.QueryRow(ctx, `select id from password_reset where organization_id = $1 and holder_id = $2 and aside is not null
			and refused_at is null`, ref.Organization, ref.ID).Scan(&id)
		if err == nil || !errors.Is(err, store.ErrNone) {
			return err
		}
		id = secret.ID()
		_, err = tx.Exec(ctx, `insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, used_at, aside, waits_until, needs_approval)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, true)`, id, []byte(id), ref.Organization, ref.ID, store.Micros(tx.Now()), store.Micros(tx.Now()),
			store.Micros(tx.Now()), []byte("x"), store.Micros(tx.Now().AddDate(0, 0, 1)))
		return err
	})
	return id
}

func (c *cast) count(from string) (n int) {
	c.t.Helper()
	if err := c.DB.QueryRow(c.t.Context(), `select count(*) from `+from).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// named is the actor of a name.
func (c *cast) named(name string) (act.Who, string) {
	c.t.Helper()
	i := slices.IndexFunc(actors, func(a actor) bool { return a.name == name })
	if i < 0 {
		c.t.Fatalf("nobody is called %s", name)
	}
	return c.actor(i)
}
