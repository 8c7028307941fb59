package pass

import "time"

// Kind is what a pass is for. The zero Kind is nothing.
type Kind string

// The kinds, each with how long it is valid.
const (
	Guide     Kind = "guide"    // a new account's starting guide
	Latecomer Kind = "pass"     // lost device, missed end
	Operator  Kind = "operator" // an operator's one-time link
)

// Valid is how long a pass of a kind can be used.
func (k Kind) Valid() time.Duration {
	switch k {
	case Guide:
		return 72 * time.Hour
	case Latecomer:
		return 24 * time.Hour
	case Operator:
		return time.Hour
	}
	return 0
}

// Pass is one permission. The zero Pass is not valid.
type Pass struct {
	ID        string
	Kind      Kind
	Expires   time.Time
	Spent     time.Time
	Withdrawn time.Time
	Replaced  time.Time
}

// Valid says whether the pass still opens set-up at now.
func (p Pass) Valid(now time.Time) bool {
	return p.ID != "" && p.Spent.IsZero() && p.Withdrawn.IsZero() && p.Replaced.IsZero() && now.Before(p.Expires)
}
