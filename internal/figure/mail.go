package figure

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"

	"nidan/internal/clock"
	"nidan/internal/mail"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Sizes of the bench of mailings.
const (
	mailRounds  = 5
	mailLetters = 4_000 // in a round
	mailLong    = 20_000
	codeEvery   = 100 * time.Millisecond
	queueBatch  = 500
	benchFrom   = "portal@bench.example"
)

// mail: a mailing through the outbox against the mail library alone, with the same
// letters and the same sink; and how long a code waits meanwhile.
func (r *Run) mail(ctx context.Context) error {
	b, err := r.openPost(ctx)
	defer b.close()
	if err != nil {
		return err
	}
	letters := mailLetters
	if r.Long {
		letters = mailLong
	}
	var alone, ours, ratios []time.Duration
	for round := range mailRounds {
		r.tell("round %d of %d, %d letters …", round+1, mailRounds, letters)
		took, err := b.library(ctx, letters)
		if err != nil {
			return err
		}
		if err := b.queue(ctx, letters); err != nil {
			return err
		}
		sent, err := b.mailing(ctx, letters)
		if err != nil {
			return err
		}
		alone, ours = append(alone, perSecond(letters, took)), append(ours, perSecond(letters, sent))
		ratios = append(ratios, time.Duration(float64(took)/float64(sent)*float64(time.Second)))
	}
	r.told("letters a second, the mail library alone", quantile(alone, 0.5).Seconds(), "/s")
	r.told("letters a second, from the outbox", quantile(ours, 0.5).Seconds(), "/s")
	r.atLeast("from the outbox ÷ the library alone", quantile(ratios, 0.5).Seconds(), 0.80, "")
	r.atMost(fmt.Sprintf("99th percentile of a code's wait meanwhile (%d)", len(b.waits)), millis(quantile(b.waits, 0.99)), 1000, "ms")
	r.told("median of a code's wait meanwhile", millis(quantile(b.waits, 0.5)), "ms")
	return nil
}

// perSecond is a rate, as a duration for its median.
func perSecond(n int, took time.Duration) time.Duration {
	return time.Duration(float64(n) / took.Seconds() * float64(time.Second))
}

// postBench is an outbox, and a relay that takes everything.
type postBench struct {
	world
	keys  *secret.Keys
	clk   *clock.Clock
	relay string // its address

	mu    sync.Mutex
	left  int                  // letters that have not come yet
	all   chan struct{}        // closed when none is left
	asked map[string]time.Time // when codes under way were asked for, by recipient
	waits []time.Duration      // of codes
}

// await makes the relay count n letters; all is closed with the last.
func (b *postBench) await(n int) (all chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left, b.all, b.asked = n, make(chan struct{}), map[string]time.Time{}
	return b.all
}

func (b *postBench) arrived(to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, isCode := b.asked[to]; isCode {
		b.waits = append(b.waits, clk.Machine().Sub(at))
		return
	}
	if b.left--; b.left == 0 {
		close(b.all)
	}
}

func (r *Run) openPost(ctx context.Context) (*postBench, error) {
	b := &postBench{}
	keys, clk, err := r.openStore(ctx, &b.world)
	if err != nil {
		return b, err
	}
	b.keys, b.clk = keys, clk
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return b, err
	}
	b.relay = listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &sink{took: b.arrived}, nil }))
	server.ErrorLog, server.Domain = log.New(io.Discard, "", 0), "bench.example"
	go func() { _ = server.Serve(listener) }() // ends with Close
	b.closers = append(b.closers, func() { _ = server.Close() })
	return b, nil
}

// sink is a relay's side of a connection: it takes everything and tells to whom.
type sink struct {
	took func(to string)
	to   string
}

func (*sink) Reset()        {}
func (*sink) Logout() error { return nil }

func (*sink) Mail(string, *smtp.MailOptions) error { return nil }

func (s *sink) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *sink) Data(content io.Reader) error {
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	s.took(s.to)
	return nil
}

