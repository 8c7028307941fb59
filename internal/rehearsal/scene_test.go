package rehearsal

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/announcement"
	"nidan/internal/mail"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/reminder"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

const day = 24 * time.Hour

// What no copy may hold; each is found where it stands in the source.
const (
	theHash   = "$argon2id$the-hash-of-somebody"
	thePhone  = "0399887766"
	theReason = "abroad until the summer, told in confidence"
	theLetter = "the body of a letter that waits"
	theToken  = "a-token-of-a-browser"
)

// scene is the room on a real database, with temporary files of its own.
type scene struct {
	storetest.World
	t       *testing.T
	room    *Room
	by      operator.Operator
	org     string
	numbers int
	secret  []byte
}

func stage(t *testing.T, w storetest.World) *scene {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	s := &scene{World: w, t: t, secret: totp.NewSecret()}
	s.room = s.node()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		s.by, err = operator.Add(ctx, tx, operator.Operator{Email: "mika@desk.example", Name: "Mika", Language: "en", Zone: "Asia/Tokyo"}, "test")
		return err
	})
	s.org = s.organization("Aozora")
	return s
}

func (s *scene) site() *page.Site {
	s.t.Helper()
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, signin.Words, announcement.Words, reminder.Words, rollout.Words, Words)
	if err != nil {
		s.t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.NewTextHandler(s.t.Output(), nil)), page.Options{Name: "Business Portal", House: phrase.Location("Asia/Tokyo"),
		Contact: "help@portal.example", Hours: "9:00-17:30 JST", Now: s.Clock.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	return site
}

// node is one more node of the portal.
func (s *scene) node() *Room {
	s.t.Helper()
	room, err := New(Needs{DB: s.DB, Keys: s.Keys, Site: s.site(), Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)), PerSecond: 20})
	if err != nil {
		s.t.Fatal(err)
	}
	return room
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Write(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) exec(text string, args ...any) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, text, args...); return err })
}

func (s *scene) organization(name string) (id string) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, name)
		id = o.ID
		return err
	})
	return id
}

// person adds somebody who has a password, and with it grace by what opens later.
func (s *scene) person(change ...func(*account.Account)) account.Account {
	s.t.Helper()
	s.numbers++
	a := account.Account{Ref: account.Ref{Organization: s.org}, Email: fmt.Sprintf("p%d@example.com", s.numbers), Name: "Hanako Sato",
		Phone: thePhone, Authority: account.GeneralUser, Language: phrase.English, Zone: "Asia/Tokyo"}
	for _, c := range change {
		c(&a)
	}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil {
			return err
		}
		return password.Set(ctx, tx, a.Ref, theHash, password.Changed)
	})
	return a
}

func admin(a *account.Account)    { a.Authority = account.PortalAdmin }
func japanese(a *account.Account) { a.Language = phrase.Japanese }

func (s *scene) enroll(a account.Account) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		if err := totp.Enroll(ctx, tx, s.Keys, a.Ref, s.secret, 0, 0); err != nil {
			return err
		}
		return rollout.FinishGrace(ctx, tx, s.Keys, a, "enrolled", "test")
	})
}

// plan saves a rollout of an organization ("" for the whole portal), from now.
func (s *scene) plan(org string, opens, ends time.Duration) (p rollout.Plan) {
	now := s.Clock.Now()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		p, err = rollout.Save(ctx, tx, rollout.Plan{Organization: org, Opens: now.Add(opens), Ends: now.Add(ends), Reminders: rollout.Usual}, s.by.ID)
		return err
	})
	return p
}

func (s *scene) extend(p rollout.Plan, a account.Account, until time.Time) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		return rollout.Extend(ctx, tx, p.ID, a.Ref, until, theReason, s.by.ID)
	})
}

func (s *scene) window(opens, closes time.Time) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := maintenance.Plan(ctx, tx, opens, closes, s.by.ID, s.by.ID)
		return err
	})
}

// secrets puts what no copy may hold into every place where such things stand.
func (s *scene) secrets(a account.Account) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		return mail.Queue(ctx, tx, s.Keys, mail.Letter{Organization: a.Organization, Holder: a.ID, Lane: mail.Notice, Kind: "test",
			To: a.Email, Language: "en", Subject: theLetter, Text: theLetter})
	})
	digest := secret.Digest(theToken)
	s.exec(`insert into session (id, digest, organization_id, holder_id, started_at, password_at, seen_at, wrong_codes, network, agent)
		values ('s', $1, $2, $3, 1, 1, 1, 0, '', '')`, digest, a.Organization, a.ID)
	s.exec(`insert into mail_code (id, organization_id, holder_id, session_id, door, address_key, digest, created_at, expires_at)
		values ('c', $1, $2, 's', 'signin', '', $3, 1, 2)`, a.Organization, a.ID, digest)
	s.exec(`insert into pass (id, organization_id, holder_id, kind, digest, code_digest, tries, given_by, why, ticket, created_at, expires_at)
		values ('p', $1, $2, 'pass', $3, $4, 0, '', $5, '', 1, 2)`, a.Organization, a.ID, digest, digest, theReason)
	s.exec(`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, aside, needs_approval)
		values ('r', $1, $2, $3, 1, 2, $4, false)`, digest, a.Organization, a.ID, []byte(theHash))
}

func (s *scene) play(p rollout.Plan) Report {
	s.t.Helper()
	r, err := Play(s.t.Context(), s.DB, Stage{Site: s.room.Site, PerSecond: 20}, p.ID, s.Clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// left are the temporary files that are there.
func (s *scene) left() (names []string) {
	found, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// schema is every table with its columns.
func schema(t *testing.T, r store.Reader, engine store.Engine) map[string][]string {
	t.Helper()
	text := `select m.name, p.name from sqlite_schema m join pragma_table_info(m.name) p where m.type = 'table' and m.name not like 'sqlite%'`
	if engine == store.PostgreSQL {
		text = `select table_name, column_name from information_schema.columns where table_schema = current_schema()`
	}
	rows, err := r.Query(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		tables[table] = append(tables[table], column)
	}
	return tables
}

// dump is every row of every table but some, as text.
func dump(t *testing.T, db *store.DB, but ...string) string {
	t.Helper()
	var b strings.Builder
	for table, columns := range schema(t, db, db.Engine()) {
		if strings.Contains(strings.Join(but, " "), table) {
			continue
		}
		rows, err := db.Query(t.Context(), "select * from "+table+" order by 1, 2")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, table, values)
		}
		_ = rows.Close()
	}
	lines := strings.Split(b.String(), "\n")
	sortLines(lines)
	return strings.Join(lines, "\n")
}

// visit asks for the page, as the operator.
func (s *scene) visit(method, path string) *httptest.ResponseRecorder {
	s.t.Helper()
	mux := http.NewServeMux()
	for _, rt := range s.room.Routes() {
		mux.Handle(rt.Pattern, rt.Serve)
	}
	r := httptest.NewRequest(method, path, nil)
	v := &session.Visit{Person: account.Account{Ref: s.by.Ref(), Name: s.by.Name}, TwoStep: true,
		Again: func(context.Context, *store.Tx) error { return nil }}
	v.Ref = s.by.Ref()
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(session.With(r.Context(), v)))
	return w
}
