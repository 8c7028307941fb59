// Package fault names the kinds of refusal a person can meet. Everything that is
// not a *Fault is internal: it is logged and answered with a plain 500.
package fault

import (
	"errors"
	"time"
)

// Kind is what sort of refusal a fault is; the edge maps each kind to one HTTP
// status, so that no room chooses statuses of its own.
type Kind int

// The kinds. The zero kind is Internal: a fault made carelessly tells nothing.
const (
	Internal Kind = iota
	Invalid       // a field does not hold what was asked for: 422, the form again
	NotFound      // unknown or another organization's, alike: 404
	Taken         // somebody else has it already: 422, the form again
	Refused       // known, and not allowed: 403
	Closed        // the portal is closed for now: 503 with Retry-After
	TooSoon       // right to try, not yet: 429 with Retry-After
)

// Fault is a refusal the person can act on.
type Fault struct {
	Kind   Kind
	Field  string    // the form field it belongs to, or empty for the whole form
	Phrase string    // phrase key of the sentence shown
	Args   []any     // name, value pairs for the phrase
	Until  time.Time // Closed and TooSoon: when to try again
}

// Error says the kind of refusal by its phrase key, never a typed value.
func (f *Fault) Error() string { return "refused: " + f.Phrase }

// Field is a fault of one form field.
func Field(field, phrase string, args ...any) *Fault {
	return &Fault{Kind: Invalid, Field: field, Phrase: phrase, Args: args}
}

// New is a fault of the whole request.
func New(kind Kind, phrase string, args ...any) *Fault {
	return &Fault{Kind: kind, Phrase: phrase, Args: args}
}

// Wait is a TooSoon fault that ends at until.
func Wait(until time.Time, phrase string, args ...any) *Fault {
	return &Fault{Kind: TooSoon, Phrase: phrase, Args: args, Until: until}
}

// Of finds the fault in an error's chain; nil when the error is internal.
func Of(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}
