package importing

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/store"
)

// Work does what waits of uploaded imports, one after another: dry runs, and imports
// that were confirmed. Any number of nodes may run it; what one has begun and left,
// another goes on with.
func (d *Desk) Work(ctx context.Context) error {
	for {
		id, state, err := waits(ctx, d.DB, d.Site.Now())
		if errors.Is(err, store.ErrNone) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := d.work(ctx, id, state); err != nil {
			return err
		}
	}
}

// work does one of them, if no other node was faster.
func (d *Desk) work(ctx context.Context, id string, state State) error {
	var run Run
	err := d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		run, err = take(ctx, tx, id, state)
		return err
	})
	if errors.Is(err, store.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if run.tries > triesMost {
		return d.fail(ctx, run, fault.New(fault.Invalid, "importing.gave_up"))
	}
	if state == Checking {
		err = d.checking(ctx, run)
	} else {
		err = d.confirmed(ctx, run)
	}
	switch f := fault.Of(err); {
	case err == nil, f == errLost:
		return nil
	case ctx.Err() != nil: // this node stops
		return d.DB.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error { return release(ctx, tx, run) })
	case f != nil && state == Checking:
		return d.fail(ctx, run, f)
	case f != nil: // goOn has written it down
		return nil
	}
	d.Log.Error("an import broke off, and is tried again", slog.String("import", run.ID), slog.String("error", err.Error()))
	return nil
}

func (d *Desk) fail(ctx context.Context, run Run, f *fault.Fault) error {
	return d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return end(ctx, tx, run, Failed, failure(f)) })
}

// checking is the dry run of an uploaded file. What it says of rows is written down, for
// the page and the report; a node that begins it anew says it anew.
func (d *Desk) checking(ctx context.Context, run Run) error {
	file, err := d.kept(ctx, run)
	if err != nil {
		return err
	}
	file.sound = true // it was admitted; a lease is short, and going through it again takes its time
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var lines []Line
	begun := false
	flush := func(t Tally, read float64) {
		next := run
		next.Tally, next.Done = t, int64(read*1000)
		err := d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := keep(ctx, tx, next); err != nil {
				return err
			}
			if !begun {
				if err := unsay(ctx, tx, run.ID); err != nil {
					return err
				}
			}
			return note(ctx, tx, run.ID, lines)
		})
		if err != nil {
			stop(err)
		}
		begun, lines = true, lines[:0]
	}
	run.Tally, run.Unread, err = d.Check(ctx, file, run.Options, func(l Line) error { lines = append(lines, l); return nil }, flush)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return err
	}
	return d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return end(ctx, tx, run, Checked, "") })
}

// confirmed is the import of an uploaded file that an operator has confirmed.
func (d *Desk) confirmed(ctx context.Context, run Run) error {
	file, err := d.kept(ctx, run)
	if err != nil {
		return err
	}
	file.sound = true // it was admitted; a lease is short, and going through it again takes its time
	in, err := file.read(ctx, run.Options)
	if f := fault.Of(err); f != nil {
		return errors.Join(err, d.fail(ctx, run, f))
	}
	if err != nil {
		return err
	}
	defer in.close()
	who := Doer{By: run.By, Actor: audit.Actor{Kind: audit.KindOperator, ID: run.By}}
	_, err = d.goOn(ctx, run, in, who, func(Tally, float64) {})
	return err
}

// optionsText is options as a run keeps them.
func optionsText(o Options) (string, error) {
	text, err := json.Marshal(o)
	return string(text), err
}
