package backup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/organization"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/store/testpostgres"
)

var console = audit.Actor{Kind: audit.KindConsole, ID: "root"}

// check is what keys answer to the portal's question.
func check(keys *secret.Keys) []byte { return keys.Digest(secret.ForKey, "portal") }

// scene is a portal on a real database.
type scene struct {
	storetest.World
	t *testing.T
	n int
}

// stage makes a portal of a migrated database.
func stage(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t}
	s.in(func(ctx context.Context, tx *store.Tx) error { return store.MarkPortal(ctx, tx, check(w.Keys), false) })
	if _, err := clock.Load(t.Context(), w.DB, w.Clock); err != nil {
		t.Fatal(err)
	}
	return s
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

func (s *scene) count(of string, args ...any) (n int) {
	s.t.Helper()
	if err := s.DB.QueryRow(s.t.Context(), "select count(*) from "+of, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// add is one deed: an organization with somebody in it, and the record of it.
func add(ctx context.Context, tx *store.Tx, keys *secret.Keys, name string) (a account.Account, err error) {
	o, err := organization.Add(ctx, tx, name)
	if err != nil {
		return a, err
	}
	a, err = account.Add(ctx, tx, keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: name + "@example.com", Name: "花子 " + name,
		Phone: "0312345678", Authority: account.PortalAdmin, Language: "ja", Zone: "Asia/Tokyo"}, "test")
	if err != nil {
		return a, err
	}
	return a, audit.Record(ctx, tx, keys, audit.Entry{Chain: audit.Operators, Act: "operator:organization:added", Actor: console, Subject: o.ID},
		audit.Entry{Chain: o.ID, Act: "account:person:added", Actor: console, Subject: a.ID})
}

func (s *scene) person() (a account.Account) {
	s.t.Helper()
	s.n++
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		a, err = add(ctx, tx, s.Keys, fmt.Sprintf("p%d", s.n))
		return err
	})
	return a
}

func (s *scene) source() Source {
	return Source{DB: s.DB, Keys: s.Keys, Product: "v9"}
}

func (s *scene) take() []byte {
	s.t.Helper()
	var file bytes.Buffer
	if _, err := Take(s.t.Context(), s.source(), &file); err != nil {
		s.t.Fatal(err)
	}
	return file.Bytes()
}

// engines are places of empty databases of both.
var engines = map[string]func(t *testing.T) string{
	"sqlite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "target.db") },
	"postgresql": func(t *testing.T) string { return testpostgres.Database(t) },
}

// open opens a place, with a clock that stands an hour later than the scene's.
func (s *scene) open(place string) *scene {
	s.t.Helper()
	other := &scene{World: storetest.World{Clock: clock.At(s.Clock.Now().Add(time.Hour)), Keys: s.Keys}, t: s.t}
	db, err := store.Open(context.Background(), place, other.Clock.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	other.DB = db
	return other
}

func (s *scene) restore(file []byte, others ...age.Identity) (Void, error) {
	opened, err := Open(bytes.NewReader(file), s.Keys, others)
	if err != nil {
		return Void{}, err
	}
	return opened.Restore(s.t.Context(), Target{DB: s.DB, Clock: s.Clock, House: time.UTC, By: console, Place: "portal.nidan",
		Keys: func(context.Context) (*secret.Keys, error) { return s.Keys, nil }})
}

func (s *scene) restored(file []byte, others ...age.Identity) Void {
	s.t.Helper()
	void, err := s.restore(file, others...)
	if err != nil {
		s.t.Fatal(err)
	}
	return void
}

// sums are what each table comes to.
func (s *scene) sums() map[string]string {
	s.t.Helper()
	schema, err := s.DB.Tables(s.t.Context(), s.DB)
	if err != nil {
		s.t.Fatal(err)
	}
	dumps, err := carried(schema, true)
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]string{}
	for _, d := range dumps {
		var sum Sum
		err := d.Each(s.t.Context(), s.DB, func(values []any) error { sum.add(encode(nil, values)); return nil })
		if err != nil {
			s.t.Fatal(err)
		}
		all[d.Table] = fmt.Sprint(sum.Rows, " ", &sum)
	}
	return all
}

// served says whether anybody may serve it.
func (s *scene) hold() store.Hold {
	s.t.Helper()
	h, err := store.ReadHold(s.t.Context(), s.DB)
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

func (s *scene) intact() {
	s.t.Helper()
	report, err := audit.Verify(s.t.Context(), s.DB, s.Keys, nil)
	if err != nil || len(report.Broken) > 0 || report.Rows == 0 {
		s.t.Errorf("%+v %v", report, err)
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(killedPlace) != "" {
		os.Exit(restoreToBeKilled())
	}
	os.Exit(m.Run())
}
