package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Operators is the chain of the operators and of the portal itself.
const Operators = "operators"

// Retention is how long a row is kept.
const Retention = 400 * 24 * time.Hour

// Kind is what sort of actor did something.
type Kind string

// The kinds of actor.
const (
	KindAccount  Kind = "account"
	KindOperator Kind = "operator"
	KindConsole  Kind = "console"  // a command; the ID is the system user's name
	KindPortal   Kind = "portal"   // nobody: time or a rule did it
	KindStranger Kind = "stranger" // somebody who has not proved who he is
)

// Actor is who did something. The zero Actor is refused.
type Actor struct {
	Kind Kind
	ID   string // may be empty for the portal and for strangers
}

// Entry is one act, as a room hands it in.
type Entry struct {
	Chain   string // an organization's id, or Operators
	Act     string // "account:method:changed": noun, noun, verb
	Actor   Actor
	Subject string // the id it was done to
	Network string // where from; empty for the console and the portal
	Detail  map[string]string
}

// Row is one act, as it was written.
type Row struct {
	Entry
	Seq      int64
	At       time.Time
	Previous []byte // the digest of the row before; empty for the first
	Digest   []byte

	detail string // the text under the digest
}

// Filter chooses rows of one chain. What is zero does not filter.
type Filter struct {
	Chain   string
	From    time.Time // inclusive
	To      time.Time // exclusive
	Act     string
	Subject string
	After   int64 // the Seq of the last row of the page before
}

// ErrEntry means that an entry must not be written as it is: a mistake in the program.
var ErrEntry = errors.New("not an audit entry")

var (
	chainShape = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
	actShape   = regexp.MustCompile(`^[a-z][a-z0-9-]*(:[a-z][a-z0-9-]*){2}$`)
)

// secretWords are what a detail's name must not contain, since its value would
// then be what somebody could sign in with.
var secretWords = []string{"password", "code", "secret", "token"}

// check says what is wrong with an entry, without quoting its values.
func (e Entry) check() error {
	switch {
	case !chainShape.MatchString(e.Chain):
		return fmt.Errorf("%w: its chain is neither an id nor %q", ErrEntry, Operators)
	case !actShape.MatchString(e.Act):
		return fmt.Errorf("%w: its act is not of the shape noun:noun:verb", ErrEntry)
	case !e.Actor.known():
		return fmt.Errorf("%w: %s has no actor", ErrEntry, e.Act)
	}
	for name := range e.Detail {
		for _, word := range secretWords {
			if strings.Contains(strings.ToLower(name), word) {
				return fmt.Errorf("%w: the detail %q of %s suggests a secret", ErrEntry, name, e.Act)
			}
		}
	}
	return nil
}

func (a Actor) known() bool {
	switch a.Kind {
	case KindAccount, KindOperator, KindConsole:
		return a.ID != ""
	case KindPortal, KindStranger:
		return true
	}
	return false
}

// clean makes text that both engines store as it is: a stranger may have typed it.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// canonical is the one JSON text of a detail: sorted names, no needless escapes.
func canonical(detail map[string]string) string {
	if len(detail) == 0 {
		return "{}"
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(detail); err != nil { // a map of strings always encodes
		panic("audit: " + err.Error())
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// after makes the row of an entry that follows another in its chain; the zero Row
// stands before the first.
func (e Entry) after(last Row, at time.Time, keys *secret.Keys) Row {
	e.Actor.ID, e.Subject, e.Network = clean(e.Actor.ID), clean(e.Subject), clean(e.Network)
	row := Row{Entry: e, Seq: last.Seq + 1, At: at, Previous: last.Digest, detail: canonical(e.Detail)}
	if row.Previous == nil {
		row.Previous = []byte{}
	}
	row.Digest = row.sum(keys)
	return row
}

// sum is the digest a row must have: over every column, the previous digest among them.
func (r Row) sum(keys *secret.Keys) []byte {
	return keys.Digest(secret.ForAudit, "row 1",
		r.Chain, strconv.FormatInt(r.Seq, 10), strconv.FormatInt(store.Micros(r.At), 10),
		r.Act, string(r.Actor.Kind), r.Actor.ID, r.Subject, r.Network, r.detail, string(r.Previous))
}

// intact says whether a row is as it was written.
func (r Row) intact(keys *secret.Keys) bool { return secret.Equal(r.Digest, r.sum(keys)) }
