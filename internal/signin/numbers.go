package signin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"nidan/internal/store"
)

// numbers is one column that holds many: instants, counts and truths, with a blank
// between. Each column costs the drivers more than what it holds, and PostgreSQL more
// than the row it is of. Nothing that people write is ever in it, and what cannot be read
// is an error: then nothing is known of anybody.
type numbers struct {
	left string
	err  error
}

func (n *numbers) next() int64 {
	text, left, _ := strings.Cut(n.left, " ")
	n.left = left
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil && n.err == nil {
		n.err = fmt.Errorf("a column of numbers: %w", err)
	}
	return v
}

func (n *numbers) instant() time.Time { return store.Time(n.next()) }

func (n *numbers) truth() bool { return n.next() == 1 }

// end says what was wrong: one that was no number, too few, or too many.
func (n *numbers) end() error {
	if n.err == nil && n.left != "" {
		n.err = fmt.Errorf("a column of numbers: %d bytes are left", len(n.left))
	}
	return n.err
}
