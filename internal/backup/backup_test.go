package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Whoever adds a column decides whether a backup carries it.
func TestEveryColumnIsCarriedOrLeftOutByName(t *testing.T) {
	seen := map[string]string{}
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		schema, err := w.DB.Tables(t.Context(), w.DB)
		if err != nil || len(schema) < 50 {
			t.Fatalf("%d tables, %v: the test is blind", len(schema), err)
		}
		dumps, err := carried(schema, true)
		if err != nil {
			t.Error(err)
		}
		for _, d := range dumps {
			if !slices.Equal(d.Columns, schema[d.Table]) {
				t.Errorf("%s is carried as %v, the schema has %v", d.Table, d.Columns, schema[d.Table])
			}
			for name := range d.Blank {
				if !slices.ContainsFunc(d.Columns, func(c store.Column) bool { return c.Name == name }) {
					t.Errorf("%s.%s is blanked, and there is no such column", d.Table, name)
				}
			}
			if before, ok := seen[d.Table]; ok && before != fmt.Sprint(d.Columns) {
				t.Errorf("%s: %s on one engine, %v on the other", d.Table, before, d.Columns)
			}
			seen[d.Table] = fmt.Sprint(d.Columns)
		}
		for name := range LeftOut {
			if schema[name] == nil {
				t.Errorf("%s is left out, and there is no such table", name)
			}
		}
		delete(schema, "ticket")
		if _, err := carried(schema, true); !errors.Is(err, ErrSchema) {
			t.Errorf("without tickets: %v", err)
		}
	})
	for _, more := range []string{`alter table account add column shoe text`, `create table shoe (id text primary key)`} {
		s := stage(t, storetest.Open(t, storetest.SQLite(t)))
		s.exec(more)
		if _, err := Take(t.Context(), s.source(), io.Discard); !errors.Is(err, ErrSchema) {
			t.Errorf("%s: %v", more, err)
		}
	}
}

// Whatever is written meanwhile, the copy is one state; and it is the same on either engine.
func TestABackupUnderLoadIsOneStateAndRestoresOnBothEngines(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var written, failed atomic.Int64
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					err := s.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
						_, err := add(ctx, tx, s.Keys, fmt.Sprintf("w%d-%d", i, n))
						return err
					})
					switch {
					case err == nil:
						written.Add(1)
					case ctx.Err() == nil && !errors.Is(err, store.ErrBusy): // a busy machine may let one wait too long
						failed.Add(1)
					}
				}
			})
		}
		for written.Load() < 20 {
			time.Sleep(time.Millisecond)
		}
		before := written.Load()
		file := &slow{until: func() bool { return written.Load() > before+20 }}
		h, err := Take(t.Context(), s.source(), file)
		stop()
		all.Wait()
		if err != nil || failed.Load() > 0 {
			t.Fatal(err, failed.Load())
		}
		sums := map[string]map[string]string{}
		for engine, place := range engines {
			to := s.open(place(t))
			to.restored(file.Bytes())
			people := to.count("account")
			if people < int(before) || people >= s.count("account") || to.count("address") != people || to.count("organization") != people {
				t.Errorf("%s: %d people of %d to %d, %d addresses, %d organizations", engine, people, before, s.count("account"), to.count("address"), to.count("organization"))
			}
			if n := to.count(`audit where act = 'account:person:added'`); n != people {
				t.Errorf("%s: %d people, %d records", engine, people, n)
			}
			to.intact()
			if hold := to.hold(); hold != (store.Hold{}) {
				t.Errorf("%s: held %+v", engine, hold)
			}
			sums[engine] = to.sums()
		}
		for table, sum := range sums["sqlite"] {
			if sums["postgresql"][table] != sum {
				t.Errorf("%s: %s on SQLite, %s on PostgreSQL", table, sum, sums["postgresql"][table])
			}
		}
		if h.Rows() == 0 || len(h.Steps) == 0 {
			t.Errorf("%+v", h)
		}
	})
}

