package store

import (
	"context"
	"database/sql"
)

// Snapshot hands do a reader to which the database stands still: it sees one state
// of it, whatever is written meanwhile. It delays no writer. On SQLite the log grows
// as long as it lasts, so it is for a copy, not for a page.
func (db *DB) Snapshot(ctx context.Context, do func(ctx context.Context, r Reader) error) error {
	options := &sql.TxOptions{}
	if db.engine == PostgreSQL {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	count(ctx)
	tx, err := db.read.db.BeginTx(ctx, options)
	if err != nil {
		return mapError(err)
	}
	defer func() { _ = tx.Rollback() }() // it has written nothing
	if db.engine == PostgreSQL {         // whoever the copy is for may be slow to take it
		if _, err := tx.ExecContext(ctx, `set local idle_in_transaction_session_timeout = 0`); err != nil {
			return mapError(err)
		}
	}
	if db.engine == PostgreSQL { // whoever copies may pause; it holds nobody up
		if _, err := tx.ExecContext(ctx, "set local idle_in_transaction_session_timeout = 0"); err != nil {
			return mapError(err)
		}
	}
	return do(ctx, snapshot{tx})
}

type snapshot struct{ tx *sql.Tx }

func (s snapshot) Query(ctx context.Context, text string, args ...any) (*Rows, error) {
	count(ctx)
	rows, err := s.tx.QueryContext(ctx, text, args...)
	return &Rows{Rows: rows}, mapError(err)
}

func (s snapshot) QueryRow(ctx context.Context, text string, args ...any) *Row {
	rows, err := s.Query(ctx, text, args...)
	return &Row{rows: rows, err: err}
}
