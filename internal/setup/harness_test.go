package setup

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/fault"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/verification"
)

// portal is the room on a real database, before a gate that lets pass whoever it
// is told about.
type portal struct {
	storetest.World
	t    *testing.T
	site *page.Site
	room *Room
	mux  *http.ServeMux
	org  organization.Organization
}

// ownEnd binds everybody here who has one step.
var ownEnd = storetest.Start.Add(30 * 24 * time.Hour)

var tokyo = time.FixedZone("JST", 9*60*60)

func build(t *testing.T, w storetest.World) *portal {
	t.Helper()
	p := &portal{World: w, t: t, mux: http.NewServeMux()}
	book, err := phrase.NewBook(phrase.Words, page.Words, session.Words, verification.Words, password.Words, Words)
	p.must(err)
	p.site, err = page.New(book, slog.New(slog.NewTextHandler(t.Output(), nil)), page.Options{
		Name: "Nidan", House: tokyo, Now: w.Clock.Now, Contact: "help@example.com", Hours: "9:00 to 17:30 JST"})
	p.must(err)
	pool := password.NewPool(password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 2, 1<<30)
	t.Cleanup(pool.Close)
	p.room, err = New(Needs{DB: w.DB, Keys: w.Keys, Site: p.site, Pool: pool,
		Desk: &verification.Desk{Keys: w.Keys, Site: p.site}, Wake: func() {}})
	p.must(err)
	for _, rt := range p.room.Routes() {
		p.mux.Handle(rt.Pattern, rt.Serve)
	}
	_, err = clock.Load(context.Background(), w.DB, w.Clock)
	p.must(err)
	p.write(func(ctx context.Context, tx *store.Tx) (err error) {
		p.org, err = organization.Add(ctx, tx, "Aozora Trading")
		return err
	})
	return p
}

func (p *portal) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *portal) write(do func(context.Context, *store.Tx) error) {
	p.t.Helper()
	p.must(p.DB.Write(context.Background(), do))
}

// count counts rows; where is a condition of this test's own writing.
func (p *portal) count(table, where string, args ...any) (n int) {
	p.t.Helper()
	p.must(p.DB.QueryRow(context.Background(), "select count(*) from "+table+" where "+where, args...).Scan(&n))
	return n
}

// visitor is one person with one browser.
type visitor struct {
	*portal
	ref     account.Ref
	session string
	lang    string
}

// person is who a visitor is to be.
type person struct {
	authority account.Authority
	assigned  account.Method
	preset    account.Method
	weak      bool
	pass      bool
	operator  bool
	language  phrase.Lang
}

var (
	general = person{authority: account.GeneralUser, assigned: account.TOTP}
	admin   = person{authority: account.PortalAdmin, assigned: account.TOTP}
	staff   = person{operator: true, pass: true, assigned: account.TOTP}
)

// enter adds a person with a password and signs in by it.
func (p *portal) enter(who person) *visitor {
	p.t.Helper()
	v := &visitor{portal: p, lang: "en"}
	if who.language == "" {
		who.language = phrase.English
	}
	p.write(func(ctx context.Context, tx *store.Tx) error {
		if who.operator {
			o, err := operator.Add(ctx, tx, operator.Operator{Email: "taro@nidan.example", Name: "Taro Abe", Language: who.language, Zone: "Asia/Tokyo"}, "test")
			if err != nil {
				return err
			}
			v.ref = o.Ref()
		} else {
			a, err := account.Add(ctx, tx, p.Keys, account.Account{Ref: account.Ref{Organization: p.org.ID}, Email: "hanako@example.com",
				Name: "Hanako Sato", Phone: "0312345678", Authority: who.authority, Preset: who.preset, Language: who.language, Zone: "Europe/Paris"}, "test")
			if err != nil {
				return err
			}
			v.ref = a.Ref
			if err := account.Assign(ctx, tx, a.Ref, who.assigned, "an admin"); err != nil {
				return err
			}
		}
		if err := password.Set(ctx, tx, v.ref, "an old hash", password.Changed); err != nil {
			return err
		}
		if who.weak {
			return password.MarkWeak(ctx, tx, v.ref)
		}
		return nil
	})
	v.signIn(who.pass)
	return v
}