// slow holds a backup up until something has happened.
type slow struct {
	bytes.Buffer
	until func() bool
}

func (s *slow) Write(b []byte) (int, error) {
	for !s.until() {
		time.Sleep(time.Millisecond)
	}
	return s.Buffer.Write(b)
}

func TestOfAPortalAtRestEveryRowIsTheSameOnEitherEngine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.filled()
		before := s.sums()
		file := s.take()
		if after := s.sums(); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Error("taking a backup changed something")
		}
		for engine, place := range engines {
			to := s.open(place(t))
			to.restored(file)
			for table, sum := range to.sums() {
				changed := slices.Contains([]string{"audit", "clock", "session", "mail_code", "mail", "pass", "password_reset", "address_change", "pass_request",
					"reminder_round", "notice", "setup", "import_run", "ticket_counter"}, table)
				if (sum == before[table]) == changed {
					t.Errorf("%s: %s was %s and is %s", engine, table, before[table], sum)
				}
			}
		}
	})
}

func TestABackupOpensWithItsKeyAlone(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.person()
	other, err := secret.NewKeys([]byte("another-master-secret-of-32-byte"))
	if err != nil {
		t.Fatal(err)
	}
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	own := s.take()
	var sent bytes.Buffer
	source := s.source()
	source.Recipients = []string{mine.Recipient().String()}
	if _, err := Take(t.Context(), source, &sent); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		keys *secret.Keys
		ids  []age.Identity
		want error
	}{
		"own key":                                {own, s.Keys, nil, nil},
		"own key, another beside it":             {own, s.Keys, []age.Identity{stranger}, nil},
		"another portal's key":                   {own, other, nil, ErrKey},
		"recipient":                              {sent.Bytes(), s.Keys, []age.Identity{mine}, nil},
		"recipient, no key named":                {sent.Bytes(), s.Keys, nil, ErrKey},
		"recipient, a stranger's":                {sent.Bytes(), s.Keys, []age.Identity{stranger}, ErrKey},
		"recipient, but the portal's is another": {sent.Bytes(), other, []age.Identity{mine}, ErrKey},
		"no backup":                              {[]byte("something else"), s.Keys, nil, ErrNotBackup},
		"nothing":                                {nil, s.Keys, nil, ErrNotBackup},
	} {
		if _, err := Open(bytes.NewReader(c.file), c.keys, c.ids); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Who knows the public key alone, and has seen the header of another backup, makes
	// nothing that is restored.
	genuine, err := Open(bytes.NewReader(sent.Bytes()), s.Keys, []age.Identity{mine})
	if err != nil {
		t.Fatal(err)
	}
	var forged bytes.Buffer
	sealed, err := age.Encrypt(&forged, mine.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	o, err := newOut(sealed)
	if err != nil {
		t.Fatal(err)
	}
	all := []error{o.json(frameHeader, genuine.Header)}
	for i := range genuine.Header.Tables {
		all = append(all, o.frame(frameTable, []byte{byte(i)}), o.json(frameEnd, tableEnd{}))
	}
	if err := errors.Join(append(all, o.end(other), sealed.Close())...); err != nil {
		t.Fatal(err)
	}
	to := s.open(engines["sqlite"](t))
	if _, err := to.restore(forged.Bytes(), mine); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "seal") {
		t.Errorf("forged: %v", err)
	}
	if to.hold().What != store.Restoring {
		t.Error("what was forged may be served")
	}
	source.Recipients = []string{"age1nobody"}
	if _, err := Take(t.Context(), source, io.Discard); err == nil {
		t.Error("a recipient that is none was taken")
	}
}

