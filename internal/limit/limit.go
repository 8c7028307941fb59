package limit

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"
)

// Rate is Burst tries at once, and one more for each Every that passes. The zero
// Rate allows nothing.
type Rate struct {
	Burst int
	Every time.Duration
}

// Key is what is counted: a name and the rate that holds for it.
type Key struct {
	Name string
	Rate Rate
}

// ErrKey means that a key cannot be counted: a mistake in the program.
var ErrKey = errors.New("not a key of an allowance")

// longestName bounds a name, in characters.
const longestName = 120

// never is as far ahead as an answer can be.
const never = 100 * 365 * 24 * time.Hour

// Next says whether one more try is allowed at now, and if not, from when on.
// fullAt is when the allowance is full again; the zero time is one never spent.
func (r Rate) Next(now, fullAt time.Time) (ok bool, again time.Time) {
	if !r.valid() {
		return false, now.Add(never)
	}
	again = fullAt.Add(-r.room())
	if now.Before(again) {
		return false, again
	}
	return true, time.Time{}
}

// Spent is when the allowance is full again after one more try at now.
func (r Rate) Spent(now, fullAt time.Time) time.Time {
	if fullAt.After(now) {
		return fullAt.Add(r.Every)
	}
	return now.Add(r.Every)
}

// room is how far from full an allowance may be and still have one try left.
func (r Rate) room() time.Duration { return time.Duration(r.Burst-1) * r.Every }

// valid also bounds what an allowance can span, so that no instant overflows.
func (r Rate) valid() bool {
	return r.Burst >= 1 && r.Every >= time.Microsecond && r.Every <= never/time.Duration(r.Burst)
}

// Again is when the act may be tried with what is stored of the key: the zero time
// means now. A key without a name limits nothing.
func (k Key) Again(now, fullAt time.Time) time.Time {
	if k.Name == "" {
		return time.Time{}
	}
	if ok, again := k.Rate.Next(now, fullAt); !ok {
		return again
	}
	return time.Time{}
}

func (k Key) check() error {
	switch {
	case k.Name == "" || utf8.RuneCountInString(k.Name) > longestName:
		return fmt.Errorf("%w: its name has not 1 to %d characters", ErrKey, longestName)
	case !k.Rate.valid():
		return fmt.Errorf("%w: %d at once and one each %s is not a rate", ErrKey, k.Rate.Burst, k.Rate.Every)
	}
	return nil
}

// checkAll also refuses a name twice, since one statement counts each name once.
func checkAll(keys []Key) error {
	met := make(map[string]bool, len(keys))
	for _, k := range keys {
		if err := k.check(); err != nil {
			return err
		}
		if met[k.Name] {
			return fmt.Errorf("%w: a name is counted twice in one act", ErrKey)
		}
		met[k.Name] = true
	}
	return nil
}

// Network is the part of an address that one person has for himself: the whole of
// an IPv4 address, the /64 of an IPv6 address. It is canonical, so that nobody
// gets a second allowance by another spelling; "" for no address.
func Network(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}
