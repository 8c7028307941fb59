package store

import (
	"context"
	"strconv"
	"strings"
	"sync"
)

// Parameters of one statement that takes many. SQLite's driver looks for each
// parameter among all of them, so that a long statement costs more than several;
// PostgreSQL's waits for an answer to each statement.
const (
	paramsLite = 96
	paramsPg   = 16_000
)

// InsertMany inserts rows of equal width by few statements: head ends with "values ",
// and args are the rows' values, one row after the other.
func (tx *Tx) InsertMany(ctx context.Context, head string, width int, args []any) error {
	for len(args) > 0 {
		n := together(len(args)/width, max(1, tx.params/width))
		if _, err := tx.Exec(ctx, head+rowsText(n, width), args[:n*width]...); err != nil {
			return err
		}
		args = args[n*width:]
	}
	return nil
}

// together is how many of the rows that are left one statement takes: few sizes, so
// that few texts have to be kept prepared.
func together(left, most int) int {
	n := most
	for n > left {
		n = max(1, n/4)
	}
	return n
}

var rowsTexts sync.Map // [rows, width] → text

// rowsText is "($1, $2), ($3, $4)".
func rowsText(n, width int) string {
	if text, ok := rowsTexts.Load([2]int{n, width}); ok {
		return text.(string)
	}
	var b strings.Builder
	for i := range n * width {
		switch {
		case i%width != 0:
			b.WriteString(", ")
		case i > 0:
			b.WriteString("), (")
		default:
			b.WriteByte('(')
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	b.WriteByte(')')
	rowsTexts.Store([2]int{n, width}, b.String())
	return b.String()
}

// asked is how many values one look-up asks for.
const asked = 48

// Among asks a statement for a list of values, a few at once: the text ends with
// "in ", and do reads each row. A list is filled up with its last value, so that there
// is one text.
func Among(ctx context.Context, r Reader, text string, values []string, do func(*Rows) error) error {
	for len(values) > 0 {
		some := values[:min(asked, len(values))]
		args := make([]any, asked)
		for i := range args {
			args[i] = some[min(i, len(some)-1)]
		}
		if err := among(ctx, r, text+rowsText(1, asked), args, do); err != nil {
			return err
		}
		values = values[len(some):]
	}
	return nil
}

func among(ctx context.Context, r Reader, text string, args []any, do func(*Rows) error) error {
	rows, err := r.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
