package importing

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

const ssha = "{SSHA}tAYrA42ljwYsQrSykBqHai65KFcBAgMEBQYHCA=="

// scene is the room on a real database, in the middle of a rollout of the portal.
type scene struct {
	storetest.World
	t    *testing.T
	desk *Desk
	woke int
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t}
	w.Clock.Set(opens.AddDate(0, 0, -1))
	w.Clock.Accept()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := rollout.Save(ctx, tx, rollout.Plan{Opens: opens, Ends: ends}, "test")
		return err
	})
	w.Clock.Set(opens.AddDate(0, 0, 7))
	s.desk = s.node()
	was, most := waitFor, waitsMost
	waitFor, waitsMost = time.Millisecond, 3
	t.Cleanup(func() { waitFor, waitsMost = was, most })
	return s
}

// node is one more node or console of the portal.
func (s *scene) node() *Desk {
	s.t.Helper()
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, act.Words, pass.Words, operator.Words, Words)
	if err != nil {
		s.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(s.t.Output(), nil))
	site, err := page.New(book, log, page.Options{Name: "Business Portal", House: phrase.Location("Asia/Tokyo"), Now: s.Clock.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	return &Desk{DB: s.DB, Keys: s.Keys, Site: site, BaseURL: "https://portal.example", Wake: func() { s.woke++ }, Log: log}
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Write(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) number(text string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.DB.QueryRow(s.t.Context(), text, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// counts says what a table holds, all at once.
func (s *scene) counts(want map[string]int64) {
	s.t.Helper()
	for table, n := range want {
		if got := s.number("select count(*) from " + table); got != n {
			s.t.Errorf("%s: %d, want %d", table, got, n)
		}
	}
}

// file writes a table of rows; a line break and a comma more are the row's own.
func (s *scene) file(rows ...string) *File {
	s.t.Helper()
	return s.named("people.csv", header+",password_hash,period_end\n"+strings.Join(rows, "\n")+"\n")
}

func (s *scene) named(name, text string) *File {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	f, err := OpenFile(s.t.Context(), path)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// someone is a row of somebody with an old password.
func someone(organization, email string) string {
	return organization + "," + email + ",Hanako Sato,03-1234,general_user,,en,UTC," + ssha + ","
}

// many are rows of so many people in three organizations.
func many(n int) (rows []string) {
	for i := range n {
		rows = append(rows, someone(fmt.Sprintf("Organization %d", i%3), fmt.Sprintf("p%d@aozora.example", i)))
	}
	return rows
}

var console = Doer{By: "console test", Actor: audit.Actor{Kind: audit.KindConsole, ID: "test"}}

func quiet(Tally, float64) {}

func (s *scene) bring(f *File) Result {
	s.t.Helper()
	result, err := s.desk.Import(s.t.Context(), f, Options{}, console, quiet)
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

func (s *scene) lines(run string) (list []Line) {
	s.t.Helper()
	if err := EachLine(s.t.Context(), s.DB, run, func(l Line) error { list = append(list, l); return nil }); err != nil {
		s.t.Fatal(err)
	}
	return list
}
