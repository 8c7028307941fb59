package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// connections bounds what one node takes of the server's.
const connections = 24

// patience is what the server waits for on our behalf; an address may say otherwise
// (…?lock_timeout=8s). Who waits longer for a lock than busy_timeout on SQLite is told
// that the database is busy, as there. A node that was stopped in the middle of a
// transaction keeps its rows from the others no longer than that either: none of ours
// waits for anything outside. It is said by a statement: a pooler in between refuses
// settings that it does not know at the start of a connection.
var patience = map[string]string{"lock_timeout": "5s", "idle_in_transaction_session_timeout": "15s"}

func openPostgres(ctx context.Context, source string, now func() time.Time) (*DB, error) {
	config, err := dial(source)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	known := &hosts{}
	known.watch(config)
	db := stdlib.OpenDB(*config, stdlib.OptionBeforeConnect(known.first))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return &DB{
		engine: PostgreSQL, now: now, source: nameOf(config),
		read:  newPool(db, false),
		write: &writer{db: db},
	}, nil
}
