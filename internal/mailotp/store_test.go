package mailotp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var suzuki = account.Ref{Organization: "yamada", ID: "suzuki"}

const mailbox = "suzuki@example.jp"

// tried is one typed code: by whom, in which session, at which door, of which mailbox.
type tried struct {
	ref     account.Ref
	session string
	door    Door
	mailbox string
}

var atSignIn = tried{suzuki, "s1", SignIn, mailbox}

func issue(t *testing.T, w storetest.World, at tried) (code string, again time.Time) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		code, again, err = Issue(ctx, tx, w.Keys, at.ref, at.session, at.door, at.mailbox)
		return err
	})
	if err != nil {
		t.Error(err) // not Fatal: also called from goroutines
	}
	return code, again
}

// found is what a typed code met.
type found bool

const (
	Right found = true
	Wrong found = false
)

func spend(t *testing.T, w storetest.World, at tried, code string) (id string, met found) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		id, err = Spend(ctx, tx, w.Keys, at.ref, at.session, at.door, at.mailbox, code)
		if errors.Is(err, store.ErrNone) {
			return nil
		}
		met = err == nil
		return err
	})
	if err != nil {
		t.Error(err) // not Fatal: also called from goroutines
	}
	return id, met
}

// other is a code that differs in its last digit.
func other(code string) string { return code[:Digits-1] + string('0'+(code[Digits-1]-'0'+1)%10) }

func TestARightCodeCountsOnceAndAWrongOneSpendsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		code, _ := issue(t, w, atSignIn)
		for _, wrong := range []string{other(code), "", code[1:], code + "0", " " + code} {
			if id, found := spend(t, w, atSignIn, wrong); found != Wrong || id != "" {
				t.Errorf("%q: %v, %q", wrong, found, id)
			}
		}
		waiting, err := Waiting(t.Context(), w.DB, suzuki, "s1", SignIn)
		if err != nil {
			t.Fatal(err)
		}
		if id, found := spend(t, w, atSignIn, code); found != Right || id != waiting.ID {
			t.Errorf("the right one: %v, %q", found, id)
		}
		if id, found := spend(t, w, atSignIn, code); found != Wrong || id != "" {
			t.Errorf("the right one again: %v, %q", found, id)
		}
	})
}

func TestACodeOpensOnlyWhatItWasMailedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		code, _ := issue(t, w, atSignIn)
		for _, c := range []struct {
			name string
			at   tried
		}{
			{"another session", tried{suzuki, "s2", SignIn, mailbox}},
			{"another door", tried{suzuki, "s1", Confirm, mailbox}},
			{"the mailbox of a changed address", tried{suzuki, "s1", SignIn, "new@example.jp"}},
			{"another account", tried{account.Ref{Organization: "yamada", ID: "tanaka"}, "s1", SignIn, mailbox}},
			{"another organization", tried{account.Ref{Organization: "aoba", ID: "suzuki"}, "s1", SignIn, mailbox}},
		} {
			if _, found := spend(t, w, c.at, code); found != Wrong {
				t.Errorf("%s: %v", c.name, found)
			}
		}
		if _, found := spend(t, w, atSignIn, code); found != Right {
			t.Errorf("what it was mailed for: %v", found)
		}
	})
}

func TestOnlyTheNewestCodeOfADoorCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		first, _ := issue(t, w, atSignIn)
		atConfirm := tried{suzuki, "s1", Confirm, mailbox}
		elsewhere, _ := issue(t, w, atConfirm)
		second, _ := issue(t, w, atSignIn)
		if _, found := spend(t, w, atSignIn, first); found != Wrong {
			t.Errorf("the one before: %v", found)
		}
		if _, found := spend(t, w, atSignIn, second); found != Right {
			t.Errorf("the newest: %v", found)
		}
		if _, found := spend(t, w, atSignIn, first); found != Wrong {
			t.Errorf("the one before, once the newest is spent: %v", found)
		}
		if _, found := spend(t, w, atConfirm, elsewhere); found != Right {
			t.Errorf("that of another door: %v", found)
		}
	})
}

func TestACodeLivesTenMinutesToTheMicrosecond(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		code, _ := issue(t, w, atSignIn)
		w.Clock.Set(storetest.Start.Add(10 * time.Minute))
		if id, found := spend(t, w, atSignIn, code); found != Wrong || id != "" {
			t.Errorf("at its end: %v, %q", found, id)
		}
		if _, found := spend(t, w, atSignIn, other(code)); found != Wrong {
			t.Errorf("a wrong one at its end: %v", found)
		}
		code, _ = issue(t, w, atSignIn)
		w.Clock.Set(storetest.Start.Add(20*time.Minute - time.Microsecond))
		if _, found := spend(t, w, atSignIn, code); found != Right {
			t.Errorf("a moment before its end: %v", found)
		}
	})
}

func TestOfFiftyAtOnceOneSpendsTheCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		code, _ := issue(t, w, atSignIn)
		var right, wrong atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				switch _, found := spend(t, w, atSignIn, code); found {
				case Right:
					right.Add(1)
				case Wrong:
					wrong.Add(1)
				}
			})
		}
		all.Wait()
		if right.Load() != 1 || wrong.Load() != 49 {
			t.Errorf("%d right, %d wrong", right.Load(), wrong.Load())
		}
	})
}

