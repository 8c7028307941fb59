package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// connections bounds what one node takes of the server's.
const connections = 24

func openPostgres(ctx context.Context, source string, now func() time.Time) (*DB, error) {
	db, err := sql.Open("pgx", source)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return &DB{
		engine: PostgreSQL, now: now, source: source,
		read:  newPool(db, false),
		write: &writer{db: db},
	}, nil
}
