package testpostgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
)

// Copy is Database, filled already: a copy of one that fill has filled. That one
// is made once for the server and stays, so the name must change with what fill
// does; fill leaves no connection open.
func Copy(t testing.TB, name string, fill func(url string) error) string {
	t.Helper()
	original := "original_" + name
	if err := once(t.Context(), original, fill); err != nil {
		t.Fatalf("PostgreSQL for tests: make %s: %v", original, err)
	}
	return create(t, " template "+original)
}

// once makes a database that is to be copied, unless it is there. Test binaries
// run at the same time, so one at a time looks; it gets its name when it is whole.
func once(ctx context.Context, name string, fill func(url string) error) error {
	admin, err := connect()
	if err != nil {
		return err
	}
	conn, err := admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	there, err := exists(ctx, conn, name)
	if err != nil || there {
		return err
	}
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock(4711002719)"); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock(4711002719)")
	if there, err = exists(ctx, conn, name); err != nil || there {
		return err
	}
	half := "half_" + name // of a run that was killed, perhaps
	_, err1 := conn.ExecContext(ctx, "drop database if exists "+half+" with (force)")
	_, err2 := conn.ExecContext(ctx, "create database "+half+empty)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	address, err := address(half)
	if err != nil {
		return err
	}
	if err := fill(address); err != nil {
		return fmt.Errorf("fill it: %w", err)
	}
	_, err = conn.ExecContext(ctx, "alter database "+half+" rename to "+name)
	return err
}

func exists(ctx context.Context, conn *sql.Conn, name string) (there bool, err error) {
	err = conn.QueryRowContext(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there)
	return there, err
}
