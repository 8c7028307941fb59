package keyring

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nidan/internal/secret"
)

// Line is a key that was made known. The key itself stands in the file alone.
type Line struct {
	ID                      byte
	Check                   []byte // what secret.Keys.Check answers
	Added, Active, Retired  time.Time
	AddedBy, By, RetiredWho string
}

// State is what the database says of the keys.
type State struct {
	Seals   byte
	Since   time.Time // when that key began to seal; zero: it always did
	Digests []byte    // the keys of lasting digests, sealed; empty: as the first key has them
	Lines   []Line    // by number
	alone   bool      // the first key, without a row
}

// Node is one that runs, as the database knows it, with what it has said since its start.
type Node struct {
	Name  string
	Said  bool
	Holds []byte
	Seals byte
}

// What a key file can be refused for.
var (
	ErrWrong   = errors.New("another key")
	ErrMissing = errors.New("a key is missing")
)

// Fault is what is wrong with a key file.
type Fault struct {
	Why  error // ErrWrong or ErrMissing
	Keys []byte
}

// Error names the keys.
func (f *Fault) Error() string { return fmt.Sprintf("%s: %s", f.Why, Names(f.Keys)) }

// Unwrap answers why.
func (f *Fault) Unwrap() error { return f.Why }

// Fits says whether a key file is this portal's, by what knows each of its keys again:
// every key that has ever sealed and is not retired is there, and none has the number
// of another. A key that is only added may still be missing; one that is not known, or
// is retired, does no harm.
func (s State) Fits(held map[byte][]byte) error {
	var wrong, missing []byte
	for _, l := range s.Lines {
		switch check, has := held[l.ID]; {
		case !l.Retired.IsZero():
		case has && !secret.Equal(l.Check, check):
			wrong = append(wrong, l.ID)
		case !has && !l.Active.IsZero():
			missing = append(missing, l.ID)
		}
	}
	switch {
	case len(wrong) > 0:
		return &Fault{ErrWrong, wrong}
	case len(missing) > 0:
		return &Fault{ErrMissing, missing}
	}
	return nil
}

// Line is a key by its number; false for one that was never made known.
func (s State) Line(id byte) (Line, bool) {
	i := slices.IndexFunc(s.Lines, func(l Line) bool { return l.ID == id })
	if i < 0 {
		return Line{}, false
	}
	return s.Lines[i], true
}

// Retired are the keys that open nothing any more.
func (s State) Retired() (ids []byte) {
	for _, l := range s.Lines {
		if !l.Retired.IsZero() {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// Newest is the key that should seal: the highest number that is not retired.
func (s State) Newest() byte {
	newest := s.Seals
	for _, l := range s.Lines {
		if l.Retired.IsZero() && l.ID > newest {
			newest = l.ID
		}
	}
	return newest
}

// Highest is the highest number that was ever made known.
func (s State) Highest() (highest byte) {
	for _, l := range s.Lines {
		highest = max(highest, l.ID)
	}
	return highest
}

// Lacking are the nodes that have not said that they hold a key, but those named.
func Lacking(nodes []Node, id byte, without []string) []Node {
	return those(nodes, without, func(n Node) bool { return !n.Said || !slices.Contains(n.Holds, id) })
}

// Behind are the nodes that have not said that they seal with a key, but those named.
func Behind(nodes []Node, id byte, without []string) []Node {
	return those(nodes, without, func(n Node) bool { return !n.Said || n.Seals != id })
}

func those(nodes []Node, without []string, are func(Node) bool) (some []Node) {
	for _, n := range nodes {
		if are(n) && !slices.Contains(without, n.Name) {
			some = append(some, n)
		}
	}
	return some
}

// Rest is how long another key must have sealed before one is retired: codes of passes
// that were handed over before are valid so long.
const Rest = 24 * time.Hour

// Why a key is not retired.
var (
	ErrSeals   = errors.New("it is the key that seals")
	ErrUnknown = errors.New("there is no such key")
	ErrEarly   = errors.New("pass codes that were handed over before still count")
)

// Retirable says whether a key may be retired, as far as the keys tell: what is sealed
// and the nodes are asked beside it. until is when it may, where that is the reason.
func (s State) Retirable(id byte, now time.Time, atOnce bool) (until time.Time, err error) {
	l, known := s.Line(id)
	switch {
	case !known:
		return time.Time{}, ErrUnknown
	case id == s.Seals:
		return time.Time{}, ErrSeals
	case !l.Active.IsZero() && !atOnce && now.Before(s.Since.Add(Rest)):
		return s.Since.Add(Rest), ErrEarly
	}
	return time.Time{}, nil
}

// Names are keys as people read them.
func Names(ids []byte) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(int(id))
	}
	return strings.Join(texts, ", ")
}

// parse is the reverse of Names; what is no number is left out.
func parse(text string) (ids []byte) {
	for one := range strings.SplitSeq(text, ", ") {
		if id, err := strconv.ParseUint(one, 10, 8); err == nil {
			ids = append(ids, byte(id))
		}
	}
	return ids
}
