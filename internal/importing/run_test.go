package importing

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/keyring/keyringtest"
	"nidan/internal/limit"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAnImportWritesWhatItsDryRunSaysAndNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := operator.Add(ctx, tx, operator.Operator{Email: "olga@portal.example", Name: "Olga", Language: "en", Zone: "UTC"}, "test")
			if err != nil {
				return err
			}
			o, err := organization.Add(ctx, tx, "Closed")
			if err == nil {
				err = organization.Suspend(ctx, tx, o.ID, "test")
			}
			return err
		})
		f := s.file(someone("Aozora", "a@aozora.example"), someone(" ＡＯＺＯＲＡ ", "b@aozora.example"),
			"Aozora,c@aozora.example,Jiro,1,portal_admin,mailotp,ja,Asia/Tokyo,,", // gets a guide
			someone("Brennhof", "d@brennhof.example")+"2018-05-31T15:00:00Z",
			someone("Brennhof", "e@brennhof.example")+"2018-04-01T00:00:00Z",
			someone("Aozora", "A@ＡＯＺＯＲＡ.example"), someone("Aozora", "olga@portal.example"), someone("Closed", "f@closed.example"))
		var said []Line
		dry, _, err := s.desk.Check(t.Context(), f, Options{}, func(l Line) error { said = append(said, l); return nil }, quiet)
		if err != nil {
			t.Fatal(err)
		}
		s.counts(map[string]int64{"account": 0, "import_run": 0, "organization": 1, "audit": 0})
		result := s.bring(f)
		if got := result.Run.Tally; got.Added != 4 || got.Refused != 4 || got.Guides != 1 || got.Extended != 1 || got.Requests != 1 || got.Organizations != 2 ||
			dry.Added != got.Added || dry.Guides != got.Guides || dry.Organizations != got.Organizations || len(got.Of) != 3 {
			t.Errorf("%+v\ndry run: %+v", got, dry)
		}
		lines := s.lines(result.Run.ID)
		for i, want := range []string{"period_early", "twice", "operator", "suspended"} {
			if lines[i].Why.Phrase != "importing.why_"+want || lines[i].Line != int64(i+6) || said[i].Why.Phrase != lines[i].Why.Phrase {
				t.Errorf("line %d: %+v, dry run %+v", lines[i].Line, lines[i], said[i])
			}
		}
		s.counts(map[string]int64{"account": 4, "address": 5, "organization": 3, "pass where kind = 'guide' and expires_at > created_at": 1, "extension": 1,
			"mail where lane = 'bulk' and kind = 'starting-guide' and expires_at is not null": 1, "mail": 1,
			"account where method = 'totp'": 4, "account where imported_at is not null": 3, "password where hash = '' and sealed is not null and first_at > 0": 3,
			"audit where act = 'organization:accounts:imported'": 2, "audit where act = 'organization:name:added'": 2, "audit where chain = 'operators'": 2})
		if s.woke == 0 {
			t.Error("nobody was told that a letter waits")
		}
		report, err := audit.Verify(t.Context(), s.DB, s.Keys, nil)
		if err != nil || len(report.Broken) != 0 {
			t.Errorf("%v, %v", report.Broken, err)
		}
		if found, err := progress.Recount(t.Context(), s.DB, false, nil); err != nil || found.Different != 0 || found.People != 4 {
			t.Errorf("recount: %+v, %v", found, err)
		}
	})
}

func TestAnImportedPasswordGivesGraceAndAStartingGuideNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		gone := account.Account{EmailKey: "gone@aozora.example", Ref: account.Ref{Organization: "o", ID: "before"}}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			return rollout.FinishGrace(ctx, tx, s.Keys, gone, "deleted", "test")
		})
		s.bring(s.file(someone("Aozora", "a@aozora.example"), "Aozora,guide@aozora.example,Jiro,1,general_user,,ja,Asia/Tokyo,,", someone("Aozora", "gone@aozora.example")))
		book, err := rollout.ReadBook(t.Context(), s.DB)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Set(s.Clock.Now().AddDate(0, 0, 1))
		ref, err := account.Holder(t.Context(), s.DB, "guide@aozora.example")
		if err != nil {
			t.Fatal(err)
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			return password.Set(ctx, tx, ref, "$argon2id$own", password.Changed)
		})
		grace := map[string]bool{}
		if err := rollout.EachOpen(t.Context(), s.DB, func(o rollout.Open) error {
			_, grace[o.Email] = rollout.For(book.Of(o.Organization), o.Claim)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(grace) != 3 || !grace["a@aozora.example"] || grace["guide@aozora.example"] || grace["gone@aozora.example"] {
			t.Errorf("grace: %v", grace)
		}
		_, kept, _, err := password.Lookup(t.Context(), s.DB, s.Keys, "a@aozora.example", s.Clock.Now(), [4]limit.Key{})
		if err != nil || kept.Hash != ssha || !kept.Foreign() {
			t.Errorf("%+v, %v", kept, err)
		}
	})
}

func TestTheSameFileAgainChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		f := s.file(many(batchMost + 10)...)
		s.bring(f)
		before := s.number(`select count(*) from audit`)
		again := s.bring(f)
		if got := again.Run.Tally; got.Added != 0 || got.There != batchMost+10 || again.Resumed {
			t.Errorf("%+v, resumed %t", got, again.Resumed)
		}
		s.counts(map[string]int64{"account": batchMost + 10, "organization": 3, "audit": before + 2}) // begun, ended
		// one that differs is told of, and stays as it is
		differs := s.bring(s.file(strings.Replace(someone("Organization 0", "p0@aozora.example"), "03-1234", "03-9999", 1)))
		if lines := s.lines(differs.Run.ID); len(lines) != 1 || lines[0].Outcome != "differs" || s.number(`select count(*) from account where phone = '031234'`) != batchMost+10 {
			t.Errorf("%+v", lines)
		}
	})
}

// The file of the first import is imported again after somebody in it has got another
// address: the old address comes back as a stranger's, with the old password, and must
// not open anything by that alone.
func TestTheSameFileAgainGivesNoGraceToAnAddressThatSomebodyHasLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		f := s.file(someone("Aozora", "left@aozora.example"), someone("Aozora", "back@aozora.example"),
			someone("Aozora", "one@aozora.example"), someone("Aozora", "two@aozora.example"))
		s.bring(f)
		moves := func(from, to string) {
			s.in(func(ctx context.Context, tx *store.Tx) error {
				ref, err := account.Holder(ctx, tx, from)
				if err != nil {
					return err
				}
				if err := rollout.CarryGrace(ctx, tx, ref, account.AddressDigest(s.Keys, from), account.AddressDigest(s.Keys, to)); err != nil {
					return err
				}
				return account.Move(ctx, tx, s.Keys, ref, to)
			})
		}
		moves("left@aozora.example", "new@aozora.example")
		moves("back@aozora.example", "elsewhere@aozora.example")
		moves("elsewhere@aozora.example", "back@aozora.example") // it was mistyped: nothing is lost by it
		moves("one@aozora.example", "third@aozora.example")      // two had each other's
		moves("two@aozora.example", "one@aozora.example")
		moves("third@aozora.example", "two@aozora.example")
		s.bring(f)
		book, err := rollout.ReadBook(t.Context(), s.DB)
		if err != nil {
			t.Fatal(err)
		}
		grace := map[string]bool{}
		if err := rollout.EachOpen(t.Context(), s.DB, func(o rollout.Open) error {
			_, grace[o.Email] = rollout.For(book.Of(o.Organization), o.Claim)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(grace) != 5 || grace["left@aozora.example"] || !grace["one@aozora.example"] || !grace["two@aozora.example"] || !grace["new@aozora.example"] || !grace["back@aozora.example"] {
			t.Errorf("grace: %v", grace)
		}
	})
}

// errKilled ends an import as a power cut does: nothing is released.
var errKilled = errors.New("killed")

func TestAnImportThatWasKilledGoesOnWhereItEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		const people = 2*batchMost + 500
		f := s.file(many(people)...)
		func() {
			defer func() {
				if recover() != errKilled {
					t.Error("it was not killed")
				}
			}()
			_, _ = s.desk.Import(t.Context(), f, Options{}, console, func(t Tally, _ float64) {
				if t.Rows >= 2*batchMost {
					panic(errKilled)
				}
			})
		}()
		s.counts(map[string]int64{"account": 2 * batchMost})
		// while its lease lasts, it is nobody else's
		if _, err := s.desk.Import(t.Context(), f, Options{}, console, quiet); fault.Of(err) != errBusy {
			t.Errorf("%v", err)
		}
		s.Clock.Set(s.Clock.Now().Add(leaseFor))
		result := s.bring(f)
		if got := result.Run.Tally; !result.Resumed || got.Rows != people || got.Added != people || got.There != 0 || got.Refused != 0 {
			t.Errorf("%+v, resumed %t", got, result.Resumed)
		}
		s.counts(map[string]int64{"account": people, "address": people, "progress_person": people, "organization": 3, "import_run": 1,
			"audit where act = 'organization:accounts:imported'": 9})
		if found, err := progress.Recount(t.Context(), s.DB, false, nil); err != nil || found.Different != 0 {
			t.Errorf("recount: %+v, %v", found, err)
		}
	})
}

