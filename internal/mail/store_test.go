package mail

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

const theCode = "48151623"

func letter(lane Lane, to string) Letter {
	l := Letter{Organization: "o1", Holder: "h1", Lane: lane, Kind: "notice", To: to, Language: phrase.English,
		Subject: "About your account", Text: "Something happened.\n\nNobody needs to do anything."}
	if lane == Code {
		l.Kind, l.Subject, l.Text = "code", "Your verification code", "Your code is "+theCode+"."
		l.Expires = storetest.Start.Add(10 * time.Minute)
	}
	return l
}

func queue(t *testing.T, w storetest.World, letters ...Letter) {
	t.Helper()
	err := w.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, l := range letters {
			if err := Queue(ctx, tx, w.Keys, l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// row is what the outbox keeps of a letter.
type row struct {
	id                               string
	body                             []byte
	due, sentAt, droppedAt, parkedAt store.Instant
	tries                            int
	failure                          string
}

func (r row) waits() bool { return r.sentAt.IsZero() && r.droppedAt.IsZero() && r.parkedAt.IsZero() }

// only reads the one letter that is in the outbox.
func only(t *testing.T, w storetest.World) row {
	t.Helper()
	var r row
	err := w.DB.QueryRow(context.Background(), `
		select id, body, due_at, sent_at, dropped_at, parked_at, tries, coalesce(failure, '') from mail`).
		Scan(&r.id, &r.body, &r.due, &r.sentAt, &r.droppedAt, &r.parkedAt, &r.tries, &r.failure)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func count(t *testing.T, w storetest.World, condition string) (n int) {
	t.Helper()
	if err := w.DB.QueryRow(context.Background(), `select count(*) from mail where `+condition).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestALetterIsThereExactlyIfItsDeedWasDone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		undone := errors.New("undone")
		err := w.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			if err := Queue(ctx, tx, w.Keys, letter(Notice, "hanako@example.com")); err != nil {
				t.Fatal(err)
			}
			return undone
		})
		if !errors.Is(err, undone) || count(t, w, "true") != 0 {
			t.Fatalf("%v, %d letters of a deed that was not done", err, count(t, w, "true"))
		}
		queue(t, w, letter(Notice, "hanako@example.com"))
		if count(t, w, "true") != 1 {
			t.Fatal("no letter of a deed that was done")
		}
	})
}

func TestAMistakenLetterIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		for name, spoil := range map[string]func(*Letter){
			"two recipients":          func(l *Letter) { l.To = "a@example.com, b@example.com" },
			"header in the address":   func(l *Letter) { l.To = "a@example.com\r\nBcc: b@example.com" },
			"no text":                 func(l *Letter) { l.Text = "" },
			"no expiry":               func(l *Letter) { l.Lane, l.Expires = Code, time.Time{} },
			"a mark that is a header": func(l *Letter) { l.Mark = "t1>\r\nBcc: <b@example.com" },
			"a mark without end":      func(l *Letter) { l.Mark = strings.Repeat("x", longMark+1) },
			"no such lane":            func(l *Letter) { l.Lane = "express" },
		} {
			l := letter(Notice, "hanako@example.com")
			spoil(&l)
			err := w.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				return Queue(ctx, tx, w.Keys, l)
			})
			if err == nil || strings.Contains(err.Error(), "example.com") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestTheDatabaseFileHoldsNoCode(t *testing.T) {
	path := t.TempDir() + "/nidan.db"
	w := storetest.Open(t, path)
	look := func(when string) {
		for _, file := range []string{path, path + "-wal"} {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte(theCode)) {
				t.Errorf("%s: the code stands readable in %s", when, file)
			}
		}
	}
	queue(t, w, letter(Code, "hanako@example.com"))
	look("queued")
	if err := post(w, NewCatch(w.DB, w.Keys)).Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	look("caught")
	mails, err := Caught(context.Background(), w.DB, w.Keys)
	if err != nil || len(mails) != 1 || !strings.Contains(mails[0].Text, theCode) {
		t.Errorf("the mailbox: %+v %v", mails, err)
	}
}

func TestParkedLettersGoOutAfterRetry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ctx := context.Background()
		old := letter(Notice, "old@example.com")
		old.Expires = storetest.Start.Add(time.Minute)
		queue(t, w, letter(Notice, "hanako@example.com"), letter(Code, "taro@example.com"), old)
		relay := &outside{answer: func(Message) error { return refusal(550) }}
		p := post(w, relay)
		must(t, p.Drain(ctx))
		if n := count(t, w, "parked_at is not null"); n != 3 {
			t.Fatalf("%d parked, want 3", n)
		}
		if n := count(t, w, "lane = 'code' and body is not null"); n != 0 {
			t.Error("a parked code keeps its body")
		}
		w.Clock.Set(storetest.Start.Add(time.Hour))
		relay.answer = nil
		var n int64
		must(t, w.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = Retry(ctx, tx)
			return err
		}))
		must(t, p.Drain(ctx))
		if got := relay.to(); n != 1 || len(got) != 4 || got[3] != "hanako@example.com" {
			t.Errorf("%d given another round, tried: %v", n, got)
		}
		if n := count(t, w, "sent_at is not null"); n != 1 {
			t.Errorf("%d sent, want 1", n)
		}
	})
}

func TestOldDeliveryDataIsForgottenAndWhatWaitsIsNot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ctx := context.Background()
		queue(t, w, letter(Notice, "sent@example.com"))
		must(t, post(w, &outside{}).Drain(ctx))
		queue(t, w, letter(Notice, "waits@example.com"))
		w.Clock.Set(storetest.Start.Add(time.Hour))
		queue(t, w, letter(Notice, "new@example.com"))
		var n int64
		must(t, w.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = Forget(ctx, tx, storetest.Start.Add(time.Minute))
			return err
		}))
		if n != 1 || count(t, w, "recipient = 'sent@example.com'") != 0 || count(t, w, "true") != 2 {
			t.Errorf("%d forgotten, %d left", n, count(t, w, "true"))
		}
	})
}
