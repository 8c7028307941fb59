package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// outside is a next hop whose answers a test decides.
type outside struct {
	answer func(m Message) error

	mu  sync.Mutex
	got []Message
}

func (o *outside) Send(_ context.Context, m Message) error {
	o.mu.Lock()
	o.got = append(o.got, m)
	o.mu.Unlock()
	if o.answer != nil {
		return o.answer(m)
	}
	return nil
}

func (o *outside) messages() []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Message(nil), o.got...)
}

func (o *outside) to() (list []string) {
	for _, m := range o.messages() {
		list = append(list, m.To)
	}
	return list
}

func refusal(code int) error {
	return failed(stepRcpt, &textproto.Error{Code: code, Msg: "said the relay"})
}

func post(w storetest.World, s Sender) *Post {
	p := NewPost(w.DB, w.Keys, w.Clock, s, "Nidan <portal@example.com>", slog.New(slog.NewTextHandler(io.Discard, nil)))
	p.Pace(0)
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestASentLetterForgetsItsBody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Code, "hanako@example.com"))
		before := only(t, w)
		relay := &outside{}
		must(t, post(w, relay).Drain(context.Background()))
		after, got := only(t, w), relay.messages()
		if len(before.body) == 0 || after.body != nil || !after.sentAt.Equal(storetest.Start) || after.tries != 1 {
			t.Errorf("before %+v, after %+v", before, after)
		}
		if len(got) != 1 || got[0].To != "hanako@example.com" || !strings.Contains(got[0].Text, theCode) ||
			!strings.Contains(got[0].HTML, `<html lang="en">`) || got[0].MessageID != before.id+"@example.com" ||
			!got[0].At.Equal(storetest.Start) || got[0].From != "Nidan <portal@example.com>" {
			t.Errorf("sent %+v", got)
		}
	})
}

func TestAnExpiredCodeIsDroppedAndNeverSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Code, "hanako@example.com"))
		w.Clock.Set(storetest.Start.Add(10 * time.Minute)) // the very instant
		relay := &outside{}
		must(t, post(w, relay).Drain(context.Background()))
		r := only(t, w)
		if len(relay.to()) != 0 || r.droppedAt.IsZero() || !r.sentAt.IsZero() || r.body != nil {
			t.Errorf("sent to %v, row %+v", relay.to(), r)
		}
	})
}

// slow is a relay that does not answer until the sender has no more time.
type slow struct{}

func (slow) Send(ctx context.Context, _ Message) error {
	<-ctx.Done()
	return failed(stepContent, ctx.Err())
}

func TestATryOfACodeEndsWithTheCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		l := letter(Code, "hanako@example.com")
		l.Expires = storetest.Start.Add(20 * time.Millisecond)
		queue(t, w, l)
		must(t, post(w, slow{}).Drain(context.Background()))
		w.Clock.Set(storetest.Start.Add(time.Second))
		must(t, post(w, slow{}).Drain(context.Background()))
		if r := only(t, w); r.droppedAt.IsZero() || r.tries != 2 {
			t.Errorf("row %+v", r)
		}
	})
}

func TestALetterWaitsForItsDueInstant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		l := letter(Bulk, "hanako@example.com")
		l.Due = storetest.Start.Add(time.Hour)
		queue(t, w, l)
		relay := &outside{}
		must(t, post(w, relay).Drain(context.Background()))
		if len(relay.to()) != 0 {
			t.Error("sent before it was due")
		}
		w.Clock.Set(l.Due)
		must(t, post(w, relay).Drain(context.Background()))
		if got := relay.messages(); len(got) != 1 || !got[0].At.Equal(l.Due) {
			t.Errorf("sent %+v", got)
		}
	})
}

func TestATemporaryRefusalIsTriedAgainOnSchedule(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Code, "hanako@example.com"))
		relay := &outside{answer: func(Message) error { return refusal(451) }}
		p := post(w, relay)
		now := storetest.Start
		for try, wait := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second} {
			must(t, p.Drain(context.Background()))
			r := only(t, w)
			if r.tries != try+1 || !r.due.Equal(now.Add(wait)) || !r.waits() || r.failure != "rcpt to: 451 said the relay" {
				t.Fatalf("after try %d at %v: %+v", try+1, now, r)
			}
			w.Clock.Set(now.Add(wait - time.Microsecond))
			must(t, p.Drain(context.Background()))
			now = now.Add(wait)
			w.Clock.Set(now)
		}
		relay.answer = nil
		must(t, p.Drain(context.Background()))
		got := relay.messages()
		if r := only(t, w); len(got) != 5 || r.sentAt.IsZero() || r.failure != "" {
			t.Errorf("%d tries, row %+v", len(got), r)
		}
		for _, m := range got {
			if m.MessageID != got[0].MessageID || !m.At.Equal(got[0].At) {
				t.Errorf("another Message-ID or Date in a later try: %+v", m)
			}
		}
	})
}

func TestANoticeIsParkedAfterThreeDaysAndSaysWhy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Notice, "hanako@example.com"))
		p := post(w, &outside{answer: func(Message) error { return failed(stepConnect, io.EOF) }})
		for only(t, w).waits() {
			must(t, p.Drain(context.Background()))
			w.Clock.Set(only(t, w).due.Time)
		}
		r := only(t, w)
		if lasted := r.due.Sub(storetest.Start); lasted > 72*time.Hour || lasted < 71*time.Hour {
			t.Errorf("tried for %v", lasted)
		}
		if r.failure != "given up after three days: connect: EOF" {
			t.Errorf("failure %q", r.failure)
		}
	})
}

func TestAPermanentRefusalParksAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Notice, "hanako@example.com"))
		relay := &outside{answer: func(Message) error { return fmt.Errorf("sending: %w", refusal(550)) }}
		must(t, post(w, relay).Drain(context.Background()))
		w.Clock.Set(storetest.Start.Add(24 * time.Hour))
		must(t, post(w, relay).Drain(context.Background()))
		if r := only(t, w); len(relay.to()) != 1 || r.parkedAt.IsZero() || r.failure != "sending: rcpt to: 550 said the relay" {
			t.Errorf("%d tries, row %+v", len(relay.to()), r)
		}
	})
}

func TestABodyFromAnotherRowIsParked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Code, "hanako@example.com"), letter(Notice, "thief@example.com"))
		must(t, w.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			// Whoever can write to the database has another's code sent to himself.
			_, err := tx.Exec(ctx, `update mail set body = (select o.body from mail o where o.lane = 'code') where lane = 'notice'`)
			return err
		}))
		relay := &outside{}
		must(t, post(w, relay).Drain(context.Background()))
		if got := relay.to(); len(got) != 1 || got[0] != "hanako@example.com" || count(t, w, "parked_at is not null") != 1 {
			t.Errorf("sent to %v", got)
		}
	})
}

// TestACrashAfterTheRelaysYesSendsTwiceUnderOneMessageID: the process dies
// between the relay's 250 and our commit.
func TestACrashAfterTheRelaysYesSendsTwiceUnderOneMessageID(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		queue(t, w, letter(Code, "hanako@example.com"))
		relay := &outside{answer: func(Message) error { panic("kill -9") }}
		func() {
			defer func() { _ = recover() }()
			_ = post(w, relay).Drain(context.Background())
		}()
		relay.answer = nil
		restarted := post(w, relay)
		must(t, restarted.Drain(context.Background()))
		if len(relay.to()) != 1 {
			t.Fatal("a letter under a lease was taken")
		}
		w.Clock.Set(storetest.Start.Add(leaseFor + time.Microsecond))
		must(t, restarted.Drain(context.Background()))
		must(t, restarted.Drain(context.Background()))
		got := relay.messages()
		if len(got) != 2 || got[0].MessageID != got[1].MessageID || only(t, w).sentAt.IsZero() {
			t.Errorf("sent %d times: %+v", len(got), got)
		}
	})
}

// A node that is stopped (SIGSTOP) after it took a letter and goes on more than a minute later.
func TestANodeThatWasStoppedPastItsLeaseSendsNothingTwice(t *testing.T) {
	for _, lane := range []Lane{Code, Notice} {
		storetest.Each(t, func(t *testing.T, w storetest.World) {
			ctx := context.Background()
			queue(t, w, letter(lane, "hanako@example.com"))
			relay := &outside{}
			p := post(w, relay)
			stopped, err := p.next(ctx, lane)
			must(t, err)
			w.Clock.Set(storetest.Start.Add(leaseFor + time.Microsecond))
			must(t, post(w, relay).Drain(ctx))
			if len(relay.to()) != 1 {
				t.Fatalf("the other node sent to %v", relay.to())
			}
			_, err = p.deliver(ctx, stopped)
			must(t, err)
			if len(relay.to()) != 1 || only(t, w).sentAt.IsZero() {
				t.Errorf("sent to %v", relay.to())
			}
		})
	}
}

func TestAWorkerThatSleptPastItsLeaseSettlesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ctx := context.Background()
		queue(t, w, letter(Notice, "hanako@example.com"))
		p := post(w, &outside{})
		sleeper, err := p.next(ctx, Notice)
		must(t, err)
		w.Clock.Set(storetest.Start.Add(leaseFor + time.Microsecond))
		other, err := p.next(ctx, Notice)
		must(t, err)
		for _, late := range []end{again, sent, dropped, parked} {
			must(t, p.settle(ctx, sleeper, fate{end: late, failure: "late"}))
			if r := only(t, w); !r.waits() || r.failure != "" || r.body == nil || !r.due.Equal(storetest.Start) {
				t.Errorf("the late worker's word counted: %+v", r)
			}
		}
		must(t, p.settle(ctx, other, fate{end: sent}))
		if r := only(t, w); r.sentAt.IsZero() {
			t.Errorf("the present worker's word did not count: %+v", r)
		}
	})
}

func TestLogsHoldNeitherCodeNorAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		var logged bytes.Buffer
		log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		answers := []error{refusal(451), errors.New("network"), nil}
		relay := &outside{answer: func(Message) error {
			answer := answers[0]
			answers = answers[1:]
			return answer
		}}
		p := NewPost(w.DB, w.Keys, w.Clock, relay, "portal@example.com", log)
		queue(t, w, letter(Code, "hanako@example.com"))
		for i := range 3 {
			w.Clock.Set(storetest.Start.Add(time.Duration(i) * time.Minute))
			must(t, p.Drain(context.Background()))
		}
		text := logged.String()
		if strings.Contains(text, theCode) || strings.Contains(text, "hanako") || strings.Count(text, "kind=code") != 3 {
			t.Errorf("logged:\n%s", text)
		}
	})
}