func TestWhoeverInterruptsAnImportGivesItBackAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		f := s.file(many(2 * batchMost)...)
		ctx, stop := context.WithCancel(t.Context())
		_, err := s.desk.Import(ctx, f, Options{}, console, func(Tally, float64) { stop() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if result := s.bring(f); !result.Resumed || result.Run.Tally.Added != 2*batchMost {
			t.Errorf("%+v", result)
		}
		s.counts(map[string]int64{"account": 2 * batchMost})
	})
}

func TestOfTwoConsolesWithOneFileOneImports(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		f := s.file(many(2 * batchMost)...)
		var errs [2]error
		var all sync.WaitGroup
		for i := range errs {
			desk := s.node()
			all.Go(func() { _, errs[i] = desk.Import(t.Context(), f, Options{}, console, quiet) })
		}
		all.Wait()
		for _, err := range errs {
			if err != nil && fault.Of(err) != errBusy {
				t.Errorf("%v", err)
			}
		}
		s.counts(map[string]int64{"account": 2 * batchMost, "organization": 3})
	})
}

func TestTwoFilesWithTheSamePeopleAtOnceAddEachOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		rows := many(batchMost + 200)
		files := [2]*File{s.file(rows...), s.file(append(rows[100:], rows[:50]...)...)}
		var results [2]Result
		var all sync.WaitGroup
		for i := range files {
			desk := s.node()
			all.Go(func() {
				var err error
				if results[i], err = desk.Import(t.Context(), files[i], Options{}, console, quiet); err != nil {
					t.Errorf("%v", err)
				}
			})
		}
		all.Wait()
		if n := results[0].Run.Tally.Added + results[1].Run.Tally.Added; n != batchMost+200 {
			t.Errorf("added %d", n)
		}
		s.counts(map[string]int64{"account": batchMost + 200, "organization": 3})
	})
}

func TestAFileThatEndsInALongLineSaysSoAndIsNotWaitedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		f := s.file(someone("Aozora", "a@aozora.example"), strings.Repeat("x", 2*lineMost))
		result, err := s.desk.Import(t.Context(), f, Options{}, console, quiet)
		if fault.Of(err) == nil || result.Run.Failed().Phrase != "importing.line_long" || result.Run.Failed().Args[1] != "3" {
			t.Errorf("%v, %+v", err, result.Run.Failed())
		}
		s.counts(map[string]int64{"account": 1, "import_run where state = 'failed' and finished_at is not null": 1})
	})
}

func TestNoHashOfAnotherSystemStandsInClear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.bring(s.file(someone("Aozora", "a@aozora.example")))
		s.counts(map[string]int64{"password where sealed is not null": 1, "password where hash <> ''": 0, "audit where detail like '%SSHA%'": 0,
			"import_run where tally like '%SSHA%' or options like '%SSHA%'": 0})
		if n := s.number(`select count(*) from password where sealed = $1`, []byte(ssha)); n != 0 {
			t.Error("it is not sealed")
		}
	})
}

// A batch was sealed, and its process stopped, while somebody retired the key at another node: what it writes opens.
func TestABatchWhoseKeyIsRetiredMeanwhileIsSealedAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		s := open(t, w)
		keyringtest.Second(t, w)
		keyringtest.Retire(t, w)
		if w.Keys.Seals() != 1 {
			t.Fatal("this process knows already")
		}
		s.bring(s.file(someone("Aozora", "a@aozora.example"), strings.ReplaceAll(someone("Aozora", "b@aozora.example"), ssha, "")))
		for _, text := range []string{`select count(*) from password where substr(sealed, 1, 1) = $1`, `select count(*) from mail where substr(body, 1, 1) = $1`} {
			if one, two := s.number(text, []byte{1}), s.number(text, []byte{2}); one != 0 || two != 1 {
				t.Errorf("%s: %d with key 1, %d with key 2", text, one, two)
			}
		}
	})
}
