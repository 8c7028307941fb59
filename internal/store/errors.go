package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// mapError turns the drivers' errors into this package's; the driver's words stay
// in the message, for operators.
func mapError(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNone
	}
	if kind := kindOf(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%w (%w)", kind, err)
	}
	return err
}

// mapCommit is mapError for a commit. Where the answer to it was lost, nobody here
// knows whether it was done: that is said, instead of that nothing was changed.
func mapCommit(err error) error {
	if err == nil {
		return nil
	}
	mapped := mapError(err)
	if errors.Is(mapped, ErrAway) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w (%w)", ErrUnsure, mapped)
	}
	return mapped
}

func kindOf(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return kindOfCode(pg.Code)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return kindOfResult(lite.Code())
	}
	if lost(err) {
		return ErrAway
	}
	return nil
}

// kindOfCode names an SQLSTATE of PostgreSQL (appendix A of its manual).
func kindOfCode(code string) error {
	switch code {
	case "23505":
		return ErrTaken
	case "23503":
		return ErrMissing
	case "23514":
		return ErrCheck
	case "53100": // disk_full
		return ErrFull
	case "55P03", "57014": // a lock was not given in time; a statement took too long
		return ErrBusy
	case "25006", "25P03": // it is a standby (any more); it ended a transaction of ours that stood still
		return ErrAway
	}
	switch {
	case strings.HasPrefix(code, "53"): // insufficient resources: memory, connections
		return ErrBusy
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"): // no connection; it stops, starts or has crashed
		return ErrAway
	}
	return nil
}

// kindOfResult names a result code of SQLite.
func kindOfResult(code int) error {
	switch code {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return ErrTaken
	case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return ErrMissing
	case lib.SQLITE_CONSTRAINT_CHECK:
		return ErrCheck
	case lib.SQLITE_IOERR_SHMSIZE: // the log's index finds no room
		return ErrFull
	}
	switch code & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return ErrBusy
	case lib.SQLITE_FULL:
		return ErrFull
	case lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY: // the disk fails, or was taken away
		return ErrAway
	}
	return nil
}

// lost says whether a connection could not be made or broke.
func lost(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // somebody here gave up
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || strings.HasSuffix(err.Error(), "conn closed")
}

// broke says whether a connection that was there ended, as those of a server that stopped
// do; another one may hold.
func broke(err error) bool {
	var connect *pgconn.ConnectError
	if err == nil || errors.As(err, &connect) {
		return false
	}
	return errors.Is(mapError(err), ErrAway)
}

// again says whether a transaction lost to another and may be tried anew.
func again(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "55P03"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == lib.SQLITE_BUSY
	}
	return false
}
