package figure

import (
	"context"
	"fmt"
	"sync"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// reminded is how many people are written to, in organizations of so many.
const (
	reminded = 100_000
	together = 20
)

// reminders: a letter to each of 100,000 people who are not enrolled, from the
// date's coming until the last stands in the outbox, while codes are queued beside.
func (r *Run) reminders(ctx context.Context) error {
	w, err := r.build(ctx)
	defer w.close()
	if err != nil {
		return err
	}
	r.tell("%d people are being written …", reminded)
	if err := w.crowd(ctx, reminded); err != nil {
		return err
	}
	opens := clk.Now().Add(time.Second)
	err = w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := rollout.Save(ctx, tx, rollout.Plan{Opens: opens, Ends: opens.AddDate(0, 0, 52), Zone: "Asia/Tokyo", Reminders: rollout.Usual}, "bench")
		return err
	})
	if err != nil {
		return err
	}
	time.Sleep(opens.Sub(clk.Now()) + 10*time.Millisecond)
	r.tell("the set-up opens …")
	beside, stop := context.WithCancel(ctx)
	var codes sync.WaitGroup
	var waits []time.Duration
	var failed error
	codes.Go(func() { waits, failed = w.codes(beside) })
	before, began := cpu(), clk.Machine()
	err = w.portal.Remind(ctx)
	took, used := clk.Machine().Sub(began), cpu()-before
	stop()
	codes.Wait()
	if err != nil || failed != nil {
		return fmt.Errorf("reminders: %w", firstOf(err, failed))
	}
	began = clk.Machine()
	if err := w.portal.Remind(ctx); err != nil {
		return err
	}
	again := clk.Machine().Sub(began)
	n, err := waiting(ctx, w.db)
	if err != nil {
		return err
	}
	r.atLeast("letters of the opening in the outbox", float64(n), reminded, "")
	r.atMost("time to queue them", took.Seconds(), 10, "s")
	r.told("one more look, with all of them waiting", millis(again), "ms")
	r.told("CPU of a letter", float64(used.Microseconds())/reminded, "µs")
	r.told("median wait of a code to be queued meanwhile", millis(quantile(waits, 0.5)), "ms")
	r.atMost("99th percentile of that wait", millis(quantile(waits, 0.99)), 100, "ms")
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// crowd writes n people who have a password and no second verification: in two
// languages and three zones, each twentieth a Portal Admin.
func (w *world) crowd(ctx context.Context, n int) error {
	zones := []string{"Asia/Tokyo", "UTC", "Europe/Berlin"}
	for at := 0; at < n; at += 50 * together {
		err := w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			var o organization.Organization
			for i := at; i < min(n, at+50*together); i++ {
				var err error
				authority := account.GeneralUser
				if i%together == 0 {
					if o, err = organization.Add(ctx, tx, "Organization "+secret.ID()); err != nil {
						return err
					}
					authority = account.PortalAdmin
				}
				a, err := account.Add(ctx, tx, w.portal.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: secret.ID() + "@bench.example",
					Name: "Hanako Sato", Phone: "0312345678", Authority: authority, Language: phrase.Langs[i%2], Zone: zones[i%3]}, "bench")
				if err != nil {
					return err
				}
				if err := password.Set(ctx, tx, a.Ref, "none", password.Changed); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	_, err := progress.Fold(ctx, w.db)
	return err
}

// codes queues a code's letter again and again, until ctx ends, and answers how
// long each took from its wish to its commit.
func (w *world) codes(ctx context.Context) (waits []time.Duration, err error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return waits, nil
		}
		began := clk.Machine()
		err := w.db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
			return mail.Queue(ctx, tx, w.portal.Keys, mail.Letter{Organization: "bench", Holder: "bench", Lane: mail.Code, Kind: "code",
				To: "code@bench.example", Language: phrase.English, Subject: "Your code", Text: "A code.", Expires: tx.Now().Add(time.Hour)})
		})
		if err != nil {
			return nil, err
		}
		waits = append(waits, clk.Machine().Sub(began))
	}
}
