package backup

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"filippo.io/age"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Source is a portal that a backup is taken of.
type Source struct {
	DB         *store.DB
	Keys       *secret.Keys
	Recipients []string // public age keys; none: the portal's own key file
	Product    string
	Tell       func(n, of int64) // how many rows are done; may be nil
}

// Take writes a backup: one state of the database, whatever is written to it
// meanwhile. Nothing of it is of use before Take has answered without an error.
func Take(ctx context.Context, s Source, w io.Writer) (h Header, err error) {
	to, err := recipients(s.Keys, s.Recipients)
	if err != nil {
		return Header{}, err
	}
	sealed, err := age.Encrypt(w, to...)
	if err != nil {
		return Header{}, fmt.Errorf("encrypt: %w", err)
	}
	o, err := newOut(sealed)
	if err != nil {
		return Header{}, err
	}
	err = s.DB.Snapshot(ctx, func(ctx context.Context, r store.Reader) error {
		var dumps []store.Dump
		if h, dumps, err = s.header(ctx, r); err != nil {
			return err
		}
		if err := o.json(frameHeader, h); err != nil {
			return err
		}
		return s.rows(ctx, r, h, dumps, o)
	})
	if err == nil {
		err = o.end(s.Keys)
	}
	if err == nil {
		err = sealed.Close()
	}
	return h, err
}

// header is what stands before the rows, with their counts.
func (s Source) header(ctx context.Context, r store.Reader) (h Header, dumps []store.Dump, err error) {
	mark, err := store.ReadPortal(ctx, r)
	if err != nil {
		return Header{}, nil, err
	}
	schema, err := s.DB.Tables(ctx, r)
	if err != nil {
		return Header{}, nil, err
	}
	if dumps, err = carried(schema, false); err != nil {
		return Header{}, nil, err
	}
	steps, err := store.AppliedSteps(ctx, r)
	if err != nil {
		return Header{}, nil, err
	}
	h = Header{Format: format, Product: s.Product, Taken: s.DB.Now(), Engine: s.DB.Engine(), Proof: s.Keys.Seal(secret.ForBackup, proofRow, nil), Demo: mark.Demo}
	for _, step := range steps {
		h.Steps = append(h.Steps, Step{step.Name, step.Digest})
	}
	for _, d := range dumps {
		one := Listed{Name: d.Table}
		for _, c := range d.Columns {
			one.Columns, one.Kinds = append(one.Columns, c.Name), one.Kinds+string(c.Kind)
		}
		if one.Rows, err = d.Rows(ctx, r); err != nil {
			return Header{}, nil, err
		}
		h.Tables = append(h.Tables, one)
	}
	return h, dumps, nil
}

func (s Source) rows(ctx context.Context, r store.Reader, h Header, dumps []store.Dump, o *out) error {
	tell := teller(s.Tell, h.Rows())
	var row []byte
	for i, d := range dumps {
		if err := o.frame(frameTable, binary.AppendUvarint(nil, uint64(i))); err != nil {
			return err
		}
		var sum Sum
		err := d.Each(ctx, r, func(values []any) error {
			row = encode(row[:0], values)
			if len(row) > longest {
				return fmt.Errorf("a row of %s has %d bytes, more than a backup takes", d.Table, len(row))
			}
			sum.add(row)
			tell()
			return o.frame(frameRow, row)
		})
		if err != nil {
			return err
		}
		if sum.Rows != h.Tables[i].Rows {
			return fmt.Errorf("%w: %s has %d rows, and %d were read", ErrDiffers, d.Table, h.Tables[i].Rows, sum.Rows)
		}
		if err := o.json(frameEnd, tableEnd{sum.Rows, sum.String()}); err != nil {
			return err
		}
	}
	return nil
}

// tellEvery is of how many rows one is told of.
var tellEvery int64 = 10_000

// teller counts rows and tells of some of them.
func teller(tell func(n, of int64), of int64) func() {
	var n int64
	return func() {
		if n++; tell != nil && (n%tellEvery == 0 || n == of) {
			tell(n, of)
		}
	}
}