func TestADamagedBackupIsRefusedAndNothingOfItServed(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.filled()
	file := s.take()
	spoilt := map[string][]byte{"more": append(bytes.Clone(file), 'x'), "twice": append(bytes.Clone(file), file...)}
	for i := range 12 {
		spoilt[fmt.Sprintf("cut at %d/12", i)] = file[:len(file)*i/12]
		flipped := bytes.Clone(file)
		flipped[len(file)*i/12] ^= 0x10
		spoilt[fmt.Sprintf("changed at %d/12", i)] = flipped
	}
	for _, short := range []int{1, 16, 17, 64} {
		spoilt[fmt.Sprintf("%d short", short)] = file[:len(file)-short]
	}
	for name, file := range spoilt {
		to := s.open(engines["sqlite"](t))
		_, err := to.restore(file)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotBackup) && !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
		if empty, err := to.DB.Schema(t.Context()); err != nil || !empty && to.hold().What != store.Restoring {
			t.Errorf("%s: it may be served", name)
		}
	}
}

func TestARestoreGoesIntoAnEmptyDatabaseAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		file := s.take()
		before := s.sums()
		for range 2 {
			if _, err := s.restore(file); !errors.Is(err, ErrTarget) {
				t.Errorf("%v", err)
			}
		}
		if fmt.Sprint(s.sums()) != fmt.Sprint(before) {
			t.Error("a refused restore changed something")
		}
	})
}

func TestASchemaBeforeIsBroughtUpAndOneAfterIsRefused(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.person()
	file := s.take()
	steps, err := store.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	next, err := store.NewMigration(len(steps)+1, "later.sql", "-- serves-from: 1\nupdate account set job_title = 'clerk';\n")
	if err != nil {
		t.Fatal(err)
	}
	for engine, place := range engines {
		to := s.open(place(t))
		to.DB = to.DB.Knowing(append(slices.Clone(steps), next))
		to.restored(file)
		if n := to.count(`account where job_title = 'clerk'`); n != 1 {
			t.Errorf("%s: the step after the backup was not applied to its rows", engine)
		}
		if empty, err := to.DB.Schema(t.Context()); empty || err != nil {
			t.Errorf("%s: %v", engine, err)
		}
		older := s.open(place(t))
		older.DB = older.DB.Knowing(steps[:len(steps)-1])
		if _, err := older.restore(file); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "install version v9") {
			t.Errorf("%s: %v", engine, err)
		}
		if empty, err := older.DB.Schema(t.Context()); !empty || err != nil {
			t.Errorf("%s: something was written: %v", engine, err)
		}
	}
}

// A million rows fit as well as a thousand: what is read is written out before more is.
func TestABackupHoldsNoMoreThanSomeRows(t *testing.T) {
	tellEvery = 1
	defer func() { tellEvery = 10_000 }()
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	const rows = 3000
	s.in(func(ctx context.Context, tx *store.Tx) error {
		var args []any
		for range rows { // a thousand characters each that do not pack
			args = append(args, noise(), int64(0))
		}
		return tx.InsertMany(ctx, `insert into allowance (name, full_at) values `, 2, args)
	})
	source := s.source()
	file := &measured{}
	source.Tell = func(n, _ int64) { file.read = n }
	if _, err := Take(t.Context(), source, file); err != nil {
		t.Fatal(err)
	}
	if file.most > 600 || file.read < rows { // gzip, age and a buffer hold 64 KiB each, and what came before is packed with the first
		t.Errorf("%d of %d rows were read between two writes", file.most, file.read)
	}
}

func noise() (text string) {
	for len(text) < 1000 {
		text += secret.Token()
	}
	return text
}

type measured struct{ read, wrote, most int64 }

func (m *measured) Write(b []byte) (int, error) {
	m.most = max(m.most, m.read-m.wrote)
	m.wrote = m.read
	return len(b), nil
}

