package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"nidan/internal/keyring"
	"nidan/internal/keyring/keyringtest"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func prepared(t *testing.T, w storetest.World, n int) (ready []Ready) {
	t.Helper()
	for i := range n {
		r, err := Prepare(w.Keys, Letter{Organization: "yamada", Holder: fmt.Sprint("h", i), Lane: Bulk, Kind: Reminder, To: fmt.Sprintf("h%d@example.jp", i),
			Language: phrase.Japanese, Subject: "期限", Mark: fmt.Sprint("t", i, ".x"), Text: fmt.Sprintf("One & %d\n\nTwo", i), Expires: storetest.Start.Add(time.Hour)}, storetest.Start)
		if err != nil {
			t.Fatal(err)
		}
		ready = append(ready, r)
	}
	return ready
}

func queueAll(t *testing.T, w storetest.World, ready []Ready) {
	t.Helper()
	if err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return QueueAll(ctx, tx, ready) }); err != nil {
		t.Fatal(err)
	}
}

type mailingTaker struct{ mails []Message }

func (k *mailingTaker) Send(_ context.Context, m Message) error {
	k.mails = append(k.mails, m)
	return nil
}

func TestAMailingOfAnySizeIsSentAsEachLetterWouldBe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		const n = 2*many + 3
		queueAll(t, w, prepared(t, w, n))
		k := &mailingTaker{}
		if err := NewPost(w.DB, w.Keys, w.Clock, k, "portal@portal.example", slog.New(slog.DiscardHandler)).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(k.mails) != n {
			t.Fatalf("%d sent", len(k.mails))
		}
		seen := map[string]bool{}
		for _, m := range k.mails {
			seen[m.To] = true
			if !strings.HasPrefix(m.MessageID, m.ID+".t") || !strings.HasSuffix(m.MessageID, ".x@portal.example") {
				t.Errorf("a Message-ID without its mark: %q", m.MessageID)
			}
			if m.HTML != page(phrase.Japanese, m.Subject, m.Text) || m.Text[:6] != "One & " {
				t.Errorf("%q\n%q", m.Text, m.HTML)
			}
		}
		if len(seen) != n {
			t.Errorf("%d people", len(seen))
		}
	})
}

func TestWhatWaitsIsCancelledAndWhatIsInHandIsNotTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ready := prepared(t, w, 3)
		queueAll(t, w, ready)
		var held taken
		write := func(do func(ctx context.Context, tx *store.Tx) error) {
			t.Helper()
			if err := w.DB.Write(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		write(func(ctx context.Context, tx *store.Tx) error {
			list, err := take(ctx, tx, []string{ready[0].ID}, tx.Now().Add(time.Minute))
			held = list[0]
			return err
		})
		write(func(ctx context.Context, tx *store.Tx) error {
			for i, want := range []int64{1, 1} {
				if n, err := Cancel(ctx, tx, "yamada", fmt.Sprint("h", i), Reminder); err != nil || n != want {
					t.Errorf("%d cancelled: %v", n, err)
				}
			}
			if n, err := Cancel(ctx, tx, "other", "h2", Reminder); err != nil || n != 0 {
				t.Errorf("of another organization: %d %v", n, err)
			}
			if n, err := Cancel(ctx, tx, "yamada", "h2", "code"); err != nil || n != 0 {
				t.Errorf("of another kind: %d %v", n, err)
			}
			return nil
		})
		write(func(ctx context.Context, tx *store.Tx) error { // the try fails: another would be due in a while
			ok, err := settle(ctx, tx, []settled{{held, fate{end: again, due: tx.Now()}}})
			if !ok[held.id] {
				t.Error("the lease was lost")
			}
			return err
		})
		k := &mailingTaker{}
		if err := NewPost(w.DB, w.Keys, w.Clock, k, "portal@portal.example", slog.New(slog.DiscardHandler)).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(k.mails) != 1 || k.mails[0].To != "h2@example.jp" {
			t.Errorf("sent %v", k.mails)
		}
	})
}

// A process was stopped between sealing and queueing, while somebody retired the key at another node.
func TestLettersWhoseKeyIsRetiredMeanwhileAreNotQueued(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		letters := prepared(t, w, 3)
		keyringtest.Second(t, w)
		queueAll(t, w, letters[:1]) // it still opens, and `key rotate` seals it anew
		keyringtest.Retire(t, w)
		refused := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, keyring.ErrRetired) || !strings.Contains(err.Error(), "key 1") {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("letters", w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return QueueAll(ctx, tx, letters[1:]) }))
		refused("a demo's mail", NewCatch(w.DB, w.Keys).Send(t.Context(), Message{ID: "m", To: "a@example.jp", Language: phrase.English, At: storetest.Start}))
		if _, err := keyring.Follow(t.Context(), w.DB, w.Keys, ""); err != nil {
			t.Fatal(err)
		}
		mixed := append(prepared(t, w, 2), letters[2])
		refused("one of them", w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return QueueAll(ctx, tx, mixed) }))
		queueAll(t, w, mixed[:2])
		queueAll(t, w, nil)
		var one, two int
		if err := w.DB.QueryRow(t.Context(), `select count(case when substr(body, 1, 1) = $1 then 1 end), count(case when substr(body, 1, 1) = $2 then 1 end) from mail`,
			[]byte{1}, []byte{2}).Scan(&one, &two); err != nil || one != 1 || two != 2 {
			t.Errorf("%d of key 1, %d of key 2, %v", one, two, err)
		}
	})
}
