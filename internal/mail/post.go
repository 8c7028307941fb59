package mail

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/trace"
)

// Sender gives one message to the next hop. Nil means that it was taken for good.
// A *Failure may say that another try is of no use; any other error is temporary.
// No error holds words of the message's body. It is used by many at once.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Bounds of the post. A lease outlasts a try and its settling, so that a letter
// in a worker's hand is not taken by another.
const (
	tryFor    = 60 * time.Second
	settleFor = 30 * time.Second
	leaseFor  = tryFor + settleFor
	pollEvery = time.Second
	rest      = time.Second // after a try that reached nobody
	look      = 32          // letters looked up at once
)

// Workers of the lanes that take one letter at a time. Codes have several: one
// mailbox that answers slowly must not keep everybody else from signing in. The
// bulk lane is a mailing, see bulk.go.
var workers = []struct {
	lane  Lane
	count int
}{{Code, 4}, {Notice, 2}}

// lanes are all of them, in the order in which Drain looks.
var lanes = []Lane{Code, Notice, Bulk}

// Post takes letters from the outbox and has them sent. Many may run on one
// database. Make it with NewPost.
type Post struct {
	db     *store.DB
	keys   *secret.Keys
	clk    *clock.Clock
	sender Sender
	from   string
	log    *slog.Logger
	pace   *pacer
	wake   map[Lane]chan struct{}
	health health
	bounce *Bounces // nil: bounces go where the sender's envelope says
}

// NewPost makes a post. from is the From of every mail, with or without a name.
func NewPost(db *store.DB, keys *secret.Keys, clk *clock.Clock, sender Sender, from string, log *slog.Logger) *Post {
	p := &Post{db: db, keys: keys, clk: clk, sender: sender, from: from, log: log,
		pace: newPacer(UsualPace, clk.Machine), wake: map[Lane]chan struct{}{}}
	for _, lane := range lanes {
		p.wake[lane] = make(chan struct{}, 1)
	}
	return p
}

// Pace bounds how many letters of mailings this post sends a second; 0 is no
// bound. Call it before Run.
func (p *Post) Pace(letters int) { p.pace = newPacer(letters, p.clk.Machine) }

// ReturnTo gives each message an envelope sender of its own, so that a bounce says
// which letter it is about. Call it before Run.
func (p *Post) ReturnTo(b *Bounces) { p.bounce = b }

// Run sends what is due until ctx ends, and returns when what its workers had in
// hand is settled.
func (p *Post) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, w := range workers {
		for range w.count {
			all.Go(func() { p.work(ctx, w.lane) })
		}
	}
	all.Go(func() { newMailing(p).run(ctx) })
	all.Wait()
}

// Wake says that there may be letters. It never waits. Call it after the commit.
func (p *Post) Wake() {
	for lane := range p.wake {
		p.stir(lane)
	}
}

// stir wakes one worker of a lane.
func (p *Post) stir(lane Lane) {
	select {
	case p.wake[lane] <- struct{}{}:
	default: // one is about to look already
	}
}

// Drain sends everything that is due now, without a pace, and returns when
// nothing is left to try. It looks for codes again after every letter. The error
// is the database's; what a relay refused stands in the outbox.
func (p *Post) Drain(ctx context.Context) error {
	for {
		found := false
		for _, lane := range lanes {
			t, err := p.next(ctx, lane)
			if errors.Is(err, store.ErrNone) {
				continue
			}
			if err != nil {
				return err
			}
			if _, err := p.deliver(ctx, t); err != nil {
				return err
			}
			found = true
			break
		}
		if !found {
			return ctx.Err()
		}
	}
}

// work is one worker's life.
func (p *Post) work(ctx context.Context, lane Lane) {
	for ctx.Err() == nil {
		// What was begun is finished, also when ctx ends in between.
		hold := context.WithoutCancel(ctx)
		t, err := p.next(hold, lane)
		if errors.Is(err, store.ErrNone) {
			p.idle(ctx, lane)
			continue
		}
		if err == nil {
			p.stir(lane) // there may be more: a free worker looks
			var reached bool
			if reached, err = p.deliver(hold, t); err == nil && !reached {
				pause(ctx, rest)
			}
		}
		if err != nil {
			p.log.Error("the outbox cannot be worked", "lane", lane, "error", err)
			pause(ctx, rest)
		}
	}
}

