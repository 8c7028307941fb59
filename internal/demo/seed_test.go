package demo_test

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"nidan/internal/audit"
	"nidan/internal/demo"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/store/testpostgres"
	"nidan/internal/verification"
)

// tokyo is the house zone.
var tokyo, _ = time.LoadLocation("Asia/Tokyo")

// scene is a seeded demo.
type scene struct {
	storetest.World
	site   *page.Site
	source string
	facts  demo.Facts
}

// each seeds a demo on both engines.
func each(t *testing.T, test func(t *testing.T, s scene)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, seeded(t, filepath.Join(t.TempDir(), "demo.db"))) })
	t.Run("postgresql", func(t *testing.T) { test(t, seeded(t, testpostgres.Database(t))) })
}

func marked(t *testing.T, source string, isDemo bool) scene {
	t.Helper()
	s := scene{World: storetest.Open(t, source), source: source}
	book, err := phrase.NewBook([]fs.FS{phrase.Words, page.Words, session.Words, password.Words,
		verification.Words, signin.Words, demo.Words}...)
	must(t, err)
	s.site, err = page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal", House: tokyo,
		Contact: "help@desk.example", Demo: true, Now: s.Clock.Now})
	must(t, err)
	must(t, s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, s.Keys.Digest(secret.ForKey, "portal"), isDemo)
	}))
	return s
}

func (s scene) seed(t *testing.T) (demo.Facts, error) {
	t.Helper()
	pool := password.NewPool(password.Small, 2, 256<<20)
	t.Cleanup(pool.Close)
	return demo.Seed(t.Context(), demo.Seeding{Database: s.source, KeyFile: "demo.key", Keys: s.Keys, Site: s.site,
		Pool: pool, URL: "http://127.0.0.1:8080"}, s.Clock.Now())
}

func seeded(t *testing.T, source string) scene {
	t.Helper()
	s := marked(t, source, true)
	var err error
	s.facts, err = s.seed(t)
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheRecordOfASeedIsWhole(t *testing.T) {
	each(t, func(t *testing.T, s scene) {
		report, err := audit.Verify(t.Context(), s.DB, s.Keys, nil)
		must(t, err)
		if len(report.Broken) > 0 || report.Chains != 3 || report.Rows < 300 {
			t.Errorf("%d rows in %d chains, broken: %v", report.Rows, report.Chains, report.Broken)
		}
	})
}
