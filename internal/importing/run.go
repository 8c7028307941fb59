package importing

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/keyring"
	"nidan/internal/store"
)

// Result is what came of an import.
type Result struct {
	Run     Run
	Resumed bool // an earlier run of the same file was gone on with
}

// Import imports a file of the console's. One that was broken off goes on where it
// ended; a file that was imported before changes nothing, and its rows are there.
func (d *Desk) Import(ctx context.Context, f *File, o Options, who Doer, tell Tell) (Result, error) {
	in, err := f.read(ctx, o) // a file that cannot be read at all is no run
	if err != nil {
		return Result{}, err
	}
	defer in.close()
	run, resumed, err := d.take(ctx, f, o, who)
	if err != nil {
		return Result{Run: run}, err
	}
	run, err = d.goOn(ctx, run, in, who, tell)
	return Result{run, resumed}, err
}

// How often and how long a console waits for a run that somebody seems to be at work on:
// in all a little longer than a lease.
var (
	waitFor   = time.Second
	waitsMost = int(leaseFor/time.Second) + 1
)

// take leases the run of a file. Where one seems to be at work, it waits as long as a
// lease lasts: a console that was killed gives none back.
func (d *Desk) take(ctx context.Context, f *File, o Options, who Doer) (run Run, resumed bool, err error) {
	for tries := 0; ; tries++ {
		fresh := false
		err = d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if run, fresh, err = begun(ctx, tx, f, o, who.By); err != nil || !fresh {
				return err
			}
			return audit.Record(ctx, tx, d.Keys, started(run, who))
		})
		if !errors.Is(err, errBusy) || tries >= waitsMost {
			return run, !fresh, err
		}
		wait := time.NewTimer(waitFor)
		select {
		case <-ctx.Done():
			wait.Stop()
			return run, false, ctx.Err()
		case <-wait.C:
		}
	}
}

func started(run Run, who Doer) audit.Entry {
	return audit.Entry{Chain: audit.Operators, Act: "portal:import:started", Actor: who.Actor, Subject: run.ID, Network: who.Network,
		Detail: map[string]string{"file": shown(run.Name), "bytes": strconv.FormatInt(run.Bytes, 10), "digest": hex.EncodeToString(run.Digest)}}
}

func finished(run Run, who Doer) audit.Entry {
	t := run.Tally
	detail := map[string]string{"file": shown(run.Name)}
	for name, n := range map[string]int64{"added": t.Added, "already there": t.There, "differ": t.Differs, "refused": t.Refused,
		"starting guides": t.Guides, "new organizations": t.Organizations} {
		detail[name] = strconv.FormatInt(n, 10)
	}
	return audit.Entry{Chain: audit.Operators, Act: "portal:import:finished", Actor: who.Actor, Subject: run.ID, Network: who.Network, Detail: detail}
}

// goOn imports the rows behind the point to which a run is done, and ends the run.
func (d *Desk) goOn(ctx context.Context, run Run, in *rows, who Doer, tell Tell) (Run, error) {
	err := d.batches(ctx, &run, in, who, tell)
	_, left := in.told()
	run.Unread = listed(left)
	f := fault.Of(err)
	switch {
	case err == nil:
		err = d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := end(ctx, tx, run, Finished, ""); err != nil {
				return err
			}
			return audit.Record(ctx, tx, d.Keys, finished(run, who))
		})
		run.State = Finished
	case f == errLost:
	case f != nil: // the file cannot be read on
		run.Failure = failure(f)
		err = errors.Join(err, d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return end(ctx, tx, run, Failed, run.Failure) }))
	default:
		err = errors.Join(err, d.DB.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error { return release(ctx, tx, run) }))
	}
	if run.Tally.Guides > 0 {
		d.Wake()
	}
	return run, err
}

// failure is a fault as a run keeps it.
func failure(f *fault.Fault) string {
	reason := Reason{Phrase: f.Phrase}
	for _, a := range f.Args {
		reason.Args = append(reason.Args, fmt.Sprint(a))
	}
	text, err := json.Marshal(reason)
	if err != nil {
		return ""
	}
	return string(text)
}

// Failed is why a run failed; the zero Reason is that it did not.
func (r Run) Failed() (why Reason) {
	if r.Failure == "" || json.Unmarshal([]byte(r.Failure), &why) != nil {
		return Reason{}
	}
	return why
}

// batches writes one batch after another.
func (d *Desk) batches(ctx context.Context, run *Run, in *rows, who Doer, tell Tell) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := begin(ctx, in)
	defer func() { stop(); w.drain() }()
	for p := range w.pieces {
		end := p.err
		if p = behind(p, run.ReadTo); len(p.rows) > 0 {
			if err := d.batch(ctx, run, p, in.has, who); err != nil {
				return err
			}
		}
		tell(run.Tally, p.read)
		if end != nil && !errors.Is(end, io.EOF) {
			return end
		}
	}
	return ctx.Err()
}

// behind is a piece without the rows that an earlier try has written.
func behind(p piece, line int64) piece {
	n := 0
	for n < len(p.rows) && p.rows[n].Line <= line {
		n++
	}
	p.rows, p.first = p.rows[n:], p.first[n:]
	return p
}

// batch decides a piece and writes it; when somebody else was faster, or its key is gone, it is decided anew.
func (d *Desk) batch(ctx context.Context, run *Run, p piece, has [columns]bool, who Doer) error {
	for try := 1; ; try++ {
		made := map[string]string{}
		list, err := d.judge(ctx, p, has, made)
		if err != nil {
			return err
		}
		b, err := d.prepare(list, made, run.Tally)
		if err != nil {
			return err
		}
		next := *run
		next.ReadTo, next.Done = b.last, int64(p.read*1000)
		err = d.write(ctx, next, b, who)
		if err == nil {
			*run, run.Tally = next, b.tally
			return nil
		}
		if !again(err) || try == triesMost {
			return err
		}
		if errors.Is(err, keyring.ErrRetired) { // this process was stopped meanwhile, and does not know yet which key seals
			if _, err := keyring.Follow(ctx, d.DB, d.Keys, ""); err != nil {
				return err
			}
		}
	}
}
