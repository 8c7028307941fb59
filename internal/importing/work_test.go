package importing

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"nidan/internal/audit"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// uploads puts a file where an upload leaves it, in pieces, and answers its run.
func (s *scene) uploads(text string) (id string) {
	s.t.Helper()
	sum := sha256.Sum256([]byte(text))
	run := Run{ID: secret.ID(), Digest: sum[:], Name: "people.csv", Bytes: int64(len(text)), State: Checking, By: "olga"}
	s.in(func(ctx context.Context, tx *store.Tx) error {
		half := len(text) / 2
		return errors.Join(add(ctx, tx, run, true), keepChunk(ctx, tx, s.Keys, run.ID, 0, []byte(text[:half])), keepChunk(ctx, tx, s.Keys, run.ID, 1, []byte(text[half:])))
	})
	return run.ID
}

func (s *scene) run(id string) Run {
	s.t.Helper()
	run, err := find(s.t.Context(), s.DB, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}

func (s *scene) work(d *Desk) {
	s.t.Helper()
	if err := d.Work(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func TestAnUploadedImportIsGoneOnWithByAnotherNode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		id := s.uploads(header + ",password_hash,period_end\n" + strings.Join(many(batchMost+100), "\n") + "\nAozora,nobody,N,1,general_user,,en,UTC,,\n")
		// a node that takes it and dies: nobody has it until the lease has run out
		dies := func(state State) {
			s.in(func(ctx context.Context, tx *store.Tx) error { _, err := take(ctx, tx, id, state); return err })
			s.work(s.desk)
			if run := s.run(id); run.State != state {
				t.Fatalf("it is %s, and another node has it", run.State)
			}
			s.Clock.Set(s.Clock.Now().Add(leaseFor))
		}
		dies(Checking)
		s.work(s.desk)
		if run := s.run(id); run.State != Checked || run.Tally.Added != batchMost+100 || run.Tally.Refused != 1 || len(s.lines(id)) != 1 {
			t.Fatalf("%+v", run)
		}
		s.counts(map[string]int64{"account": 0})
		confirm := func() error {
			return s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return move(ctx, tx, id, Checked, Importing) })
		}
		if err := confirm(); err != nil {
			t.Fatal(err)
		}
		if err := confirm(); !errors.Is(err, store.ErrNone) {
			t.Errorf("confirmed twice: %v", err)
		}
		dies(Importing)
		s.work(s.node())
		s.work(s.desk)
		if run := s.run(id); run.State != Finished || run.Tally.Added != batchMost+100 || run.Tally.Rows != batchMost+101 {
			t.Errorf("%+v", run)
		}
		s.counts(map[string]int64{"account": batchMost + 100, "import_chunk": 0, "import_row": 1})
		if report, err := audit.Verify(t.Context(), s.DB, s.Keys, nil); err != nil || len(report.Broken) != 0 {
			t.Errorf("%v, %v", report.Broken, err)
		}
	})
}

func TestAnUploadThatIsNoUseFailsAndOneThatNodesDieByIsGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		broken := s.uploads(header + "\n" + strings.Repeat("x", 2*lineMost))
		s.work(s.desk)
		if run := s.run(broken); run.State != Failed || run.Failed().Phrase != "importing.line_long" {
			t.Errorf("%+v", run)
		}
		deadly := s.uploads(header + "\n")
		for range triesMost {
			s.in(func(ctx context.Context, tx *store.Tx) error { _, err := take(ctx, tx, deadly, Checking); return err })
			s.Clock.Set(s.Clock.Now().Add(leaseFor))
		}
		s.work(s.desk)
		if run := s.run(deadly); run.State != Failed || run.Failed().Phrase != "importing.gave_up" {
			t.Errorf("%+v", run)
		}
		s.counts(map[string]int64{"import_chunk": 0})
	})
}

func TestAnUploadedFileIsSealedAndForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		text := header + ",password_hash,period_end\n" + someone("Aozora", "a@aozora.example") + "\n"
		id := s.uploads(text)
		if n := s.number(`select count(*) from import_chunk where piece = $1`, []byte(text[:len(text)/2])); n != 0 {
			t.Error("it stands in clear")
		}
		s.work(s.desk)
		forget := func() {
			s.in(func(ctx context.Context, tx *store.Tx) error { _, err := Forget(ctx, tx); return err })
		}
		forget()
		s.counts(map[string]int64{"import_chunk": 2})
		s.Clock.Set(s.Clock.Now().Add(keptUnwatched + time.Second))
		forget()
		if run := s.run(id); run.State != Discarded {
			t.Errorf("%s", run.State)
		}
		s.counts(map[string]int64{"import_chunk": 0, "import_run": 1})
		s.Clock.Set(s.Clock.Now().Add(kept + time.Second))
		forget()
		s.counts(map[string]int64{"import_run": 0})
	})
}

func TestAnUploadedFileIsImportedAfterAChangeOfKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		s := open(t, w)
		id := s.uploads(header + ",password_hash,period_end\n" + someone("Aozora", "a@aozora.example") + "\n")
		for step := range 2 { // the second finds nothing to do
			if err := w.Keys.Adopt(2, nil, nil); err != nil {
				t.Fatal(err)
			}
			done, err := Sealed().Reseal(t.Context(), w.DB, w.Keys, nil)
			if err != nil || done.Stuck != 0 || (done.Sealed > 0) != (step == 0) {
				t.Fatalf("%+v, %v", done, err)
			}
		}
		if err := w.Keys.Adopt(2, nil, []byte{1}); err != nil {
			t.Fatal(err)
		}
		s.work(s.desk)
		if run := s.run(id); run.State != Checked || run.Tally.Rows != 1 {
			t.Errorf("%+v", run)
		}
	})
}
