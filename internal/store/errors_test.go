package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestWhatADatabaseFailsWithHasAName(t *testing.T) {
	for code, want := range map[string]error{
		"53100": ErrFull, "53200": ErrBusy, "53300": ErrBusy, "55P03": ErrBusy, "57014": ErrBusy,
		"57P01": ErrAway, "57P02": ErrAway, "57P03": ErrAway, "08006": ErrAway, "25006": ErrAway, "25P03": ErrAway,
		"23505": ErrTaken, "42P01": nil, "40001": nil,
	} {
		err := mapError(fmt.Errorf("a statement: %w", &pgconn.PgError{Code: code}))
		for _, kind := range []error{ErrFull, ErrBusy, ErrAway, ErrTaken, ErrUnsure} {
			if errors.Is(err, kind) != (kind == want) { //nolint:errorlint // which of them it is
				t.Errorf("%s is %v", code, err)
			}
		}
	}
	for _, lost := range []error{io.ErrUnexpectedEOF, net.ErrClosed, &net.OpError{Op: "dial", Err: errors.New("refused")}, errors.New("conn closed")} {
		if err := mapError(lost); !errors.Is(err, ErrAway) || !errors.Is(err, lost) {
			t.Errorf("%v is %v", lost, err)
		}
		if err := mapCommit(lost); !errors.Is(err, ErrUnsure) {
			t.Errorf("at a commit %v is %v", lost, err)
		}
	}
	for _, gone := range []error{context.Canceled, context.DeadlineExceeded} {
		if err := mapError(gone); err != gone { //nolint:errorlint // it stays as it is
			t.Errorf("%v is %v", gone, err)
		}
		if err := mapCommit(gone); !errors.Is(err, ErrUnsure) || !errors.Is(err, gone) {
			t.Errorf("at a commit %v is %v", gone, err)
		}
	}
	if err := mapCommit(&pgconn.PgError{Code: "40001"}); errors.Is(err, ErrUnsure) {
		t.Errorf("a conflict at a commit is certain: %v", err)
	}
}