// idle waits for Wake, or about a second: half of it is chance, so that nodes do
// not ask the database in step.
func (p *Post) idle(ctx context.Context, lane Lane) {
	timer := time.NewTimer(pollEvery*3/4 + rand.N(pollEvery/2))
	defer timer.Stop()
	select {
	case <-p.wake[lane]:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// next takes the oldest letter of a lane that nobody else takes first; ErrNone
// when there is none.
func (p *Post) next(ctx context.Context, lane Lane) (taken, error) {
	for {
		ids, err := waiting(ctx, p.db, lane, p.clk.Now(), look)
		if err != nil {
			return taken{}, err
		}
		if len(ids) == 0 {
			return taken{}, store.ErrNone
		}
		for _, id := range ids {
			got, err := p.lease(ctx, []string{id}, leaseFor)
			if err != nil {
				return taken{}, err
			}
			if len(got) == 1 { // none: another was faster
				return got[0], nil
			}
		}
	}
}

// lease takes those of some letters that nobody else has, under one new lease.
func (p *Post) lease(ctx context.Context, ids []string, span time.Duration) (got []taken, err error) {
	err = p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		got, err = take(ctx, tx, ids, tx.Now().Add(span))
		return err
	})
	return got, err
}

// deliver tries one letter and settles it. reached is false when no relay could
// be asked; the error is the database's.
func (p *Post) deliver(ctx context.Context, t taken) (reached bool, err error) {
	f, reached := p.attempt(ctx, t)
	return reached, p.settle(ctx, t, f)
}

// attempt tries one letter and says what becomes of it.
func (p *Post) attempt(ctx context.Context, t taken) (f fate, reached bool) {
	if expired(t.expires, p.clk.Now()) {
		return fate{end: dropped}, true
	}
	// A node that was stopped in between has lost its lease, and the letter may be with
	// another by now: it is neither sent nor begun.
	if t.until.Sub(p.clk.Now()) <= settleFor {
		return fate{end: back}, true
	}
	ctx, ended := trace.Root(ctx, "send a letter", trace.Text("nidan.lane", string(t.lane)), trace.Number("nidan.try", t.tries))
	failure := p.try(ctx, t)
	ended(failure)
	p.health.note(failure, p.clk.Now())
	var known *Failure
	reached = failure == nil || errors.As(failure, &known) && (known.Code != 0 || known.Permanent)
	return decide(t.lane, t.tries, p.clk.Now(), failure), reached
}

// try gives a letter to the sender, for no longer than it may be sent.
func (p *Post) try(ctx context.Context, t taken) error {
	var inside body
	plain, err := p.keys.Open(secret.ForMail, t.id, t.sealed)
	if err == nil {
		err = json.Unmarshal(plain, &inside)
	}
	if err != nil {
		return &Failure{Step: "open", Text: "the body does not open with this key file", Permanent: true}
	}
	limit := min(tryFor, t.until.Sub(p.clk.Now())-settleFor)
	if !t.expires.IsZero() {
		limit = min(limit, t.expires.Sub(p.clk.Now()))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	m := Message{
		ID: t.id, From: p.from, To: t.to, Subject: t.subject,
		Text: inside.Text, HTML: page(inside.Language, t.subject, inside.Text), Language: inside.Language,
		MessageID: messageID(t.id, inside.Mark, p.from), At: inside.At, ReplyTo: inside.ReplyTo,
	}
	if p.bounce != nil {
		m.Return = p.bounce.Address(t.id)
	}
	return p.sender.Send(ctx, m)
}

// messageID is the same in every try.
func messageID(id, mark, from string) string {
	if mark != "" {
		id += "." + mark
	}
	return id + "@" + domain(from)
}

// settled is a letter and what became of it.
type settled struct {
	taken
	fate
}

// settle records a fate.
func (p *Post) settle(ctx context.Context, t taken, f fate) error {
	return p.settleAll(ctx, []settled{{t, f}})
}

// settleAll records fates in one transaction. It is stubborn, for a letter that was
// sent and is not recorded would be sent again; it stops in time for the lease.
func (p *Post) settleAll(ctx context.Context, list []settled) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer cancel()
	var held map[string]bool
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		err := p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			held, err = settle(ctx, tx, list)
			return err
		})
		if err == nil {
			break
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return err
		}
	}
	p.tell(list, held)
	return nil
}

// tell logs what became of letters: never to whom, never what they say.
func (p *Post) tell(list []settled, held map[string]bool) {
	mailed := 0
	for _, s := range list {
		log := p.log.With("mail", s.id, "lane", s.lane, "kind", s.kind, "tries", s.tries)
		switch {
		case !held[s.id]:
			log.Warn("a letter was settled after its lease had ended")
		case s.end == sent && s.lane == Bulk:
			mailed++ // a line for each would bury all others
		case s.end == sent:
			log.Info("mail sent")
		case s.end == dropped:
			log.Warn("mail dropped: it expired before it could be sent")
		case s.end == parked:
			log.Error("mail parked: it will not be tried again", "failure", s.failure)
		case s.end == again:
			log.Warn("mail not sent yet", "failure", s.failure, "again", s.due)
		}
	}
	if mailed > 0 {
		p.log.Info("letters of a mailing sent", "letters", mailed)
	}
}