// reminder is a letter as a reminder is: half of them are Japanese.
func reminder(i int) mail.Letter {
	l := mail.Letter{Organization: "bench", Holder: "bench", Lane: mail.Bulk, Kind: "reminder", To: fmt.Sprintf("person%d@bench.example", i), Language: phrase.English,
		Subject: "Set up 2-step verification by 24 Apr 2018, 24:00 JST",
		Text: strings.Repeat("From 24 Apr 2018, 24:00 JST (15:00 UTC) on, the portal asks for a second verification at every sign-in. "+
			"Your account is not set up yet. It takes about three minutes and your phone.\n\n", 5)}
	if i%2 == 1 {
		l.Language, l.Subject = phrase.Japanese, "二段階認証を2018年4月24日(火) 24:00 JSTまでに設定してください"
		l.Text = strings.Repeat("2018年4月24日(火) 24:00 JST（15:00 UTC）以降、ポータルへのサインインには二段階認証が必要になります。お使いのアカウントはまだ設定されていません。設定は3分ほどで終わります。\n\n", 5)
	}
	return l
}

// library sends letters with the mail library alone, over one connection.
func (b *postBench) library(ctx context.Context, n int) (time.Duration, error) {
	host, port, err := net.SplitHostPort(b.relay)
	if err != nil {
		return 0, err
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return 0, err
	}
	client, err := gomail.NewClient(host, gomail.WithPort(number), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithTimeout(time.Hour))
	if err != nil {
		return 0, err
	}
	list := make([]*gomail.Msg, n)
	for i := range list {
		if list[i], err = composed(reminder(i)); err != nil {
			return 0, err
		}
	}
	all := b.await(n)
	began := clk.Machine()
	if err := client.DialAndSendWithContext(ctx, list...); err != nil {
		return 0, err
	}
	<-all
	return clk.Machine().Sub(began), nil
}

// composed is a letter as the library writes it.
func composed(l mail.Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if l.Language == phrase.Japanese {
		m.SetEncoding(gomail.EncodingB64)
	}
	if err := m.From(benchFrom); err != nil {
		return nil, err
	}
	if err := m.To(l.To); err != nil {
		return nil, err
	}
	m.Subject(l.Subject)
	m.SetMessageID()
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, "<!doctype html>\n<html><body><p>"+strings.ReplaceAll(l.Text, "\n\n", "</p>\n<p>")+"</p></body></html>\n")
	return m, nil
}

func (b *postBench) queue(ctx context.Context, n int) error {
	for from := 0; from < n; from += queueBatch {
		var ready []mail.Ready
		for i := from; i < min(n, from+queueBatch); i++ {
			one, err := mail.Prepare(b.keys, reminder(i), b.clk.Now())
			if err != nil {
				return err
			}
			ready = append(ready, one)
		}
		if err := b.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return mail.QueueAll(ctx, tx, ready) }); err != nil {
			return err
		}
	}
	return nil
}

// mailing has the outbox sent, with a code now and then, and answers how long the
// letters took.
func (b *postBench) mailing(ctx context.Context, n int) (time.Duration, error) {
	relay, err := mail.NewSMTP("smtp://"+b.relay, benchFrom)
	if err != nil {
		return 0, err
	}
	defer relay.Close()
	post := mail.NewPost(b.db, b.keys, b.clk, relay, benchFrom, slog.New(slog.DiscardHandler))
	post.Pace(0)
	running, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	var failed error
	all := b.await(n)
	began := clk.Machine()
	work.Go(func() { post.Run(running) })
	work.Go(func() { failed = b.codes(running, post) })
	select {
	case <-all:
	case <-ctx.Done():
		failed = ctx.Err()
	}
	took := clk.Machine().Sub(began)
	stop()
	work.Wait()
	return took, failed
}

// codes mails a code every now and then.
func (b *postBench) codes(ctx context.Context, post *mail.Post) error {
	tick := time.NewTicker(codeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		to := "code-" + secret.ID() + "@bench.example"
		b.mu.Lock()
		b.asked[to] = clk.Machine()
		b.mu.Unlock()
		err := b.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			return mail.Queue(ctx, tx, b.keys, mail.Letter{Organization: "bench", Holder: "bench", Lane: mail.Code, Kind: "code", To: to,
				Language: phrase.English, Subject: "Your verification code", Text: "Your code is 4815 1623.", Expires: tx.Now().Add(10 * time.Minute)})
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
		post.Wake()
	}
}