func TestOfManyAskedForAtOnceNoMoreAreMailedThanAllowed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var made atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if code, again := issue(t, w, atSignIn); code != "" {
					made.Add(1)
				} else if again != storetest.Start.Add(time.Hour) {
					t.Errorf("none, and again at %s", again)
				}
			})
		}
		all.Wait()
		if n := made.Load(); n != HourlyOpen {
			t.Errorf("%d codes", n)
		}
	})
}

func TestTheLimitCountsAllDoorsAndSessionsOfAnAccountAndNoOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		for i, door := range []Door{SignIn, Confirm, Setup, Address, Method} {
			if code, _ := issue(t, w, tried{suzuki, string(rune('a' + i)), door, mailbox}); code == "" {
				t.Fatalf("none for %s", door)
			}
		}
		if code, again := issue(t, w, atSignIn); code != "" || again != storetest.Start.Add(time.Hour) {
			t.Errorf("the sixth: %q, again at %s", code, again)
		}
		if code, _ := issue(t, w, tried{account.Ref{Organization: "aoba", ID: "suzuki"}, "s9", SignIn, mailbox}); code == "" {
			t.Error("another organization's account of that id waits as well")
		}
		w.Clock.Set(storetest.Start.Add(time.Hour))
		if code, _ := issue(t, w, atSignIn); code == "" {
			t.Error("none after the hour")
		}
	})
}

func TestARightAnswerMakesRoomForTheNextMail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		for range DailyAll {
			code, again := issue(t, w, atSignIn)
			if code == "" {
				t.Fatalf("none before %s", again)
			}
			if _, found := spend(t, w, atSignIn, code); found != Right {
				t.Fatal(found)
			}
		}
		if code, again := issue(t, w, atSignIn); code != "" || again != storetest.Start.Add(24*time.Hour) {
			t.Errorf("the 41st in a day: %q, again at %s", code, again)
		}
	})
}

func TestACodeThatWasNotMadeLeavesTheOlderOneAlive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var code string
		for range HourlyOpen {
			code, _ = issue(t, w, atSignIn)
		}
		if none, _ := issue(t, w, atSignIn); none != "" {
			t.Fatal("one too many was made")
		}
		if _, found := spend(t, w, atSignIn, code); found != Right {
			t.Errorf("the last that was mailed: %v", found)
		}
	})
}

func TestACodeKeepsItsLeadingZeros(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		issue(t, w, atSignIn)
		waiting, err := Waiting(t.Context(), w.DB, suzuki, "s1", SignIn)
		if err != nil {
			t.Fatal(err)
		}
		const code = "00000042"
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update mail_code set digest = $1 where id = $2`, digest(w.Keys, suzuki, "s1", SignIn, code), waiting.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, short := range []string{"42", "0000042", "000000042"} {
			if _, found := spend(t, w, atSignIn, short); found != Wrong {
				t.Errorf("%q: %v", short, found)
			}
		}
		if _, found := spend(t, w, atSignIn, code); found != Right {
			t.Errorf("%q: %v", code, found)
		}
	})
}

func TestTheDatabaseHoldsNoCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		code, _ := issue(t, w, atSignIn)
		if len(code) != Digits || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("%q", code)
		}
		var id string
		var kept []byte
		if err := w.DB.QueryRow(t.Context(), `select id, digest from mail_code`).Scan(&id, &kept); err != nil {
			t.Fatal(err)
		}
		// A plain hash of 10^8 codes would be a table of them: the digest has a key.
		plain := sha256.Sum256([]byte(code))
		if bytes.Contains(kept, []byte(code)) || bytes.Equal(kept, plain[:]) || bytes.Equal(kept, digest(w.Keys, suzuki, "another session", SignIn, code)) {
			t.Errorf("kept as %x", kept)
		}
	})
}

func TestEnrollingAgainChangesNothingAndRemovingForgets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		enroll := func() (first bool) {
			err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				first, err = Enroll(ctx, tx, suzuki)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return first
		}
		if !enroll() || enroll() {
			t.Error("the first time is not the first, or the second is")
		}
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Remove(ctx, tx, suzuki) })
		if err != nil {
			t.Fatal(err)
		}
		if !enroll() {
			t.Error("removed, and still there")
		}
	})
}

func TestNoCodeMailedToAnAddressOutlivesIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		colleague := tried{account.Ref{Organization: "yamada", ID: "mori"}, "s2", SignIn, "mori@example.jp"}
		code, _ := issue(t, w, atSignIn)
		theirs, _ := issue(t, w, colleague)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return End(ctx, tx, suzuki) })
		if err != nil {
			t.Fatal(err)
		}
		if _, met := spend(t, w, atSignIn, code); met != Wrong {
			t.Error("it is accepted")
		}
		if _, met := spend(t, w, colleague, theirs); met != Right {
			t.Error("a colleague's is dead too")
		}
	})
}
