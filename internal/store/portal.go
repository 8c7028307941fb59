package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Mark is what a database says of itself.
type Mark struct {
	KeyCheck []byte // what the right key file answers to the portal's own question
	Demo     bool   // only a demo may be served from it
	Created  time.Time
}

// MarkPortal marks a new database; ErrTaken when it was marked already, ErrHeld when
// something else is being made of it.
func MarkPortal(ctx context.Context, tx *Tx, keyCheck []byte, demo bool) error {
	if h, err := ReadHold(ctx, tx); err != nil || h != (Hold{}) {
		return errors.Join(err, h.Err())
	}
	n, err := tx.Exec(ctx, `insert into portal (id, key_check, demo, created_at) values (1, $1, $2, $3) on conflict (id) do nothing`,
		keyCheck, demo, Micros(tx.Now()))
	if err == nil && n == 0 {
		err = ErrTaken
	}
	if err != nil {
		return fmt.Errorf("portal: %w", err)
	}
	return nil
}

// ReadPortal reads the mark; ErrNone when there is none yet.
func ReadPortal(ctx context.Context, r Reader) (m Mark, err error) {
	var created Instant
	err = r.QueryRow(ctx, `select key_check, demo, created_at from portal where id = 1`).Scan(&m.KeyCheck, &m.Demo, &created)
	if err != nil {
		return Mark{}, fmt.Errorf("portal: %w", err)
	}
	m.Created = created.Time
	return m, nil
}
