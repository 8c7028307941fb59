// Package clock is the only place that reads the machine's time. Time runs
// forward: Now never answers an instant before the latest one this portal has
// seen, here or (by the stored instant) on any node before.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock answers the portal's present. The zero Clock is not usable; see New.
type Clock struct {
	read   func() time.Time
	offset atomic.Int64 // nanoseconds added to the machine's time; not zero only in a demo
	latest atomic.Int64 // Unix nanoseconds of the latest instant answered or raised to
	epoch  atomic.Int64 // the store's clock epoch that latest belongs to, see Remember
	demo   atomic.Int64 // the offset last taken from the store, in nanoseconds
}

// New is the machine's clock.
func New() *Clock { return &Clock{read: time.Now} }

// At is a clock that stands at t until Set moves it; stories and tests use it.
func At(t time.Time) *Clock { return &Clock{read: func() time.Time { return t }} }

// Set moves a clock to t, from where it runs (or stands) on. A move back needs Accept as well.
func (c *Clock) Set(t time.Time) { c.Jump(t.Sub(c.read())) }

// Now is the later of the machine's time (with a demo's offset) and the latest
// instant seen, in UTC, to the microsecond, as the store keeps it.
func (c *Clock) Now() time.Time {
	now := c.Raw().UnixNano()
	for {
		latest := c.latest.Load()
		if now <= latest {
			now = latest
			break
		}
		if c.latest.CompareAndSwap(latest, now) {
			break
		}
	}
	return time.Unix(0, now).UTC().Truncate(time.Microsecond)
}

// Raw is the machine's time with the demo's offset, without the memory of later instants.
func (c *Clock) Raw() time.Time {
	return c.read().Add(time.Duration(c.offset.Load()))
}

// Machine is the machine's own time, for comparing nodes with each other.
func (c *Clock) Machine() time.Time { return c.read() }

// Raise makes t seen: Now never answers less from here on.
func (c *Clock) Raise(t time.Time) {
	at := t.UnixNano()
	for {
		latest := c.latest.Load()
		if at <= latest || c.latest.CompareAndSwap(latest, at) {
			return
		}
	}
}

// Accept forgets the latest instant and starts again from the machine's time.
// Only `nidan clock accept` and a demo's clock page may do this.
func (c *Clock) Accept() { c.latest.Store(c.Raw().UnixNano()) }

// Offset is what a demo adds to the machine's time.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Jump sets the offset of a demo. A jump back needs Accept as well.
func (c *Clock) Jump(offset time.Duration) { c.offset.Store(int64(offset)) }

// Behind is how far the machine's time is behind the latest instant seen; zero
// when time runs as it should.
func (c *Clock) Behind() time.Duration {
	return max(0, time.Duration(c.latest.Load()-c.Raw().UnixNano()))
}
