package password

import (
	"fmt"
	"strconv"
	"strings"
)

// longestStored is more than any hash named here is long.
const longestStored = 512

// reading is a stored value understood but not yet evaluated. All its parameters have been found within the
// limits, so whoever holds a reading may run it.
type reading struct {
	format string
	memory uint64 // bytes one evaluation takes; 0 where that is nothing to speak of

	// Either an Argon2id value, or a comparison of its own over the bytes as typed.
	argon   *argonHash
	foreign bool // Argon2id made by another system, over the bytes as typed
	match   func(password string) bool
	lasting bool // match takes by itself about as long as one Argon2 of ours, or longer
}

// own says that the value is as this portal writes it today.
func (r reading) own(cost Cost) bool {
	return r.argon != nil && !r.foreign && r.argon.cost == cost &&
		len(r.argon.salt) >= saltLength && len(r.argon.key) == keyLength
}

func (r reading) slow(cost Cost) bool {
	if r.argon != nil {
		return 2*r.argon.cost.work() >= cost.work()
	}
	return r.lasting
}

// Known names the format of a stored value without evaluating it, for imports and reports, or says with
// ErrUnreadable why this portal would never accept a password for it.
func Known(stored string) (string, error) {
	r, err := read(stored)
	if err != nil {
		return "", err
	}
	return r.format, nil
}

func read(stored string) (reading, error) {
	if len(stored) > longestStored {
		return reading{}, unreadable("any", "too long")
	}
	for _, c := range []byte(stored) {
		if c <= ' ' || c > '~' { // base64 decoders would pass over line ends
			return reading{}, unreadable("any", "not printable ASCII")
		}
	}
	switch {
	case strings.HasPrefix(stored, "$"):
		return readCrypt(stored)
	case strings.HasPrefix(stored, "{"):
		return readLDAP(stored)
	}
	return readDjango(stored)
}

func unreadable(format, reason string) error {
	return fmt.Errorf("%w: %s: %s", ErrUnreadable, format, reason)
}

func within(n, least, most int) bool { return least <= n && n <= most }

// readNumber reads a plain decimal of at least 1, and only in its one spelling.
func readNumber(text string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return n, err == nil && text[0] != '0'
}

// readNamed reads "m=1,t=2,p=3" with exactly these names in this order.
func readNamed(text string, names ...string) (values []uint64, ok bool) {
	fields := strings.Split(text, ",")
	if len(fields) != len(names) {
		return nil, false
	}
	values = make([]uint64, len(names))
	for i, name := range names {
		value, found := strings.CutPrefix(fields[i], name+"=")
		if values[i], ok = readNumber(value); !ok || !found {
			return nil, false
		}
	}
	return values, true
}
