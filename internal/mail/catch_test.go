package mail

import (
	"context"
	"fmt"
	"testing"
	"time"

	"nidan/internal/store/storetest"
)

func TestTheMailboxOfADemo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ctx := context.Background()
		c := NewCatch(w.DB, w.Keys)
		for i := range 205 {
			m := Message{ID: fmt.Sprintf("id%03d", i), To: fmt.Sprintf("person%d@example.com", i), Subject: "件名",
				Text: "text\n", HTML: page("", "件名", "text\n"), At: storetest.Start.Add(time.Duration(i) * time.Second)}
			must(t, c.Send(ctx, m))
			must(t, c.Send(ctx, m)) // tried again
		}
		mails, err := Caught(ctx, w.DB, w.Keys)
		must(t, err)
		if len(mails) != 200 {
			t.Fatalf("%d mails, want the newest 200", len(mails))
		}
		want := CaughtMail{"person204@example.com", "件名", "text\n", page("", "件名", "text\n"), storetest.Start.Add(204 * time.Second)}
		if mails[0] != want {
			t.Errorf("first is %+v", mails[0])
		}
	})
}

func TestBothHaveSentOrTheLetterIsTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ctx := context.Background()
		relay := &outside{answer: func(Message) error { return refusal(451) }}
		p := post(w, Both(NewCatch(w.DB, w.Keys), relay))
		queue(t, w, letter(Notice, "hanako@example.com"))
		must(t, p.Drain(ctx))
		if !only(t, w).waits() {
			t.Error("settled though the relay had refused")
		}
		relay.answer = nil
		w.Clock.Set(storetest.Start.Add(time.Minute))
		must(t, p.Drain(ctx))
		mails, err := Caught(ctx, w.DB, w.Keys)
		must(t, err)
		if len(mails) != 1 || len(relay.to()) != 2 || only(t, w).sentAt.IsZero() {
			t.Errorf("%d caught, %d tries at the relay", len(mails), len(relay.to()))
		}
	})
}