// signIn begins a new session by the password, and redeems a new pass.
func (v *visitor) signIn(withPass bool) {
	v.t.Helper()
	v.write(func(ctx context.Context, tx *store.Tx) error {
		id := ""
		if withPass {
			kind := pass.Latecomer
			if v.ref.IsOperator() {
				kind = pass.Operator
			}
			_, given, err := pass.Give(ctx, tx, v.ref, kind, pass.Given{By: "an admin"})
			if err != nil {
				return err
			}
			id = given.ID
		}
		_, s, err := session.Start(ctx, tx, v.ref, "192.0.2.1", "a browser", id)
		v.session = s.ID
		return err
	})
}

// visit is what the gate would say of the visitor now.
func (v *visitor) visit() *session.Visit {
	v.t.Helper()
	ctx := context.Background()
	visit := &session.Visit{From: "192.0.2.1", OrganizationName: v.org.Name}
	visit.Session.Ref, visit.Session.ID = v.ref, v.session
	var code, fresh store.Instant
	var method string
	v.must(v.DB.QueryRow(ctx, `select code_at, fresh_code_at, coalesce(code_method, ''), coalesce(pass_id, '') from session where id = $1`, v.session).
		Scan(&code, &fresh, &method, &visit.PassID))
	visit.CodeAt, visit.FreshCode, visit.CodeMethod = code.Time, fresh.Time, account.Method(method)
	visit.TwoStep = !code.IsZero()
	if v.ref.IsOperator() {
		o, err := operator.Get(ctx, v.DB, v.ref.ID)
		v.must(err)
		visit.Person = account.Account{Ref: v.ref, Email: o.Email, EmailKey: account.Key(o.Email), Name: o.Name,
			Method: account.TOTP, Language: o.Language, Zone: o.Zone}
	} else {
		a, err := account.Find(ctx, v.DB, v.ref)
		v.must(err)
		visit.Person = a
	}
	if visit.PassID == "" && !visit.TwoStep {
		visit.OneStep, visit.Setup, visit.OwnEnd = true, true, ownEnd
	}
	visit.Again = v.again(visit, v.digest(v.DB))
	return visit
}

func (v *visitor) digest(r store.Reader) (digest []byte) {
	_ = r.QueryRow(context.Background(), `select digest from session where id = $1 and ended_at is null`, v.session).Scan(&digest)
	return digest
}

// again asks what the real gate would: the same cookie opens the same session,
// and one step only before the own end.
func (v *visitor) again(visit *session.Visit, digest []byte) func(context.Context, *store.Tx) error {
	return func(_ context.Context, tx *store.Tx) error {
		if visit.OneStep && !tx.Now().Before(ownEnd) || len(digest) == 0 || !bytes.Equal(v.digest(tx), digest) {
			return fault.New(fault.Refused, "session.refused")
		}
		return nil
	}
}

// answer is what the portal answered.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

func (v *visitor) get(path string) answer { return v.ask(http.MethodGet, path, nil) }

func (v *visitor) post(path string, fields ...string) answer {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.ask(http.MethodPost, path, form)
}

func (v *visitor) ask(method, path string, form url.Values) answer {
	v.t.Helper()
	return v.askAs(v.visit(), method, path, form)
}

// askAs asks as somebody whom the gate has let pass earlier.
func (v *visitor) askAs(visit *session.Visit, method, path string, form url.Values) answer {
	v.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", v.lang)
	ctx := page.WithChrome(session.With(r.Context(), visit), page.Chrome{Name: visit.Person.Name, Pending: true, Reader: visit.Person.Location()})
	w := httptest.NewRecorder()
	v.mux.ServeHTTP(w, r.WithContext(ctx))
	a := answer{w, v.t}
	if body := w.Body.String(); strings.Contains(body, "[setup.") || strings.Contains(body, "[password.") || strings.Contains(body, "ZgotmplZ") {
		v.t.Errorf("%s %s: a phrase or a link is missing:\n%s", method, path, body)
	}
	return a
}

// is checks the status and parts of the page.
func (a answer) is(status int, parts ...string) answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("answered %d, want %d; on to %q:\n%s", a.Code, status, a.Header().Get("Location"), a.Body)
	}
	for _, part := range parts {
		if !strings.Contains(a.Body.String(), part) {
			a.t.Fatalf("%q is not in\n%s", part, a.Body)
		}
	}
	return a
}

// to checks where the browser is sent.
func (a answer) to(path string) answer {
	a.t.Helper()
	if got := a.Header().Get("Location"); a.Code != http.StatusSeeOther || got != path {
		a.t.Fatalf("answered %d, on to %q, want %q:\n%s", a.Code, got, path, a.Body)
	}
	return a
}

func (p *portal) pass(d time.Duration) { p.Clock.Set(p.Clock.Now().Add(d)) }
