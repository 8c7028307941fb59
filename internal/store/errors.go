package store

import (
	"database/sql"
	"errors"
	"fmt"

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
	if kind := kindOf(err); kind != nil {
		return fmt.Errorf("%w (%w)", kind, err)
	}
	return err
}

func kindOf(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "23505":
			return ErrTaken
		case "23503":
			return ErrMissing
		case "23514":
			return ErrCheck
		}
		return nil
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY:
			return ErrTaken
		case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
			return ErrMissing
		case lib.SQLITE_CONSTRAINT_CHECK:
			return ErrCheck
		}
	}
	return nil
}

// again says whether a transaction lost to another and may be tried anew.
func again(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == lib.SQLITE_BUSY
	}
	return false
}
