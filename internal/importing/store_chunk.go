package importing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// chunkMost is how much of an uploaded file one row holds.
const chunkMost = 512 << 10

// keepChunk writes a piece of an uploaded file, sealed: it holds names, phone numbers
// and hashes.
func keepChunk(ctx context.Context, tx *store.Tx, keys *secret.Keys, run string, n int64, piece []byte) error {
	_, err := tx.Exec(ctx, `insert into import_chunk (run_id, n, piece) values ($1, $2, $3)`, run, n, keys.Seal(secret.ForImport, chunkName(run, n), piece))
	if err != nil {
		return fmt.Errorf("import file: %w", err)
	}
	return nil
}

func chunkName(run string, n int64) string { return run + "/" + strconv.FormatInt(n, 10) }

// drop removes a run whose file was of no use, with what has come of it.
func drop(ctx context.Context, tx *store.Tx, run string) error {
	if _, err := tx.Exec(ctx, `delete from import_chunk where run_id = $1`, run); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `delete from import_run where id = $1 and state = 'uploading'`, run)
	return err
}

// uploaded takes a run whose file is whole to its dry run; store.ErrTaken when the same
// file waits already, store.ErrNone when it was given up meanwhile.
func uploaded(ctx context.Context, tx *store.Tx, r Run, options string) error {
	n, err := tx.Exec(ctx, `update import_run set state = 'checking', digest = $1, bytes = $2, name = $3, options = $4 where id = $5 and state = 'uploading'`,
		r.Digest, r.Bytes, r.Name, options, r.ID)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// openWith finds the run of an uploaded file that has not ended.
func openWith(ctx context.Context, r store.Reader, digest []byte) (id string, err error) {
	err = r.QueryRow(ctx, `select id from import_run where digest = $1 and uploaded and finished_at is null and state <> 'uploading'`, digest).Scan(&id)
	return id, err
}

// chunks reads an uploaded file.
type chunks struct {
	ctx  context.Context
	r    store.Reader
	keys *secret.Keys
	run  string
	n    int64
	rest bytes.Reader
}

// Read reads from the piece at hand, or from the next.
func (c *chunks) Read(p []byte) (int, error) {
	for c.rest.Len() == 0 {
		var sealed []byte
		err := c.r.QueryRow(c.ctx, `select piece from import_chunk where run_id = $1 and n = $2`, c.run, c.n).Scan(&sealed)
		if errors.Is(err, store.ErrNone) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		piece, err := c.keys.Open(secret.ForImport, chunkName(c.run, c.n), sealed)
		if err != nil {
			return 0, fmt.Errorf("import file: %w", err)
		}
		c.n++
		c.rest.Reset(piece)
	}
	return c.rest.Read(p)
}

// Close does nothing.
func (c *chunks) Close() error { return nil }

// kept is the file of an uploaded run.
func (d *Desk) kept(ctx context.Context, r Run) (*File, error) {
	f := &File{Name: r.Name, open: func(ctx context.Context) (io.ReadCloser, error) {
		return &chunks{ctx: ctx, r: d.DB, keys: d.Keys, run: r.ID}, nil
	}}
	return f, f.inspect(ctx)
}

// Sealed is where uploaded files stand, for a change of keys.
func Sealed() keyring.Column {
	return keyring.Column{
		Name: "import_chunk.piece", Purpose: secret.ForImport, First: []any{"", int64(-1)}, Batch: 4, // of half a megabyte each
		Row:   func(key []any) string { return chunkName(key[0].(string), key[1].(int64)) },
		Next:  `select run_id, n, piece from import_chunk where (run_id, n) > ($1, $2) and substr(piece, 1, 1) <> $3 order by run_id, n limit $4`,
		Put:   `update import_chunk set piece = $1 where run_id = $2 and n = $3 and piece = $4`,
		Count: `select substr(piece, 1, 1), count(*) from import_chunk group by substr(piece, 1, 1)`,
	}
}