func TestWhateverARowHoldsComesBack(t *testing.T) {
	row := []any{nil, int64(0), int64(-1), int64(1) << 62, true, false, "", "二段", []byte{}, []byte{0, 255}}
	coded := encode(nil, row)
	if back := decode(coded, len(row)); fmt.Sprintf("%#v", back) != fmt.Sprintf("%#v", row) {
		t.Errorf("%#v", back)
	}
	for i := range coded {
		if decode(coded[:i], len(row)) != nil {
			t.Errorf("cut at %d it is a row", i)
		}
	}
	if decode(append(coded, 0), len(row)) != nil || decode(coded, len(row)+1) != nil || decode([]byte{99}, 1) != nil {
		t.Error("more than a row is a row")
	}
}

// What a disk or a hand changed between writing and reading back is found.
func TestEachRowIsReadBackBeforeTheDatabaseIsServed(t *testing.T) {
	tellEvery = 1
	defer func() { tellEvery = 10_000 }()
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.person()
	s.exec(`insert into answer_template (id, title, text_en, text_ja, saved_at, saved_by) values ('the last row', '', '', '', 1, '')`)
	file := s.take()
	for engine, place := range engines {
		to := s.open(place(t))
		opened, err := Open(bytes.NewReader(file), s.Keys, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = opened.Restore(t.Context(), Target{DB: to.DB, Clock: to.Clock, House: time.UTC, By: console, Place: "portal.nidan",
			Keys: func(context.Context) (*secret.Keys, error) { return s.Keys, nil },
			Write: func(n, of int64) {
				if n == of {
					to.exec(`update organization set name = 'somebody else'`)
				}
			}})
		if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "organization") || to.hold().What != store.Restoring {
			t.Errorf("%s: %v, held: %+v", engine, err, to.hold())
		}
	}
}

// A restore whose terminal was lost goes on by itself; begun again by hand, the first one
// stops, and neither empties what the other has opened.
func TestOfTwoRestoresAtOnceTheLaterOneIsDone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		file := s.take()
		for _, at := range []string{"written", "compared"} {
			if at == "compared" && w.DB.Engine() == store.PostgreSQL {
				continue // the second one waits there until the first has read
			}
			to := s.there(string(w.DB.Engine()))
			target := Target{DB: to.DB, House: time.UTC, Clock: to.Clock, By: console, Place: "a file",
				Keys: func(context.Context) (*secret.Keys, error) { return to.Keys, nil }}
			again, told := sync.Once{}, false
			later := func(here string) func(int64, int64) {
				return func(int64, int64) {
					if here != at {
						return
					}
					again.Do(func() {
						told = true
						to.restored(file)
					})
				}
			}
			target.Write, target.Verify = later("written"), later("compared")
			opened, err := Open(bytes.NewReader(file), to.Keys, nil)
			if err != nil {
				t.Fatal(err)
			}
			tellEvery = 1
			_, err = opened.Restore(t.Context(), target)
			tellEvery = 10_000
			if err == nil || at == "written" && !errors.Is(err, store.ErrTakenOver) || !told {
				t.Errorf("%s: the first one: %v", at, err)
			}
			if to.hold().What != "" || to.count("account") != 1 {
				t.Errorf("%s: held %+v, %d accounts", at, to.hold(), to.count("account"))
			}
			to.intact()
		}
	})
}

func TestATextThatPostgreSQLDoesNotTakeIsNamedByARestore(t *testing.T) {
	for name, text := range map[string]string{"U+0000": "Aozora\x00", "not UTF-8": "Aozora\xff"} {
		t.Run(name, func(t *testing.T) {
			s := stage(t, storetest.Open(t, storetest.SQLite(t)))
			ref := s.person()
			good := s.take()
			s.exec(`update organization set name = $1 where id = $2`, text, ref.Organization)
			file := s.take()
			to := s.open(engines["postgresql"](t))
			_, err := to.restore(file)
			if !errors.Is(err, ErrText) || !strings.Contains(err.Error(), "table organization, column name") || !strings.Contains(err.Error(), ref.Organization) {
				t.Errorf("it says: %v", err)
			}
			if to.hold().What != store.Restoring {
				t.Error("it may be served")
			}
			to.restored(good)
			s.open(engines["sqlite"](t)).restored(file)
		})
	}
}
