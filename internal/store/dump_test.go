package store

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func scratch(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "nidan.db"), func() time.Time { return time.UnixMicro(1) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

var allowance = Dump{Table: "allowance", Columns: []Column{{"name", Text}, {"full_at", Integer}}}

// However many come, few are held, and fewer where they are long.
func TestALoaderHoldsNoMoreThanSomeRowsAndBytes(t *testing.T) {
	db := scratch(t)
	defer db.Close()
	for _, c := range []struct {
		rows, length, most int
	}{{3 * loadedRows, 1, loadedRows}, {12, loadedBytes / 2, 2}, {2, 3 * loadedBytes, 1}} {
		l := db.Load(allowance)
		for i := range c.rows {
			if err := l.Add(t.Context(), []any{strconv.Itoa(c.length) + " " + strconv.Itoa(i) + strings.Repeat("x", c.length), int64(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(t.Context(), `select count(*) from allowance where name like $1`, strconv.Itoa(c.length)+" %").Scan(&n); err != nil || n != c.rows || l.most != c.most {
			t.Errorf("%d rows of %d bytes: %d are there, %d were held at once, %v", c.rows, c.length, n, l.most, err)
		}
	}
}

func TestAValueOfAnotherKindIsNamedAndNotCarriedOn(t *testing.T) {
	db := scratch(t)
	defer db.Close()
	l := db.Load(Dump{Table: "allowance", Columns: allowance.Columns})
	if err := l.Add(t.Context(), []any{"x", "no number"}); err != nil { // SQLite takes it
		t.Fatal(err)
	}
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := allowance.Each(t.Context(), db, func([]any) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "allowance.full_at") {
		t.Errorf("%v", err)
	}
}

// Whoever copies the file of a portal that was stopped has all of it.
func TestAClosedSQLiteDatabaseIsOneFile(t *testing.T) {
	db := scratch(t)
	if err := db.QueryRow(t.Context(), `select count(*) from account`).Scan(new(int)); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(t.Context(), `select name from migration`) // left half-way, as a request that was broken off leaves it
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	_ = rows.Close()
	folder := filepath.Dir(db.source)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 || files[0].Name() != "nidan.db" {
		t.Errorf("%v %v", files, err)
	}
}
