package mail

import (
	"context"
	"math/rand/v2"
	"time"

	"nidan/internal/store"
)

// clerk is the one of a mailing who speaks to the database.
type clerk struct {
	*mailing
	done   []settled // sent, and not on record yet
	hungry bool      // the senders need another batch soon
	settle *time.Timer
	look   *time.Timer // when to look for letters; it stands still while nobody is hungry
}

func newClerk(m *mailing) *clerk {
	c := &clerk{mailing: m, hungry: true, settle: time.NewTimer(time.Hour), look: time.NewTimer(0)}
	c.settle.Stop()
	return c
}

// work goes on until ctx has ended and everything is settled.
func (c *clerk) work(ctx context.Context) {
	defer c.settle.Stop()
	defer c.look.Stop()
	ends, wake := ctx.Done(), c.wake[Bulk]
	for {
		look := false
		select {
		case s, ok := <-c.fates:
			if !ok {
				c.write(ctx, nil)
				return
			}
			if c.done = append(c.done, s); len(c.done) == 1 {
				c.settle.Reset(settleEvery)
			}
			if len(c.done) < 2*batchMost {
				continue
			}
		case <-c.settle.C:
		case <-c.want:
			c.hungry, look = true, true
		case <-wake:
			look = c.hungry
		case <-c.look.C:
			look = c.hungry
		case <-ends:
			ends, wake, c.hungry = nil, nil, false
			close(c.batches)
			continue
		}
		if look && ctx.Err() == nil {
			c.claim(ctx)
		} else {
			c.write(ctx, nil)
		}
	}
}

// claim leases the next batch, and settles on the way.
func (c *clerk) claim(ctx context.Context) {
	if wait := c.resting(); wait > 0 {
		c.look.Reset(wait)
		return
	}
	ids, err := waiting(context.WithoutCancel(ctx), c.db, Bulk, c.clk.Now(), int(c.size.Load()))
	if err != nil {
		c.log.Error("the outbox cannot be worked", "lane", Bulk, "error", err)
		c.look.Reset(rest)
		return
	}
	batch := c.write(ctx, ids)
	if len(batch) > 0 {
		c.hungry = false
		c.batches <- batch // never waits: there is one for each that was wanted
		return
	}
	// Half of it is chance, so that nodes do not ask the database in step. Where
	// another node was faster, there is more.
	wait := pollEvery
	if len(ids) > 0 {
		wait = settleEvery
	}
	c.look.Reset(wait*3/4 + rand.N(wait/2))
}

// write settles what is done and leases some letters, in one transaction; what
// another node was faster with it does not get.
func (c *clerk) write(ctx context.Context, ids []string) (batch []taken) {
	done := c.done
	c.done = nil
	c.settle.Stop()
	if len(done) == 0 && len(ids) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var held map[string]bool
	err := c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if held, err = settle(ctx, tx, done); err == nil && len(ids) > 0 {
			batch, err = take(ctx, tx, ids, tx.Now().Add(bulkLease))
		}
		return err
	})
	if err == nil {
		c.tell(done, held)
		return batch
	}
	c.log.Error("the outbox cannot be worked", "lane", Bulk, "error", err)
	if err := c.settleAll(ctx, done); err != nil {
		c.log.Error("letters that were sent are not on record, and may be sent again", "letters", len(done), "error", err)
	}
	return nil
}
