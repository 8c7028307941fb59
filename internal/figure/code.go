package figure

import (
	"context"
	"encoding/base32"
	"fmt"
	"sync"
	"time"

	"nidan/internal/account"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// waitingOne is somebody whose password was proved, at the door of the second step.
type waitingOne struct {
	ref     account.Ref
	session string
	code    string
}

// code: one one-time code, judged, spent and durable: a right code of an app, with all
// that its transaction reads and writes, but for the page and the record. First by one
// client after another, then by 200 at once, where each must come through.
func (r *Run) code(ctx context.Context) error {
	const alone, together, warming = 300, 200, 20
	w, err := r.open(ctx, warming+alone+together)
	defer w.close()
	if err != nil {
		return err
	}
	desk := &verification.Desk{Keys: w.portal.Keys, Site: w.portal.Site}
	waits, err := w.passwordsProved(ctx)
	if err != nil {
		return err
	}
	spend := func(one waitingOne) (took time.Duration, err error) {
		began := clk.Machine()
		err = w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			o, err := desk.Prove(ctx, tx, verification.Attempt{Ref: one.ref, Session: one.session, Door: verification.SignIn, Method: account.TOTP, Code: one.code})
			if err == nil && o.Verdict != verification.Right {
				err = fmt.Errorf("a right code was judged %v", o.Verdict)
			}
			return err
		})
		return clk.Machine().Sub(began), err
	}
	var times []time.Duration
	for i, one := range waits[:warming+alone] {
		took, err := spend(one)
		if err != nil {
			return err
		}
		if i >= warming {
			times = append(times, took)
		}
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var longest []time.Duration
	failed := 0
	for _, one := range waits[warming+alone:] {
		all.Go(func() {
			took, err := spend(one)
			mu.Lock()
			defer mu.Unlock()
			longest = append(longest, took)
			if err != nil {
				failed++
				r.tell("%v", err)
			}
		})
	}
	all.Wait()
	r.atMost("a durable one-time code, one client: median", millis(quantile(times, 0.5)), 1, "ms")
	r.told("the same: 99th percentile", millis(quantile(times, 0.99)), "ms")
	r.atMost(fmt.Sprintf("%d clients at once: refused by a lock, or otherwise", together), float64(failed), 0, "")
	r.told(fmt.Sprintf("%d clients at once: the last has waited", together), millis(quantile(longest, 1)), "ms")
	return nil
}

// passwordsProved begins a session for everybody, with the code that is right now.
func (w *world) passwordsProved(ctx context.Context) (list []waitingOne, err error) {
	refs, err := holders(ctx, w.db)
	if err != nil {
		return nil, err
	}
	err = w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		list = list[:0]
		for _, p := range w.people {
			key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(p.Key)
			if err != nil {
				return err
			}
			_, s, err := session.Start(ctx, tx, refs[p.Email], "192.0.2.1", "bench", "")
			if err != nil {
				return err
			}
			list = append(list, waitingOne{refs[p.Email], s.ID, totp.Code(key, totp.Step(tx.Now()))})
		}
		return nil
	})
	return list, err
}
